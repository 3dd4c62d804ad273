import { parseModule } from "../../../packages/otelwasm/src/runtime/binary.ts";
import { BinaryReader } from "../../../packages/otelwasm/src/runtime/binary-reader.ts";
import type { Assemble } from "./convert.ts";
import type { Expression } from "./expressions.ts";

export type FloatType = "f32" | "f64";

const CODE_SECTION = 10;

/** The bits of the floats that a script writes, as the text format's assembler reads them: JavaScript knows neither hexadecimal floats nor the payload of a NaN. */
export class FloatBits {
  readonly #bits: ReadonlyMap<string, string>;

  private constructor(bits: ReadonlyMap<string, string>) {
    this.#bits = bits;
  }

  /** @param expressions the script's */
  static async of(expressions: readonly Expression[], assemble: Assemble): Promise<FloatBits> {
    const keys = [...new Set(expressions.flatMap(floatsIn))].filter((key) => !isPattern(key));
    const constants = keys.map((key) => `(drop (${key.replace(" ", ".const ")}))`);
    const binary = await assemble(`(module (func ${constants.join("\n")}))`);
    const section = parseModule(binary).sections.find(({ id }) => id === CODE_SECTION)!;
    const reader = new BinaryReader(binary, section.content, section.end);
    // One body, of this size, without locals.
    for (let count = 3; count > 0; count--) reader.u32();
    const bits = keys.map((key) => {
      reader.byte(); // f32.const or f64.const
      const { offset, end } = reader.part(key.startsWith("f32") ? 4 : 8);
      reader.byte(); // drop
      const value = binary.subarray(offset, end).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
      return [key, String(value)] as const;
    });
    return new FloatBits(new Map(bits));
  }

  /** @returns in decimal; the patterns for results as they are */
  of(type: FloatType, text: string): string {
    if (isPattern(text)) return text;
    const bits = this.#bits.get(`${type} ${text}`);
    if (bits === undefined) throw new Error(`${type}.const ${text} was not seen before`);
    return bits;
  }
}

/** As `f32 0x1p-3`. */
function floatsIn(expression: Expression): string[] {
  if (expression.kind !== "list") return [];
  const [head, ...atoms] = expression.items.map((item) => (item.kind === "atom" ? item.text : ""));
  if (head === "module") return [];
  if (head === "f32.const" || head === "f64.const") return [`${head.slice(0, 3)} ${atoms[0]}`];
  if (head === "v128.const" && /^f(32|64)x/.test(atoms[0] ?? ""))
    return atoms.slice(1).map((lane) => `${atoms[0]!.slice(0, 3)} ${lane}`);
  return expression.items.flatMap(floatsIn);
}

/** What only a result can be: any of several NaN. */
function isPattern(text: string): boolean {
  return /nan:(canonical|arithmetic)$/.test(text);
}
