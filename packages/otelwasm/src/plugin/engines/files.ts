/** The tests of plugins that say nothing of an engine: they load by `testing/load.ts`, which OTELWASM_TEST_ENGINE tells what to load on. */
const NAMES = [
  "context",
  "grants",
  "host",
  "hostile",
  "hostile-arguments",
  "isolation",
  "lifecycle",
  "network",
  "receiver",
  "restart",
  "rules",
] as const;

export const PLUGIN_TESTS: readonly URL[] = NAMES.map((name) => new URL(`../${name}.test.ts`, import.meta.url));
