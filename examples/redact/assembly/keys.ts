// What is done with an attribute by its key alone. The few keys that telemetry has are decided once and remembered.
import { Regexp } from "@otelwasm/sdk/regexp";
import { sameBytes } from "@otelwasm/sdk/wire/read";

/** Its value is looked through. */
export const INSPECTED: u8 = 0;
/** Its value stays as it is. */
export const ALLOWED: u8 = 1;
/** Its value is replaced, whatever it is. */
export const BLOCKED: u8 = 2;

const SLOTS: usize = 1024;
const LONGEST: usize = 62;
/** A slot: size, decision, and the key's bytes. */
const SLOT: usize = 64;
const table = memory.data(65536);

let allowed: ArrayBuffer[] = [];
let blocked: Regexp[] = [];
/** Whether keys matter at all. */
export let hasKeys: bool = false;

export function useKeys(allowedKeys: string[], blockedKeys: Regexp[]): void {
  allowed = allowedKeys.map<ArrayBuffer>((key) => String.UTF8.encode(key));
  blocked = blockedKeys;
  hasKeys = allowed.length > 0 || blocked.length > 0;
}

export function decideKey(key: usize, size: usize): u8 {
  if (size == 0 || size > LONGEST) return decide(key, size);
  const hash = ((size * 0x9e3779b1) ^ (<usize>load<u8>(key) << 7) ^ (<usize>load<u8>(key + size - 1) << 3) ^ load<u8>(key + (size >> 1))) & (SLOTS - 1);
  const slot = table + hash * SLOT;
  if (<usize>load<u8>(slot) == size && sameBytes(slot + 2, key, size)) return load<u8>(slot, 1);
  const decision = decide(key, size);
  store<u8>(slot, <u8>size);
  store<u8>(slot, decision, 1);
  memory.copy(slot + 2, key, size);
  return decision;
}

function decide(key: usize, size: usize): u8 {
  for (let i = 0; i < allowed.length; ++i) {
    const each = unchecked(allowed[i]);
    if (<usize>each.byteLength == size && sameBytes(changetype<usize>(each), key, size)) return ALLOWED;
  }
  for (let i = 0; i < blocked.length; ++i) if (unchecked(blocked[i]).matchUtf8(key, size)) return BLOCKED;
  return INSPECTED;
}
