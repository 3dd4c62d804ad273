// The hashes of crypt(3) that htpasswd files have beside bcrypt. They exist to be slow: run them where nobody waits.
import { createHash } from "node:crypto";

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** crypt's base64: 24 bits, the low ones first. */
function encode(high: number, middle: number, low: number, characters: number): string {
  let bits = (high << 16) | (middle << 8) | low;
  let text = "";
  for (let left = characters; left > 0; left--) {
    text += ALPHABET[bits & 0x3f];
    bits >>= 6;
  }
  return text;
}

function hash(algorithm: string, ...parts: readonly Uint8Array[]): Buffer {
  const state = createHash(algorithm);
  for (const part of parts) state.update(part);
  return state.digest();
}

/** `bytes` over and over, until there are so many. */
function stretched(bytes: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/**
 * MD5 as Apache (`$apr1$`) and BSD (`$1$`) have it: https://github.com/apache/apr/blob/trunk/crypto/apr_md5.c
 *
 * @returns what follows the salt
 */
export function md5Crypt(password: Buffer, prefix: string, salt: Buffer): string {
  const { length } = password;
  const start: Uint8Array[] = [password, Buffer.from(prefix), salt];
  if (length > 0) start.push(stretched(hash("md5", password, salt, password), length));
  for (let bit = length; bit > 0; bit >>= 1) start.push((bit & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  let sum = hash("md5", ...start);
  for (let round = 0; round < 1000; round++) {
    const odd = (round & 1) === 1;
    sum = hash(
      "md5",
      odd ? password : sum,
      ...(round % 3 === 0 ? [] : [salt]),
      ...(round % 7 === 0 ? [] : [password]),
      odd ? sum : password,
    );
  }
  const at = (index: number): number => sum[index]!;
  let text = "";
  for (const [a, b, c] of [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const)
    text += encode(at(a), at(b), at(c), 4);
  return text + encode(0, 0, at(11), 2);
}

/** How often, if the hash does not say it, and what it may say. */
const ROUNDS = { default: 5_000, min: 1_000, max: 999_999_999 } as const;
const MAX_SALT = 16;

/**
 * SHA-256 (`$5$`) and SHA-512 (`$6$`): https://www.akkadia.org/drepper/SHA-crypt.txt, whose steps the numbers are.
 *
 * @param rounds as the hash says; undefined: the default
 * @returns what follows the salt
 */
export function shaCrypt(password: Buffer, bits: 256 | 512, salt: Buffer, rounds: number | undefined): string {
  const algorithm = `sha${bits}`;
  const short = salt.subarray(0, MAX_SALT);
  const { length } = password;
  // 4 to 8
  const b = hash(algorithm, password, short, password);
  // 1 to 3, 9 to 12
  const start: Uint8Array[] = [password, short, stretched(b, length)];
  for (let bit = length; bit > 0; bit >>= 1) start.push((bit & 1) === 1 ? b : password);
  let sum = hash(algorithm, ...start);
  // 13 to 16
  const p = stretched(hash(algorithm, ...Array.from({ length }, () => password)), length);
  // 17 to 20
  const s = stretched(hash(algorithm, ...Array.from({ length: 16 + sum[0]! }, () => short)), short.length);
  // 21
  const count = rounds === undefined ? ROUNDS.default : Math.min(ROUNDS.max, Math.max(ROUNDS.min, rounds));
  for (let round = 0; round < count; round++) {
    const odd = (round & 1) === 1;
    sum = hash(
      algorithm,
      odd ? p : sum,
      ...(round % 3 === 0 ? [] : [s]),
      ...(round % 7 === 0 ? [] : [p]),
      odd ? sum : p,
    );
  }
  return encodeSum(sum);
}

/** 22: bytes in triples that turn, each a third of the sum apart. */
function encodeSum(sum: Buffer): string {
  const third = Math.floor(sum.length / 3);
  let text = "";
  let triple = [0, third, 2 * third];
  for (let count = 0; count < third; count++) {
    const [a, b, c] = triple.map((index) => sum[index]!);
    text += encode(a!, b!, c!, 4);
    const [x, y, z] = triple;
    triple = sum.length === 64 ? [y! + 1, z! + 1, x! + 1] : [z! + 1, x! + 1, y! + 1];
  }
  return sum.length === 64 ? text + encode(0, 0, sum[63]!, 2) : text + encode(0, sum[31]!, sum[30]!, 3);
}
