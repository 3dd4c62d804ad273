/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno: those that functions here answer. */
export const Errno = {
  success: 0,
  badf: 8,
  inval: 28,
} as const;
export type Errno = (typeof Errno)[keyof typeof Errno];
