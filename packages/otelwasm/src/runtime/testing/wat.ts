import { createRequire } from "node:module";

interface Wabt {
  parseWat(
    filename: string,
    text: string,
    features: Readonly<Record<string, boolean>>,
  ): {
    toBinary(options: object): { buffer: Uint8Array };
    validate(features: Readonly<Record<string, boolean>>): void;
    destroy(): void;
  };
}

const load = createRequire(import.meta.url)("wabt") as () => Promise<Wabt>;
const wabt = await load();

const FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  function_references: true,
  memory64: true,
};

/** A module in the text format as a binary. @throws Error with the place of a mistake */
export function wat(text: string): Uint8Array {
  const module = wabt.parseWat("test.wat", text, FEATURES);
  try {
    module.validate(FEATURES);
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
