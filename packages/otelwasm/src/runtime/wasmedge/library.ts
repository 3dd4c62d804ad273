import type { ValueType } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type Address, bind, ffi, NativeBlock, openLibrary } from "../native/ffi.ts";
import { type LibraryNeed, libraryPath } from "../native/library.ts";

/** The C interface is another one with each minor version: proposals and errors get other numbers. */
export const WASMEDGE: LibraryNeed = { engine: "wasmedge", version: "0.14.1" };

/**
 * `wasmedge/wasmedge.h` of that version: what goes in, and after `=` what comes out. A `WasmEdge_Result` is a structure of one number, a `WasmEdge_ValType` one of eight bytes:
 * they are passed as these.
 */
const SIGNATURES = {
  WasmEdge_LogOff: "void",
  WasmEdge_ValTypeGenI32: "uint64_t",
  WasmEdge_ValTypeGenI64: "uint64_t",
  WasmEdge_ValTypeGenF32: "uint64_t",
  WasmEdge_ValTypeGenF64: "uint64_t",
  WasmEdge_ConfigureCreate: "size_t",
  WasmEdge_ConfigureAddProposal: "size_t,int=void",
  WasmEdge_ConfigureSetForceInterpreter: "size_t,bool=void",
  WasmEdge_ConfigureCompilerSetOptimizationLevel: "size_t,int=void",
  WasmEdge_ConfigureCompilerSetOutputFormat: "size_t,int=void",
  WasmEdge_ConfigureDelete: "size_t=void",
  WasmEdge_CompilerCreate: "size_t=size_t",
  WasmEdge_CompilerCompileFromBuffer: "size_t,size_t,uint64_t,const char *=uint32_t",
  WasmEdge_CompilerDelete: "size_t=void",
  WasmEdge_LoaderCreate: "size_t=size_t",
  WasmEdge_LoaderParseFromBuffer: "size_t,size_t,size_t,uint32_t=uint32_t",
  WasmEdge_LoaderDelete: "size_t=void",
  WasmEdge_ValidatorCreate: "size_t=size_t",
  WasmEdge_ValidatorValidate: "size_t,size_t=uint32_t",
  WasmEdge_ValidatorDelete: "size_t=void",
  WasmEdge_ASTModuleDelete: "size_t=void",
  WasmEdge_ExecutorCreate: "size_t,size_t=size_t",
  WasmEdge_ExecutorInstantiate: "size_t,size_t,size_t,size_t=uint32_t",
  WasmEdge_ExecutorRegisterImport: "size_t,size_t,size_t=uint32_t",
  WasmEdge_ExecutorInvoke: "size_t,size_t,size_t,uint32_t,size_t,uint32_t=uint32_t",
  WasmEdge_ExecutorDelete: "size_t=void",
  WasmEdge_StoreCreate: "size_t",
  WasmEdge_StoreDelete: "size_t=void",
  WasmEdge_ModuleInstanceCreate: "WasmEdge_String=size_t",
  WasmEdge_ModuleInstanceAddFunction: "size_t,WasmEdge_String,size_t=void",
  WasmEdge_ModuleInstanceFindFunction: "size_t,WasmEdge_String=size_t",
  WasmEdge_ModuleInstanceFindMemory: "size_t,WasmEdge_String=size_t",
  WasmEdge_ModuleInstanceDelete: "size_t=void",
  WasmEdge_FunctionTypeCreate: "size_t,uint32_t,size_t,uint32_t=size_t",
  WasmEdge_FunctionInstanceCreate: "size_t,size_t,size_t,uint64_t=size_t",
  WasmEdge_MemoryInstanceGetPointer: "size_t,uint32_t,uint32_t=size_t",
  WasmEdge_MemoryInstanceGetPageSize: "size_t=uint32_t",
} as const;

type Functions = ReturnType<typeof bind<typeof SIGNATURES>>;

/** `WasmEdge_String`, which does not end with a zero. Good as long as the block. */
interface NativeText {
  readonly Length: number;
  readonly Buf: Address;
}

/** The library as this thread has it. */
export class WasmEdgeLibrary {
  readonly path: string;
  readonly call: Functions;
  /** The `WasmEdge_ValType` of each type. */
  readonly valueTypes: Readonly<Record<ValueType, bigint>>;
  readonly #functionTypes = new Map<string, Address>();
  readonly #message: (result: number) => string;

  /** @throws WasmError `unsupported` if it is not there, or not of the version */
  constructor(path: string) {
    const library = openLibrary(path);
    expectVersion(path, library.func("const char *WasmEdge_VersionGet()"));
    this.path = path;
    defineTypes();
    this.call = bind(library, path, SIGNATURES);
    this.#message = library.func("const char *WasmEdge_ResultGetMessage(uint32_t result)") as (
      result: number,
    ) => string;
    // Whatever it would write to the standard error goes into errors.
    this.call.WasmEdge_LogOff();
    this.valueTypes = {
      i32: BigInt(this.call.WasmEdge_ValTypeGenI32()),
      i64: BigInt(this.call.WasmEdge_ValTypeGenI64()),
      f32: BigInt(this.call.WasmEdge_ValTypeGenF32()),
      f64: BigInt(this.call.WasmEdge_ValTypeGenF64()),
    };
  }

  /** What a `WasmEdge_Result` means. */
  message(result: number): string {
    return this.#message(result);
  }

  /** Runs something with a text that the library copies, or only looks at. */
  withText<T>(text: string, use: (text: NativeText) => T): T {
    const block = NativeBlock.of(new TextEncoder().encode(text));
    try {
      return use({ Length: block.bytes.length, Buf: block.address });
    } finally {
      block.free();
    }
  }

  /** A `WasmEdge_FunctionTypeContext *`, kept for the life of the thread: there are as many as host functions have types. */
  functionType(params: readonly ValueType[], results: readonly ValueType[]): Address {
    const key = `${params}>${results}`;
    let type = this.#functionTypes.get(key);
    if (type === undefined) {
      const [first, second] = [this.#typeList(params), this.#typeList(results)];
      type = this.call.WasmEdge_FunctionTypeCreate(first.address, params.length, second.address, results.length);
      first.free();
      second.free();
      this.#functionTypes.set(key, type);
    }
    return type;
  }

  #typeList(types: readonly ValueType[]): NativeBlock {
    const block = new NativeBlock(8 * types.length);
    for (const [index, type] of types.entries()) block.view.setBigUint64(8 * index, this.valueTypes[type], true);
    return block;
  }
}

function expectVersion(path: string, versionOf: () => unknown): void {
  const version = versionOf();
  if (version !== WASMEDGE.version)
    throw new WasmError("unsupported", `${path} is WasmEdge ${version}; this needs ${WASMEDGE.version}`);
}

let defined = false;

/** Types have names, for the whole thread. */
function defineTypes(): void {
  if (defined) return;
  ffi().struct("WasmEdge_String", { Length: "uint32_t", Buf: "size_t" });
  defined = true;
}

const libraries = new Map<string, WasmEdgeLibrary>();

/** @param option `runtime_config.wasmedge.library` @throws WasmError `unsupported` if it is not there, or not the right one */
export function wasmedgeLibrary(option: string | undefined): WasmEdgeLibrary {
  const path = libraryPath(WASMEDGE, option);
  let library = libraries.get(path);
  if (library === undefined) {
    library = new WasmEdgeLibrary(path);
    libraries.set(path, library);
  }
  return library;
}
