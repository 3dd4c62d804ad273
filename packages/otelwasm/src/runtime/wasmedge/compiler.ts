/** From the bytes of a module to what the engine makes instances of. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseModule } from "../binary.ts";
import { withoutCustomSections } from "../binary-rewrite.ts";
import { limitCallDepth } from "../call-depth.ts";
import { type Address, NativeBlock, type NativeFunction, NULL } from "../native/ffi.ts";
import { ModuleCache } from "../native/module-cache.ts";
import { fromCompile, SUCCESS } from "./errors.ts";
import { WASMEDGE, type WasmEdgeLibrary } from "./library.ts";
import type { WasmEdgeOptions } from "./options.ts";

/**
 * `WasmEdge_Proposal`, beside those that are on from the start. Left out are garbage collection: the engine frees no object before the instance is closed, and an array that there
 * is no memory for ends the process; and exceptions: the interpreter accesses memory that is not its own in the specification's own tests of them, and the compiler fails an assertion. 64-bit memories it cannot read yet;
 * the text format's proposal, and components, are none of a core module's.
 */
const PROPOSALS = { tailCall: 7, extendedConst: 8, functionReferences: 9, threads: 12, relaxedSimd: 13 } as const;

/** `WasmEdge_CompilerOutputFormat_Wasm`: the module as it was, with a section of machine code more. */
const OUTPUT_WASM = 1;
const AOT_SECTION = "wasmedge";
const DEFAULT_OPT_LEVEL = 2;

/** @returns a `WasmEdge_ConfigureContext *`, the caller's to delete */
export function createConfiguration({ call }: WasmEdgeLibrary, { mode, opt_level }: WasmEdgeOptions): Address {
  const configuration = call.WasmEdge_ConfigureCreate();
  for (const proposal of Object.values(PROPOSALS)) call.WasmEdge_ConfigureAddProposal(configuration, proposal);
  // Else it runs what a module says was compiled of it.
  call.WasmEdge_ConfigureSetForceInterpreter(configuration, mode === "interpreter");
  call.WasmEdge_ConfigureCompilerSetOptimizationLevel(configuration, opt_level ?? DEFAULT_OPT_LEVEL);
  call.WasmEdge_ConfigureCompilerSetOutputFormat(configuration, OUTPUT_WASM);
  return configuration;
}

/**
 * Bytes that the frames of a guest's calls may take, as `limitCallDepth` counts them. A compiled function has its frame on the stack of C code, of which there is four times as much; it takes more there than it is
 * counted as where it is large and was compiled without optimisation.
 */
export const MAX_DEPTH_BYTES: number = 4 * 1024 * 1024;

export interface Compiled {
  /** A `WasmEdge_ASTModuleContext *`, the caller's to delete */
  readonly module: Address;
  /** Of `limitCallDepth`. */
  readonly counter: string | undefined;
}

/**
 * Other threads do the work, as it takes minutes for a large module.
 *
 * @param prepared the same with what the contract has written into it
 * @throws WasmError `invalid_module`; `unsupported` if the folder of compiled modules cannot be used
 */
export async function compileModule(
  library: WasmEdgeLibrary,
  configuration: Address,
  options: WasmEdgeOptions,
  original: Uint8Array,
  prepared: Uint8Array,
): Promise<Compiled> {
  // What is written into a module can hide what is not valid in it.
  const valid = await load(library, configuration, original);
  const limited = limitCallDepth(prepared, parseModule(prepared), MAX_DEPTH_BYTES);
  const { binary, counter } = limited ?? { binary: prepared };
  if (binary === original && options.mode === "interpreter") return { module: valid, counter: undefined };
  library.call.WasmEdge_ASTModuleDelete(valid);
  const code = options.mode === "interpreter" ? binary : await machineCode(library, configuration, options, binary);
  return { module: await load(library, configuration, code), counter };
}

async function machineCode(
  library: WasmEdgeLibrary,
  configuration: Address,
  { cache_dir, opt_level }: WasmEdgeOptions,
  original: Uint8Array,
): Promise<Uint8Array> {
  const cache = new ModuleCache(cache_dir ?? defaultCacheFolder(), {
    ...WASMEDGE,
    target: processorFeatures(),
    options: { opt_level: opt_level ?? DEFAULT_OPT_LEVEL },
  });
  const binary = withoutCustomSections(original, parseModule(original), AOT_SECTION);
  const kept = await cache.get(binary);
  if (kept !== undefined) return kept;
  const code = await compile(library, configuration, binary);
  await cache.put(binary, code);
  return code;
}

/** @returns a `WasmEdge_ASTModuleContext *`, the caller's to delete */
async function load(library: WasmEdgeLibrary, configuration: Address, binary: Uint8Array): Promise<Address> {
  const { call } = library;
  const bytes = NativeBlock.of(binary);
  const out = new NativeBlock(8);
  const loader = call.WasmEdge_LoaderCreate(configuration);
  const validator = call.WasmEdge_ValidatorCreate(configuration);
  let module = NULL;
  try {
    const parsed = await elsewhere(
      call.WasmEdge_LoaderParseFromBuffer,
      loader,
      out.address,
      bytes.address,
      binary.length,
    );
    if (parsed !== SUCCESS) throw fromCompile(library, parsed);
    module = Number(out.view.getBigUint64(0, true));
    const valid = await elsewhere(call.WasmEdge_ValidatorValidate, validator, module);
    if (valid !== SUCCESS) throw fromCompile(library, valid);
    return module;
  } catch (error) {
    if (module !== NULL) call.WasmEdge_ASTModuleDelete(module);
    throw error;
  } finally {
    call.WasmEdge_ValidatorDelete(validator);
    call.WasmEdge_LoaderDelete(loader);
    out.free();
    bytes.free();
  }
}

async function compile(library: WasmEdgeLibrary, configuration: Address, binary: Uint8Array): Promise<Uint8Array> {
  const { call } = library;
  const bytes = NativeBlock.of(binary);
  const compiler = call.WasmEdge_CompilerCreate(configuration);
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-compile-"));
  const path = join(folder, "module");
  try {
    const result = await elsewhere(
      call.WasmEdge_CompilerCompileFromBuffer,
      compiler,
      bytes.address,
      binary.length,
      path,
    );
    if (result !== SUCCESS) throw fromCompile(library, result);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
    call.WasmEdge_CompilerDelete(compiler);
    bytes.free();
  }
}

/** Calls something on a thread that is not JavaScript's. */
function elsewhere(call: NativeFunction, ...args: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

function defaultCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "otelwasm/wasmedge");
}

/** The compiler uses whatever this processor can do. */
function processorFeatures(): string {
  const described = process.platform === "linux" ? readFileSync("/proc/cpuinfo", "utf8") : (cpus()[0]?.model ?? "");
  const features = /^(?:flags|Features)\s*:.*$/m.exec(described)?.[0] ?? described;
  return createHash("sha256").update(features).digest("hex");
}
