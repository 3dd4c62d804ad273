/**
 * Compiled modules, of which all components share one as long as any uses it: a file that three pipelines name is compiled once. What tells two apart is
 * everything that the compiled code depends on: the engine with its options, the bytes, and what they are compiled with.
 */
import { createHash } from "node:crypto";
import type { CompileOptions, Runtime } from "../runtime/contract.ts";
import { create, type RuntimeConfig } from "../runtime/registry.ts";
import { closeCode, compileCode, type PluginCode, type PortableCode, shareCode } from "./code.ts";

/** A module that is in use. */
export interface SharedModule {
  readonly runtime: Runtime;
  readonly code: PluginCode;
  readonly portable: PortableCode;
  /** Once, after the instances were closed; the last one closes the module and the engine. */
  release(): Promise<void>;
}

class Entry {
  readonly runtime: Promise<Runtime>;
  readonly compiled: Promise<Pick<SharedModule, "code" | "portable">>;
  users = 0;

  constructor(config: RuntimeConfig, binary: Uint8Array, options: CompileOptions) {
    this.runtime = create(config);
    this.compiled = this.runtime.then(async (runtime) => {
      const code = await compileCode(runtime, binary, options);
      return { code, portable: shareCode(code) ?? { binary: inSharedMemory(binary), ...options } };
    });
    // Whoever waits for it hears of a failure.
    this.compiled.catch(() => {});
  }

  async close(): Promise<void> {
    const nothing = (): void => {};
    await this.compiled.then(({ code }) => closeCode(code), nothing);
    await this.runtime.then((runtime) => runtime.close(), nothing);
  }
}

/** Each worker reads it where it is. */
function inSharedMemory(binary: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(binary.length));
  shared.set(binary);
  return shared;
}

const entries = new Map<string, Entry>();

/**
 * @param config valid according to the registry's `validate`
 * @param binary must not change until this has settled; it is not kept
 * @throws what creating the engine throws
 * @throws CompileFailure
 */
export async function acquireModule(
  config: RuntimeConfig,
  binary: Uint8Array,
  options: CompileOptions,
): Promise<SharedModule> {
  const key = JSON.stringify([config, options, createHash("sha256").update(binary).digest("base64")]);
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = new Entry(config, binary, options);
    entries.set(key, entry);
  }
  const used = entry;
  used.users++;
  const release = async (): Promise<void> => {
    used.users--;
    if (used.users > 0) return;
    entries.delete(key);
    await used.close();
  };
  try {
    const runtime = await used.runtime;
    const compiled = await used.compiled.catch((error: unknown) => {
      throw new CompileFailure(error);
    });
    return { runtime, ...compiled, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** `Runtime.interrupt`, if the engine has it. */
export function interruptOf(runtime: Runtime): ((cells: Int32Array) => void) | undefined {
  return runtime.capabilities.interrupt ? (cells) => runtime.interrupt?.(cells) : undefined;
}

/** The engine does not take the module; `cause` is what it says. */
export class CompileFailure extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
