// The build command makes these work in AssemblyScript; TypeScript has to be told.
export {};

declare global {
  interface SymbolConstructor {
    readonly iterator: unique symbol;
  }
  interface IteratorResult<T, TReturn = unknown> {
    done?: boolean;
    value: T;
  }
  interface Iterator<T, TReturn = unknown, TNext = unknown> {
    next(value?: TNext): IteratorResult<T, TReturn>;
  }
  interface Iterable<T, TReturn = unknown, TNext = unknown> {
    [Symbol.iterator](): Iterator<T, TReturn, TNext>;
  }
  interface IterableIterator<T, TReturn = unknown, TNext = unknown> extends Iterator<T, TReturn, TNext> {
    [Symbol.iterator](): IterableIterator<T, TReturn, TNext>;
  }
  interface Array<T> {
    [Symbol.iterator](): Iterator<T>;
  }

  /** The configuration must have this key. */
  function required(target: object, field: string): void;
  /** The configuration's name for this field. */
  function key(name: string): (target: object, field: string) => void;
}

declare module "../assembly/data/slice" {
  // `for (const span of scope.spans)`
  interface Slice<T> {
    [Symbol.iterator](): Iterator<T>;
  }
}
