/** Everything that the host offers, called with pointers and sizes that mean nothing: also what is added to it one day. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HOST_FUNCTIONS } from "../abi/names.ts";
import { silentLogger } from "../component/logger.ts";
import type { HostFunction, ValueType } from "../runtime/contract.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import { GuestCall } from "./call.ts";
import { PluginError } from "./errors.ts";
import { createHostModule } from "./host.ts";
import { ECHO, guest } from "./testing/guests.ts";
import { type Loaded, part, started } from "./testing/load.ts";

const MEMORY = 2 * 65_536;

/** Pointer and size: over the end by one, around the end of the address space, everything there is, negative as signed numbers. */
const WILD = [
  [MEMORY - 1, 2],
  [0xfffffff0, 0x20],
  [0, 0xffffffff],
  [0x80000000, 0x80000000],
] as const;

const HOST_FUNCTION_NAMES = Object.keys(HOST_FUNCTIONS);

/** Each function once, whatever the number of its names. */
const FUNCTIONS: readonly HostFunction[] = [
  ...new Map(
    createHostModule({
      call: new GuestCall(0),
      config: new Uint8Array(0),
      logger: silentLogger,
      shutdownRequested: () => false,
    })
      .functions.toReversed()
      .map((each) => [each.function, each]),
  ).values(),
];

/** The payload has them from byte 8 on, eight bytes each. */
function argument(type: ValueType, index: number): string {
  const at = `offset=${8 * index + 8} (local.get $pointer)`;
  if (type === "i64") return `(i64.load32_s ${at})`;
  if (type === "f64") return `(f64.convert_i32_s (i32.load ${at}))`;
  assert.equal(type, "i32");
  return `(i32.load ${at})`;
}

/** Calls the function with what the payload says; does nothing with an empty one. */
function calling({ moduleName, functionName, params, results }: HostFunction): Uint8Array {
  return guest({
    imports: `(import "${moduleName}" "${functionName}" (func $wild (param ${params.join(" ")}) (result ${results.join(" ")})))`,
    consume: `(if (local.get $size) (then
      (call $wild ${params.map(argument).join(" ")}) ${results.map(() => "(drop)").join(" ")})) (i32.const 0)`,
  });
}

function payload(words: readonly number[]): Uint8Array {
  return part(new Uint8Array(BigInt64Array.from([0n, ...words.map((word) => BigInt(word | 0))]).buffer));
}

describe("hostile guests: wild pointers and sizes to every host function", () => {
  let bystander: Loaded;
  before(async () => {
    bystander = await started(guest(ECHO), { id: "wasm/bystander" });
  });
  after(() => bystander[Symbol.asyncDispose]());

  for (const offered of FUNCTIONS.filter(({ params }) => params.length > 0))
    test(`wild pointers and sizes to ${offered.moduleName}.${offered.functionName}: the sender gets an answer, another plugin goes on, the plugin comes back`, async () => {
      // In the context of a call that may set results, where the function is one that sets them.
      const signal = SIGNALS.find((each) => offered.functionName.endsWith(each)) ?? "logs";
      await using loaded = await started(calling(offered), {
        signals: [signal],
        restart: { initialIntervalMs: 0, maxRestarts: 1_000 },
        // What it makes of the arguments may be a long wait.
        limits: { callTimeoutMs: 2_000 },
      });
      let refused = 0;
      for (const [pointer, size] of WILD)
        for (const words of [
          offered.params.map((_, index) => (index % 2 === 0 ? pointer : size)),
          offered.params.map((_, index) => (index % 2 === 0 ? size : pointer)),
        ]) {
          const bytes = payload(words);
          const answer = loaded.plugin.consume({ signal, bytes }).catch((error: unknown) => error);
          assert.deepEqual(await bystander.consume([7]), [[7]]);
          const outcome = await answer;
          if (outcome instanceof Error) {
            assert.ok(outcome instanceof PluginError && !outcome.permanent, String(outcome));
            assert.match(outcome.message, /: (trapped|stopped): /);
            if (outcome.message.includes("outside the memory of 131072 bytes")) refused++;
          }
          assert.equal(await loaded.consume([], signal), undefined, "it works again");
          assert.equal(loaded.plugin.state, "working");
        }
      // Of the others some take what cannot be read for a text that is not there.
      if (HOST_FUNCTION_NAMES.includes(offered.functionName))
        assert.ok(refused >= WILD.length, `${refused} calls were refused`);
    });
});
