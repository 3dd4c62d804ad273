// The declarations of the AssemblyScript compiler declare a global `console` of the guest's, with `log` alone, which hides Node's.
// Its namespace is open: these are Node's functions that this repository uses.
declare namespace console {
  function error(...values: unknown[]): void;
  function warn(...values: unknown[]): void;
}
