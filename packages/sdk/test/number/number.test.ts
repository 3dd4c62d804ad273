import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import fc from "fast-check";
import { type Memory, WebAssembly } from "../webassembly.ts";

interface Exports {
  memory: Memory;
  address(): number;
  format(value: number): number;
  formatPlain(value: number): number;
  formatInteger(value: bigint): number;
  parse(size: number): number;
  integer(size: number): bigint;
  ok(): number;
}

const guest = await compile();

async function compile(): Promise<Exports> {
  let binary: Uint8Array | undefined;
  const source = fileURLToPath(new URL("assembly/guest.ts", import.meta.url));
  const { error, stderr } = await asc.main(
    [source, "-O3", "--runtime", "minimal", "--outFile", "out.wasm", "--baseDir", "/"],
    {
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm") && typeof contents !== "string") binary = contents;
      },
    },
  );
  if (error !== null || binary === undefined) throw new Error(stderr.toString(), { cause: error });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(binary)), {
    env: {
      abort: () => {
        throw new Error("the guest aborted");
      },
    },
  });
  // The shape is the guest's own source, beside this file.
  return instance.exports as object as Exports;
}

function text(size: number): string {
  return new TextDecoder().decode(new Uint8Array(guest.memory.buffer, guest.address(), size));
}

function put(value: string): number {
  return new TextEncoder().encodeInto(value, new Uint8Array(guest.memory.buffer, guest.address())).written;
}

function parse(value: string): number | undefined {
  const result = guest.parse(put(value));
  return guest.ok() === 0 ? undefined : result;
}

const SPECIAL = [
  0.1,
  0.2,
  0.3,
  1 / 3,
  5e-324,
  2.2250738585072014e-308,
  2.225073858507201e-308,
  1.7976931348623157e308,
  9007199254740992,
  1e21,
  1e22,
  1e23,
  123456789012345680000,
  999999999999999900000,
  1e-6,
  1e-7,
  9.5367431640625e-7,
  4.35,
  100,
  1.5,
  2 ** 52,
  2 ** 53,
  2 ** 64,
  2 ** -1022,
  8.41e21,
  9.0608011534336e15,
  5.764607523034235e39,
  1.152921504606847e40,
  4.708356024711512e18,
  1e15,
  999999999999999,
  123456.7,
];
const anyDouble = fc.oneof(
  fc.double({ noNaN: true }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((bits) => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0),
  fc.tuple(fc.integer(), fc.integer({ min: 0, max: 9 })).map(([value, places]) => value / 10 ** places),
);

describe("doubles as text", () => {
  test("as JavaScript writes them", () => {
    for (const value of SPECIAL) assert.equal(text(guest.format(value)), String(value));
    fc.assert(
      fc.property(anyDouble, (value) => {
        fc.pre(!Object.is(value, -0));
        assert.equal(text(guest.format(value)), String(value));
      }),
      { numRuns: 5000 },
    );
  });

  test("without an exponent", () => {
    assert.equal(text(guest.formatPlain(1e21)), "1000000000000000000000");
    assert.equal(text(guest.formatPlain(1.5e-7)), "0.00000015");
    assert.equal(text(guest.formatPlain(-2.5)), "-2.5");
    assert.equal(text(guest.formatPlain(Infinity)), "+Inf");
    assert.equal(text(guest.formatPlain(-Infinity)), "-Inf");
    assert.equal(text(guest.formatPlain(NaN)), "NaN");
    assert.equal(text(guest.formatPlain(-0)), "-0");
    fc.assert(
      fc.property(anyDouble, (value) => {
        fc.pre(Number.isFinite(value));
        const written = text(guest.formatPlain(value));
        assert.match(written, /^-?\d+(\.\d+)?$/);
        assert.equal(Number(written), value);
      }),
      { numRuns: 2000 },
    );
  });

  test("integers", () => {
    for (const value of [0n, 9n, 10n, -1n, 99n, 100n, (1n << 63n) - 1n, -(1n << 63n)])
      assert.equal(text(guest.formatInteger(value)), String(value));
  });
});

describe("text as doubles", () => {
  test("as JavaScript reads it", () => {
    for (const value of SPECIAL) assert.equal(parse(String(value)), value);
    fc.assert(
      fc.property(anyDouble, fc.integer({ min: 0, max: 40 }), (value, digits) => {
        fc.pre(Number.isFinite(value));
        for (const written of [String(value), value.toExponential(digits), value.toPrecision(digits + 1)])
          assert.equal(parse(written), Number.isFinite(Number(written)) ? Number(written) : undefined, written);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{1,60}(\.[0-9]{0,60})?(e[-+]?[0-9]{1,3})?$/), (written) => {
        const expected = Number(written);
        assert.equal(parse(written), expected === Infinity ? undefined : expected, written);
      }),
      { numRuns: 3000 },
    );
  });

  test("half-way between two doubles, with many digits", () => {
    const half = "1.00000000000000011102230246251565404236316680908203125";
    assert.equal(parse(half), 1);
    assert.equal(parse(`${half}${"0".repeat(900)}1`), 1.0000000000000002);
    assert.equal(parse("2.4703282292062327208e-324"), 0);
    assert.equal(parse("2.4703282292062328e-324"), 5e-324);
    assert.equal(parse("1.7976931348623158e308"), 1.7976931348623157e308);
    assert.equal(parse(`0.${"0".repeat(400)}1e401`), 1);
  });

  test("what Go accepts and refuses", () => {
    for (const value of ["inf", "+Inf", "INFINITY"]) assert.equal(parse(value), Infinity, value);
    assert.equal(parse("-inf"), -Infinity);
    assert.ok(Number.isNaN(parse("NaN")));
    assert.equal(parse("+.5"), 0.5);
    assert.equal(parse("5."), 5);
    assert.equal(parse("1E3"), 1000);
    assert.equal(parse("1e-400"), 0);
    for (const value of ["", " 1", "1 ", "e5", "1e", "1e+", ".", "-", "1e400", "1_0", "0x1p-2", "1.2.3", "abc", "+nan"])
      assert.equal(parse(value), undefined, value);
  });
});

test("text as integers", () => {
  const read = (value: string): bigint | undefined => {
    const result = guest.integer(put(value));
    return guest.ok() === 0 ? undefined : result;
  };
  for (const value of ["0", "-1", "42", "9223372036854775807", "-9223372036854775808", "007"])
    assert.equal(read(value), BigInt(value));
  assert.equal(read("+5"), 5n);
  for (const value of [
    "",
    "-",
    "+",
    "1.0",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999",
    "0x10",
    " 1",
    "1_000",
  ])
    assert.equal(read(value), undefined, value);
});
