/** Runs a script of the specification's tests on an engine, through the contract alone. */
import { type ModuleInfo, parseModule } from "../../packages/otelwasm/src/runtime/binary.ts";
import type {
  CompiledModule,
  CompileOptions,
  FunctionInstance,
  ModuleInstance,
  Runtime,
  Value,
} from "../../packages/otelwasm/src/runtime/contract.ts";
import { WasmError, type WasmErrorCode } from "../../packages/otelwasm/src/runtime/errors.ts";
import { bitsName, hasVectors, type Wanted, withBits } from "./bits.ts";
import { Blocked, Instances, LeftOut, type LeftOutReason, type Running } from "./instances.ts";
import type { ActionCommand, Command, Script } from "./script.ts";
import { codeOf } from "./traps.ts";
import { differenceOfBits, differenceOfValues, isNumber, isPlain, toBits, toValue } from "./values.ts";
import { usesBits, wantedBits } from "./wanted.ts";

export interface Outcome {
  /** Commands that were carried out, failures and what they block included. */
  readonly ran: number;
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
  readonly failures: readonly Failure[];
}

interface Failure {
  /** Of the script in the text format. */
  readonly line: number;
  readonly what: string;
}

/** @param runtime whose compiled modules nobody else needs: all are closed */
export async function runScript(script: Script, runtime: Runtime, options: CompileOptions = {}): Promise<Outcome> {
  const run = new Run(script, runtime, options);
  const leftOut = new Map<LeftOutReason, number>();
  const failures: Failure[] = [];
  let ran = 0;
  for (const command of script.commands) {
    try {
      await run.step(command);
      ran++;
    } catch (error) {
      if (error instanceof LeftOut) {
        leftOut.set(error.reason, (leftOut.get(error.reason) ?? 0) + 1);
        continue;
      }
      ran++;
      if (error instanceof Blocked) continue;
      const what = error instanceof Difference ? error.message : `${error instanceof Error ? error.stack : error}`;
      failures.push({ line: command.line, what: `${command.type}: ${what}` });
    }
  }
  await run.close();
  return { ran, leftOut, failures };
}

/** Something is not as the script has it. */
class Difference extends Error {}

class Run {
  readonly #script: Script;
  readonly #runtime: Runtime;
  readonly #options: CompileOptions;
  readonly #wanted: ReadonlyMap<Command, Wanted>;
  readonly #instances = new Instances();
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(script: Script, runtime: Runtime, options: CompileOptions = {}) {
    this.#script = script;
    this.#runtime = runtime;
    this.#options = options;
    this.#wanted = wantedBits(script.commands);
  }

  /** @throws LeftOut, Blocked, Difference; or anything, which is a failure, too */
  async step(command: Command): Promise<void> {
    switch (command.type) {
      case "module":
        return this.#module(command);
      case "register":
        return this.#instances.register(command.as, command.name);
      case "action":
        this.#call(command);
        return;
      case "assert_return":
        return this.#return(command);
      case "assert_exhaustion":
      case "assert_trap":
        return expectError(codeOf(command.text), async () => this.#call(command));
      case "assert_exception":
        return expectError("exception", async () => this.#call(command));
      case "assert_uninstantiable":
      case "assert_unlinkable": {
        const binary = this.#script.binary(command.filename);
        return expectError(codeOf(command.text), () => this.#instantiate(binary));
      }
      case "assert_invalid":
      case "assert_malformed": {
        if (command.module_type === "text") throw new LeftOut("text");
        const binary = this.#script.binary(command.filename);
        return expectError("invalid_module", () => this.#compile(binary));
      }
    }
  }

  async #module(command: Extract<Command, { type: "module" }>): Promise<void> {
    try {
      const binary = this.#script.binary(command.filename);
      const wanted = this.#wanted.get(command);
      const shown = wanted === undefined ? undefined : withBits(binary, wanted);
      const running = { ...(await this.#instantiate(shown ?? binary)), bits: shown !== undefined };
      this.#instances.add(command.name, { running, leftOut: undefined });
    } catch (error) {
      const leftOut = error instanceof LeftOut ? error.reason : undefined;
      this.#instances.add(command.name, { running: undefined, leftOut });
      throw error;
    }
  }

  async #compile(binary: Uint8Array): Promise<CompiledModule> {
    const { memoryLimit } = this.#options;
    if (memoryLimit !== undefined && infoOf(binary)?.arrays) throw new LeftOut("arrays");
    return this.#runtime.compile(binary, memoryLimit === undefined ? {} : { memoryLimit });
  }

  async #instantiate(binary: Uint8Array): Promise<Omit<Running, "bits">> {
    // Before the engine sees it: what is left out is the same for all.
    const hostModule = this.#instances.hostModule(infoOf(binary)?.imports ?? []);
    const module = await this.#compile(binary);
    this.#open.push(module);
    const made = await this.#runtime.instantiateWithHost(module, hostModule);
    this.#open.push(made.context, made.instance);
    const { imports, exports } = module;
    return { instance: made.instance, imports, exports };
  }

  #return(command: Extract<Command, { type: "assert_return" }>): void {
    const { expected } = command;
    if (!expected.every(isPlain)) throw new LeftOut("references");
    const got = this.#call(command);
    const difference = usesBits(command)
      ? differenceOfBits(got, expected)
      : differenceOfValues(got, expected.filter(isNumber));
    if (difference !== undefined) throw new Difference(`${command.action.field}: ${difference}`);
  }

  #call(command: ActionCommand): readonly Value[] {
    const { module, field, args = [] } = command.action;
    const { instance, exports, bits } = this.#instances.running(module);
    if (!args.every(isPlain)) {
      this.#instances.leaveOut(module, "references");
      throw new LeftOut("references");
    }
    const item = exports.find(({ name }) => name === field);
    const type = item?.kind === "function" ? item.type : undefined;
    if (type?.results.includes("ref")) throw new LeftOut("references");
    const asBits = usesBits(command) || (type !== undefined && hasVectors(type));
    if (asBits && !bits) throw new LeftOut("recursive");
    const exported = functionOf(instance, asBits ? bitsName(field) : field);
    const result = asBits
      ? exported.call(...args.flatMap(toBits))
      : exported.call(...args.filter(isNumber).map(toValue));
    return result === undefined ? [] : typeof result === "object" ? result : [result];
  }

  async close(): Promise<void> {
    for (const each of this.#open.reverse()) await each.close();
  }
}

/** `undefined` for what is not valid, as far as can be seen without an engine. */
function infoOf(binary: Uint8Array): ModuleInfo | undefined {
  try {
    return parseModule(binary);
  } catch {
    return undefined;
  }
}

function functionOf(instance: ModuleInstance, name: string): FunctionInstance {
  const exported = instance.function(name);
  if (exported === undefined) throw new Difference(`no function ${JSON.stringify(name)} is exported`);
  return exported;
}

async function expectError(code: WasmErrorCode, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    if (error.code !== code) throw new Difference(`${error.code} (${error.message}), not ${code}`);
    return;
  }
  throw new Difference(`nothing went wrong, where ${code} should`);
}
