import type { Batch, Signal } from "./batch.ts";
import { itemsFound, VALIDATORS } from "./generated/validate.ts";
import { MAX_BYTES, others } from "./scan.ts";
import { rootOf } from "./schema.ts";
import { type Problem, walkMessage } from "./walk.ts";

/**
 * Whether bytes are an OTLP payload, well-formed at every depth: tags with a field number, wire types that exist and that the known
 * fields have (numbers packed or not), varints of at most 64 bits, contents inside their message, balanced groups, at most 100
 * messages deep. Unknown fields are allowed. The UTF-8 of strings and the length of ids are not checked.
 *
 * @param bytes any view; neither kept nor changed
 * @returns `undefined`, or what is wrong: `LogsData.resource_logs[0].scope_logs[2].schema_url: length 40 runs past the end (byte 1210)`
 */
export function validateOtlp(signal: Signal, bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_BYTES) return `${bytes.length} bytes are more than the ${MAX_BYTES} that a payload can have`;
  // Buffer is a subclass: with two kinds of array the generated code would be half as fast.
  const plain =
    Object.getPrototypeOf(bytes) === Uint8Array.prototype
      ? bytes
      : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return VALIDATORS[signal](plain, 0, plain.length) ? undefined : explain(signal, plain);
}

/**
 * What came from outside, as a batch: its bytes are well-formed, and its items are counted, which costs next to nothing on the way.
 *
 * @returns the batch, or what is wrong with the bytes, as `validateOtlp` says it
 */
export function checkedBatch(signal: Signal, bytes: Uint8Array): Batch | string {
  const before = others;
  const problem = validateOtlp(signal, bytes);
  if (problem !== undefined) return problem;
  // Where something unusual stands, an item may: it is then counted when somebody asks.
  return others === before ? { signal, bytes, items: itemsFound() } : { signal, bytes };
}

/** The slow way over the same bytes, which can say what is wrong. */
function explain(signal: Signal, bytes: Uint8Array): string {
  const root = rootOf(signal);
  const problem: Problem = { offset: 0, text: "malformed", path: [] };
  if (walkMessage(bytes, 0, bytes.length, root, 0, problem) >= 0)
    throw new Error(
      `the two validators disagree about a ${signal} payload of ${bytes.length} bytes: please report this`,
    );
  return `${[root.name, ...problem.path.reverse()].join(".")}: ${problem.text} (byte ${problem.offset})`;
}
