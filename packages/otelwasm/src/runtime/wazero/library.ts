import { type Address, bind, ffi, NativeBlock, openLibrary } from "../native/ffi.ts";
import { HostCalls } from "../native/host-calls.ts";
import { type LibraryNeed, libraryPath } from "../native/library.ts";

/** The library is built for this adapter: `native/wazero`. */
export const WAZERO: LibraryNeed = { engine: "wazero", version: "1.12.0" };

/** `native/wazero/main.go` says what each does. */
const SIGNATURES = {
  otelwasm_describe: "size_t,size_t=void",
  otelwasm_open: "int32_t,int32_t=uint32_t",
  otelwasm_close: "uint32_t=void",
  otelwasm_compile: "uint32_t,size_t,size_t,size_t,size_t,size_t,size_t=int32_t",
  otelwasm_adopt: "uint32_t,uint32_t=uint32_t",
  otelwasm_release: "uint32_t,uint32_t=void",
  otelwasm_new: "uint32_t,uint32_t,size_t,size_t,size_t,size_t,double=uint32_t",
  otelwasm_cells_of: "uint32_t=size_t",
  otelwasm_instantiate: "uint32_t=int32_t",
  otelwasm_function: "uint32_t,size_t,size_t=int32_t",
  otelwasm_call: "uint32_t,uint32_t=int32_t",
  otelwasm_error: "uint32_t,size_t,size_t=void",
  otelwasm_interrupt: "uint32_t=void",
  otelwasm_free: "uint32_t,uint32_t=void",
  otelwasm_counts: "size_t=void",
} as const;

type Functions = ReturnType<typeof bind<typeof SIGNATURES>>;

/** Bytes from one parameter or result to the next. */
export const SLOT = 8;

/** What the library holds in the whole process. */
export interface Counts {
  readonly clients: number;
  readonly modules: number;
  readonly instances: number;
  readonly goroutines: number;
  /** Bytes of addresses. */
  readonly mapped: number;
}

/** A buffer that the library writes a text to, its length in the first four bytes. */
export class TextBlock {
  readonly block: NativeBlock = new NativeBlock(65536);

  get text(): string {
    const { bytes, view } = this.block;
    return new TextDecoder().decode(bytes.subarray(4, 4 + view.getUint32(0, true)));
  }
}

/** The library as this thread has it. */
export class WazeroLibrary {
  readonly call: Functions;
  readonly hosts: HostCalls = new HostCalls(SLOT);
  /** `otelwasm_host` */
  readonly host: Address;
  /** A `uint32_t` that is 1 once the host function that was called last has returned. */
  readonly done: NativeBlock = new NativeBlock(4);
  /** Of the engine. */
  readonly version: string;
  /** All that compiled code depends on, besides the module and the runtime's options. */
  readonly target: string;
  readonly #told = new TextBlock();

  constructor(path: string) {
    this.call = bind(openLibrary(path), path, SIGNATURES);
    const koffi = ffi();
    const { hosts, done } = this;
    const callback = koffi.register(
      (number: number, slots: Address) => {
        if (hosts.run(number, slots)) done.view.setUint32(0, 1, true);
      },
      koffi.pointer(koffi.proto("void", ["uint32_t", "size_t"])),
    );
    this.host = Number(callback);
    const { block } = this.#told;
    this.call.otelwasm_describe(block.address, block.bytes.length);
    this.target = this.#told.text;
    this.version = this.target.split("\n", 1)[0] ?? "";
  }

  /** Why the instance's last call that failed did. */
  errorOf(instance: number): string {
    const { block } = this.#told;
    this.call.otelwasm_error(instance, block.address, block.bytes.length);
    return this.#told.text;
  }

  counts(): Counts {
    const { block } = this.#told;
    this.call.otelwasm_counts(block.address);
    const [clients = 0, modules = 0, instances = 0, goroutines = 0, mapped = 0] = new Float64Array(
      block.bytes.buffer,
      0,
      5,
    );
    return { clients, modules, instances, goroutines, mapped };
  }
}

const libraries = new Map<string, WazeroLibrary>();

/** @param option `runtime_config.wazero.library` @throws WasmError `unsupported` if it is not there, or not the right one */
export function wazeroLibrary(option: string | undefined): WazeroLibrary {
  const path = libraryPath(WAZERO, option);
  let library = libraries.get(path);
  if (library === undefined) {
    library = new WazeroLibrary(path);
    libraries.set(path, library);
  }
  return library;
}
