// The part of the WebAssembly JavaScript API that tests of the guest use, as types: TypeScript has them in its DOM
// library only, which a program for Node does not load.
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export type GuestFunction = (...params: number[]) => number;

interface Module {
  readonly brand?: "WebAssembly.Module";
}

interface Instance {
  readonly exports: Readonly<Record<string, GuestFunction>> & { readonly memory: Memory };
}

interface Api {
  readonly Module: {
    new (binary: Uint8Array<ArrayBuffer>): Module;
    exports(module: Module): { name: string }[];
    imports(module: Module): { module: string; name: string }[];
  };
  readonly Instance: new (
    module: Module,
    imports: Record<string, Record<string, (...params: never[]) => unknown>>,
  ) => Instance;
}

declare const WebAssembly: Api;
const api: Api = WebAssembly;

export { api as WebAssembly };
