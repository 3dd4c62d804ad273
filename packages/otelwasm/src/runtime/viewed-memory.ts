import type { Memory } from "./contract.ts";

/** What memories that are shown by views have in common. */
export abstract class ViewedMemory implements Memory {
  abstract bytes(): Uint8Array;
  abstract view(): DataView;

  get byteLength(): number {
    return this.bytes().length;
  }

  read(offset: number, size: number): Uint8Array {
    const bytes = this.bytes();
    const start = offset >>> 0;
    const length = size >>> 0;
    if (start + length > bytes.length) throw outOfRange(start, length, bytes.length);
    return new Uint8Array(bytes.buffer, start, length);
  }

  write(offset: number, data: Uint8Array): void {
    const bytes = this.bytes();
    const start = offset >>> 0;
    if (start + data.length > bytes.length) throw outOfRange(start, data.length, bytes.length);
    bytes.set(data, start);
  }
}

function outOfRange(start: number, length: number, size: number): RangeError {
  return new RangeError(`${length} bytes at ${start} are outside the memory of ${size} bytes`);
}
