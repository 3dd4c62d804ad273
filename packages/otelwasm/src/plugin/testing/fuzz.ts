/** Of fast-check. */
interface FuzzParameters {
  readonly numRuns: number;
  readonly interruptAfterTimeLimit?: number;
  readonly seed?: number;
}

/**
 * How long fast-check goes on: so many runs, or the seconds of OTELWASM_FUZZ_SECONDS for each property. A failure prints its seed, which OTELWASM_FUZZ_SEED
 * takes to see it again.
 */
export function runs(count: number): FuzzParameters {
  const { OTELWASM_FUZZ_SECONDS: seconds, OTELWASM_FUZZ_SEED: seed } = process.env;
  return {
    ...(seconds === undefined
      ? { numRuns: count }
      : { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: Number(seconds) * 1000 }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
