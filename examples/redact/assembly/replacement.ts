// What stands in the place of a secret: a mask, or the secret's hash.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { SHA256_HEX_SIZE, sha256Hex } from "@otelwasm/sdk/sha256";

let mask = new ArrayBuffer(0);
let salt = new ArrayBuffer(0);
let hashes: bool = false;

export function useMask(text: string): void {
  mask = String.UTF8.encode(text);
}

/** @param text goes before what is hashed */
export function useHash(text: string): void {
  salt = String.UTF8.encode(text);
  hashes = true;
}

export let replacementSize: usize = 0;

/** @returns where the replacement of some bytes stands until the batch ends; {@link replacementSize} is set */
export function replacementOf(start: usize, size: usize): usize {
  if (!hashes) {
    replacementSize = <usize>mask.byteLength;
    return changetype<usize>(mask);
  }
  replacementSize = SHA256_HEX_SIZE;
  const to = arenaAllocate(SHA256_HEX_SIZE);
  const saltSize = <usize>salt.byteLength;
  if (saltSize == 0) sha256Hex(start, size, to);
  else {
    const salted = arenaAllocate(saltSize + size);
    memory.copy(salted, changetype<usize>(salt), saltSize);
    memory.copy(salted + saltSize, start, size);
    sha256Hex(salted, saltSize + size, to);
  }
  return to;
}
