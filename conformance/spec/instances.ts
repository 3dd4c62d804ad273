/** The modules of a running script: by the names that it gives them, and what they offer to each other. */
import type {
  ExportType,
  FunctionType,
  HostFunction,
  HostModule,
  ImportType,
  ModuleInstance,
  ValueType,
} from "../../packages/otelwasm/src/runtime/contract.ts";

/** Why commands of a script cannot be carried out through the contract, on any engine: by the words that `coverage.tsv` has. */
export const LEFT_OUT = {
  text: "a module in the text format, which no engine here is given",
  memory: "the module imports a memory; the contract has imports of functions only",
  table: "the module imports a table",
  global: "the module imports a global",
  tag: "the module imports a tag",
  types: "the module imports another's function with types that no host function has",
  references:
    "a reference is a parameter or a result, or was one of an earlier call that the module's state depends on",
  state: "the module's state may depend on what one that was left out would have done",
  recursive:
    "a vector, a global or the bits of a NaN, in a module that has other types than of functions, or groups of types (`bits.ts`)",
} as const;

/** With one for one way to run it: `arrays`, as their memory cannot be limited where there is a limit. */
export type LeftOutReason = keyof typeof LEFT_OUT | "arrays";

/** A command is left out. */
export class LeftOut extends Error {
  readonly reason: LeftOutReason;

  constructor(reason: LeftOutReason) {
    super(reason);
    this.reason = reason;
  }
}

/** A command cannot be carried out because its module has failed, which was reported. */
export class Blocked extends Error {}

export interface Running {
  readonly instance: ModuleInstance;
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** Whether it has what `withBits` adds. */
  readonly bits: boolean;
}

/** A module of a script. */
export interface Target {
  /** Without one it has failed, or is left out. */
  readonly running: Running | undefined;
  leftOut: LeftOutReason | undefined;
  /** Those whose functions it calls, and those that call its. */
  readonly linked: Set<Target>;
}

export class Instances {
  #last: Target | undefined;
  readonly #named = new Map<string, Target>();
  readonly #registered = new Map<string, Target>();

  /** The last that was made, which commands mean that name none. */
  add(name: string | undefined, { running, leftOut }: Omit<Target, "linked">): void {
    const target: Target = { running, leftOut, linked: new Set(this.#exporters(running?.imports ?? [])) };
    for (const other of target.linked) other.linked.add(target);
    this.#last = target;
    if (name !== undefined) this.#named.set(name, target);
  }

  register(as: string, name: string | undefined): void {
    this.#registered.set(as, this.#find(name));
  }

  /** @throws LeftOut, Blocked */
  running(name: string | undefined): Running {
    return running(this.#find(name));
  }

  /** From now on, because something could not be done to it. */
  leaveOut(name: string | undefined, reason: LeftOutReason): void {
    leaveOut(this.#find(name), reason);
  }

  /**
   * The functions that a module imports, of `spectest` and of what is registered; fewer if they do not exist.
   *
   * @throws LeftOut if it imports anything else; then what it would have been linked with is left out from now on, too
   */
  hostModule(imports: readonly ImportType[]): HostModule {
    try {
      return { functions: [...SPECTEST, ...this.#functions(imports)] };
    } catch (error) {
      if (error instanceof LeftOut) for (const target of this.#exporters(imports)) leaveOut(target, "state");
      throw error;
    }
  }

  #functions(imports: readonly ImportType[]): Iterable<HostFunction> {
    const functions = new Map<string, HostFunction>();
    for (const item of imports) {
      if (item.kind !== "function") throw new LeftOut(item.kind);
      const target = this.#registered.get(item.module);
      if (target === undefined) continue;
      const { instance, exports } = running(target);
      const found = exports.find(({ name }) => name === item.name);
      if (found?.kind !== "function") continue;
      const { params, results } = found.type;
      if (!params.every(isNumberType) || !results.every(isNumberType) || results.length > 1) throw new LeftOut("types");
      const exported = instance.function(item.name)!;
      functions.set(`${item.module}\0${item.name}`, {
        moduleName: item.module,
        functionName: item.name,
        params,
        results,
        function: (_memory, ...values) => {
          const result = exported.call(...values);
          return typeof result === "object" ? result[0] : result;
        },
      });
    }
    return functions.values();
  }

  #exporters(imports: readonly ImportType[]): Target[] {
    return imports.flatMap(({ module }) => this.#registered.get(module) ?? []);
  }

  #find(name: string | undefined): Target {
    const target = name === undefined ? this.#last : this.#named.get(name);
    if (target === undefined) throw new Error(`the script has no module ${name ?? "yet"}`);
    return target;
  }
}

function running(target: Target): Running {
  if (target.leftOut !== undefined) throw new LeftOut(target.leftOut);
  if (target.running === undefined) throw new Blocked();
  return target.running;
}

/** Whatever is linked with it may see a difference. */
function leaveOut(target: Target, reason: LeftOutReason): void {
  if (target.leftOut !== undefined) return;
  target.leftOut = reason;
  for (const other of target.linked) leaveOut(other, "state");
}

function isNumberType(type: FunctionType["params"][number]): type is ValueType {
  return type !== "ref" && type !== "v128";
}

/** The functions of the module that tests may import; what they are given is of no interest. */
const SPECTEST: readonly HostFunction[] = (
  [
    ["print", []],
    ["print_i32", ["i32"]],
    ["print_i64", ["i64"]],
    ["print_f32", ["f32"]],
    ["print_f64", ["f64"]],
    ["print_i32_f32", ["i32", "f32"]],
    ["print_f64_f64", ["f64", "f64"]],
  ] as const
).map(([functionName, params]) => ({
  moduleName: "spectest",
  functionName,
  params,
  results: [],
  function: () => undefined,
}));
