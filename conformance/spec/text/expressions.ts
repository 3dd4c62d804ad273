/** The text format's parentheses, without what they mean: https://webassembly.github.io/spec/core/text/lexical.html */

/** A string is the bytes that it stands for. */
export type Expression = Atom | Text | List;
interface Atom {
  readonly kind: "atom";
  readonly text: string;
}
interface Text {
  readonly kind: "string";
  readonly bytes: Uint8Array;
}
export interface List {
  readonly kind: "list";
  readonly items: readonly Expression[];
  /** With its parentheses. */
  readonly source: string;
  /** From 1, in which it begins. */
  readonly line: number;
}

const TOKEN = /\s+|;;[^\n]*|\(;|[()]|"(?:[^"\\]|\\.)*"|[^\s()";]+|;/gsy;

/** What stands for itself; annotations mean nothing. @throws Error for what is no such text */
export function readExpressions(source: string): readonly List[] {
  const open: { items: Expression[]; start: number; line: number }[] = [{ items: [], start: 0, line: 1 }];
  let line = 1;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(source)?.[0];
    if (token === undefined)
      throw new Error(`line ${line}: ${JSON.stringify(source.slice(start, start + 20))} is no token`);
    const { items } = open.at(-1)!;
    const first = line;
    if (token === "(;") TOKEN.lastIndex = endOfComment(source, start);
    for (let at = start; at < TOKEN.lastIndex; at++) if (source[at] === "\n") line++;
    if (token === "(") open.push({ items: [], start, line: first });
    else if (token === ")") {
      const list = open.pop()!;
      const outer = open.at(-1);
      if (outer === undefined) throw new Error(`line ${line}: nothing was opened`);
      const text = source.slice(list.start, TOKEN.lastIndex);
      const [head] = list.items;
      const annotation = head?.kind === "atom" && head.text.startsWith("@");
      if (!annotation) outer.items.push({ kind: "list", items: list.items, source: text, line: list.line });
    } else if (token.startsWith('"')) items.push({ kind: "string", bytes: bytesOf(token) });
    else if (!/^(\s|;;|\(;)/.test(token)) items.push({ kind: "atom", text: token });
  }
  if (open.length !== 1) throw new Error(`line ${open.at(-1)!.line}: is not closed`);
  return open[0]!.items.filter((item) => item.kind === "list");
}

/** Comments of blocks may stand inside one another. */
function endOfComment(source: string, start: number): number {
  const marks = /\(;|;\)/g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
    depth += mark[0] === "(;" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  throw new Error("a comment is not closed");
}

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, '"': 0x22, "'": 0x27, "\\": 0x5c };

/** @param token with its quotes */
function bytesOf(token: string): Uint8Array {
  const parts = token.slice(1, -1).match(/\\u\{[0-9a-fA-F_]+\}|\\[0-9a-fA-F]{2}|\\.|[^\\]+/gs) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      if (!part.startsWith("\\")) return Buffer.from(part);
      if (part.startsWith("\\u{")) return Buffer.from(String.fromCodePoint(Number.parseInt(part.slice(3, -1), 16)));
      return Buffer.of(part.length === 3 ? Number.parseInt(part.slice(1), 16) : ESCAPES[part[1]!]!);
    }),
  );
}
