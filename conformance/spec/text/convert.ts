/** Scripts in the text format as `wast2json` would give them: commands, and modules as binaries. https://github.com/WebAssembly/spec/tree/main/interpreter#scripts */
import type { Action, Command, LaneType, ScriptValue } from "../script.ts";
import { type Expression, type List, readExpressions } from "./expressions.ts";
import { FloatBits } from "./floats.ts";

/** Makes a binary of a module's text, and does not validate it. @throws if it is not well-formed */
export type Assemble = (text: string) => Promise<Uint8Array>;

export interface Converted {
  readonly commands: readonly Command[];
  /** By the names that the commands have. */
  readonly binaries: ReadonlyMap<string, Uint8Array>;
}

/**
 * @param base what the names of its modules begin with
 * @throws Error for a script that has what is not known here
 */
export async function convertScript(base: string, source: string, assemble: Assemble): Promise<Converted> {
  // As escapes, which are the same in strings: assemblers refuse characters that could deceive a reader.
  const plain = source.replace(/[^\0-\x7f]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  const expressions = readExpressions(plain);
  const floats = await FloatBits.of(expressions, assemble);
  const conversion = new Conversion(base, assemble, floats);
  // A script may be the fields of one module.
  const [first] = expressions;
  if (first !== undefined && !COMMANDS.has(headOf(first))) {
    await conversion.module(1, `(module ${plain}\n)`);
    return conversion;
  }
  for (const expression of expressions) await conversion.add(expression);
  return conversion;
}

const COMMANDS: ReadonlySet<string> = new Set([
  ...["module", "register", "invoke", "get", "assert_return", "assert_trap", "assert_exception"],
  ...["assert_exhaustion", "assert_invalid", "assert_malformed", "assert_unlinkable"],
]);

class Conversion implements Converted {
  readonly commands: Command[] = [];
  readonly binaries = new Map<string, Uint8Array>();
  readonly #base: string;
  readonly #assemble: Assemble;
  readonly #floats: FloatBits;
  /** The files of modules that are only made when an instance is wanted. */
  readonly #definitions = new Map<string | undefined, string>();

  constructor(base: string, assemble: Assemble, floats: FloatBits) {
    this.#base = base;
    this.#assemble = assemble;
    this.#floats = floats;
  }

  async add(expression: List): Promise<void> {
    const { line, items } = expression;
    const [, first, second] = items;
    const type = headOf(expression);
    switch (type) {
      case "module":
        return this.#moduleCommand(expression);
      case "register":
        this.commands.push({ type, line, as: textOf(first), ...named(second) });
        return;
      case "invoke":
      case "get":
        this.commands.push({ type: "action", line, action: this.#action(expression) });
        return;
      case "assert_return": {
        const expected = items.slice(2).map((item) => this.#value(listOf(item)));
        this.commands.push({ type, line, action: this.#action(listOf(first)), expected });
        return;
      }
      case "assert_exception":
        this.commands.push({ type, line, action: this.#action(listOf(first)) });
        return;
      case "assert_trap":
      case "assert_exhaustion": {
        const subject = listOf(first);
        if (headOf(subject) === "module") return this.#assertModule("assert_uninstantiable", subject, textOf(second));
        this.commands.push({ type, line, action: this.#action(subject), text: textOf(second) });
        return;
      }
      case "assert_invalid":
      case "assert_malformed":
      case "assert_unlinkable":
        return this.#assertModule(type, listOf(first), textOf(second));
      default:
        throw new Error(`line ${line}: ${type} is no command that is known`);
    }
  }

  async module(line: number, text: string): Promise<void> {
    this.commands.push({ type: "module", line, filename: this.#keep(await this.#assemble(text)) });
  }

  async #moduleCommand(expression: List): Promise<void> {
    const { line, items } = expression;
    const words = items.slice(1).map((item) => (item.kind === "atom" ? item.text : undefined));
    if (words[0] === "instance") {
      const filename = this.#definitions.get(words[2]);
      if (filename === undefined) throw new Error(`line ${line}: ${words[2]} is not defined`);
      this.commands.push({ type: "module", line, filename, ...named(items[2]) });
      return;
    }
    const filename = this.#keep(await this.#binary(expression));
    if (words[0] === "definition") this.#definitions.set(words[1], filename);
    else this.commands.push({ type: "module", line, filename, ...named(items[1]) });
  }

  async #assertModule(type: ModuleAssertion, module: List, text: string): Promise<void> {
    const { line } = module;
    let filename: string;
    try {
      filename = this.#keep(await this.#binary(module));
    } catch {
      // What is wrong with it is its text.
      this.commands.push({ type, line, filename: "", text, module_type: "text" });
      return;
    }
    this.commands.push({ type, line, filename, text, module_type: "binary" });
  }

  #binary({ items, source }: List): Promise<Uint8Array> {
    const form = items.find((item) => item.kind === "atom" && (item.text === "binary" || item.text === "quote"));
    const bytes = (): Buffer => Buffer.concat(items.flatMap((item) => (item.kind === "string" ? [item.bytes] : [])));
    if (form?.kind === "atom" && form.text === "binary") return Promise.resolve(bytes());
    if (form?.kind === "atom") return this.#assemble(bytes().toString());
    return this.#assemble(source.replace(/^\(module\s+definition/, "(module"));
  }

  #keep(binary: Uint8Array): string {
    const filename = `${this.#base}.${this.binaries.size}.wasm`;
    this.binaries.set(filename, binary);
    return filename;
  }

  #action(expression: List): Action {
    const { items } = expression;
    const type = headOf(expression);
    if (type !== "invoke" && type !== "get") throw new Error(`line ${expression.line}: ${type} is no action`);
    const module = items[1]?.kind === "atom" ? { module: items[1].text } : {};
    const [field, ...args] = items.slice(items[1]?.kind === "atom" ? 2 : 1);
    return { type, ...module, field: textOf(field), args: args.map((item) => this.#value(listOf(item))) };
  }

  #value(expression: List): ScriptValue {
    const [type = "", ...parts] = expression.items.map((item) => (item.kind === "atom" ? item.text : ""));
    switch (type) {
      case "i32.const":
      case "i64.const":
        return { type: type === "i32.const" ? "i32" : "i64", value: integer(parts[0]!) };
      case "f32.const":
      case "f64.const": {
        const float = type === "f32.const" ? "f32" : "f64";
        return { type: float, value: this.#floats.of(float, parts[0]!) };
      }
      case "v128.const": {
        const [shape = "", ...lanes] = parts;
        const lane = shape.replace(/x\d+$/, "");
        if (!isLane(lane)) throw new Error(`line ${expression.line}: ${shape} is no shape`);
        const number = (text: string): string =>
          lane === "f32" || lane === "f64" ? this.#floats.of(lane, text) : integer(text);
        return { type: "v128", lane_type: lane, value: lanes.map(number) };
      }
      default:
        if (!type.startsWith("ref.")) throw new Error(`line ${expression.line}: ${type} is no value`);
        return { type: type === "ref.null" ? "refnull" : type === "ref.func" ? "funcref" : "externref" };
    }
  }
}

type ModuleAssertion = "assert_invalid" | "assert_malformed" | "assert_unlinkable" | "assert_uninstantiable";

const LANES: readonly string[] = ["i8", "i16", "i32", "i64", "f32", "f64"] satisfies LaneType[];

function isLane(text: string): text is LaneType {
  return LANES.includes(text);
}

function integer(text: string): string {
  const [, sign, digits] = /^([+-]?)(.*)$/.exec(text.replaceAll("_", ""))!;
  return String(sign === "-" ? -BigInt(digits!) : BigInt(digits!));
}

function headOf({ items }: List): string {
  return items[0]?.kind === "atom" ? items[0].text : "";
}

function listOf(expression: Expression | undefined): List {
  if (expression?.kind !== "list") throw new Error("a list is missing");
  return expression;
}

function textOf(expression: Expression | undefined): string {
  if (expression?.kind !== "string") throw new Error("a string is missing");
  return Buffer.from(expression.bytes).toString();
}

function named(expression: Expression | undefined): { name?: string } {
  return expression?.kind === "atom" && expression.text.startsWith("$") ? { name: expression.text } : {};
}
