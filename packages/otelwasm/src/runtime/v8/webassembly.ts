/**
 * The part of the WebAssembly JavaScript API that the adapter uses, as types: they stand in TypeScript's DOM library only,
 * which a program for Node does not load. https://webassembly.github.io/spec/js-api/
 */
export interface JsModule {
  readonly brand?: "WebAssembly.Module";
}

export interface JsMemory {
  readonly buffer: ArrayBuffer;
}

export type JsFunction = (...params: (number | bigint)[]) => number | bigint | readonly (number | bigint)[] | undefined;

export interface JsInstance {
  readonly exports: Readonly<Record<string, JsFunction | JsMemory | object>>;
}

type ErrorClass = new (message?: string) => Error;

interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<JsModule>;
  instantiate(module: JsModule, imports: Record<string, Record<string, JsFunction>>): Promise<JsInstance>;
  readonly CompileError: ErrorClass;
  readonly LinkError: ErrorClass;
  readonly RuntimeError: ErrorClass;
  /** What a guest throws and nobody catches: no Error. */
  readonly Exception: abstract new () => object;
}

declare const WebAssembly: WebAssemblyApi;
const api: WebAssemblyApi = WebAssembly;

export { api as WebAssembly };
