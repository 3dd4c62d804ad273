// Secrets that can be told by how they begin: what follows `Bearer`, JSON Web Tokens, and the keys of well-known services.
import { isAlphanumeric, isDigit, isToken } from "./classes";
import { addRange } from "./ranges";

const PREFIXES: string[] = [
  "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "npm_",
  "sk-", "glpat-", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-",
];
const SHORTEST_KEY: usize = 16;
const SHORTEST_BEARER: usize = 8;
/** From here on what follows `Bearer` need not have a digit to be no word. */
const LONG_BEARER: usize = 20;
const SHORTEST_JWT_PART: usize = 8;
const GOOGLE_KEY: usize = 35;
const AWS_KEY: usize = 16;

const prefixes: ArrayBuffer[] = PREFIXES.map<ArrayBuffer>((prefix) => String.UTF8.encode(prefix));

/** Characters that stand before the last one of a prefix. */
const BEFORE_LAST = memory.data(128);
for (let i = 0; i < PREFIXES.length; ++i) store<u8>(BEFORE_LAST + PREFIXES[i].charCodeAt(PREFIXES[i].length - 2), 1);

/** Up to here no key can begin: what follows has no digit, or is too short. So the time stays linear, whatever the text. */
let barren: usize = 0;

/** At the beginning of each text. */
export function beginTokens(): void {
  barren = 0;
}

/**
 * This and the ones below: @param from where the last secret of the kind ended, @param p where the byte is that told of it,
 * @returns where the secret ends, `from` if it is none.
 */
export function findKey(start: usize, from: usize, p: usize, end: usize): usize {
  if (p == start || p < barren) return from;
  const before = load<u8>(p - 1);
  if (before >= 0x80 || load<u8>(BEFORE_LAST + before) == 0) return from;
  for (let i = 0, count = prefixes.length; i < count; ++i) {
    const prefix = unchecked(prefixes[i]);
    const size = <usize>prefix.byteLength;
    if (p + 1 - start < size) continue;
    const first = p + 1 - size;
    if (first < from || memory.compare(first, changetype<usize>(prefix), size) != 0) continue;
    if (!startsWord(start, first)) continue;
    const until = tokenEnd(p + 1, end);
    if (until - p - 1 < SHORTEST_KEY || !hasDigit(p + 1, until)) {
      barren = until;
      return from;
    }
    addRange(first, until);
    return until;
  }
  return from;
}

/** What follows ends where a space is, so no two of these overlap. */
export function findBearer(start: usize, p: usize, end: usize): void {
  if (end - p < 7 + SHORTEST_BEARER || (load<u32>(p) | 0x20202020) != 0x72616562) return;
  if ((load<u16>(p, 4) | 0x2020) != 0x7265 || load<u8>(p, 6) != 0x20 || !startsWord(start, p)) return;
  let first = p + 7;
  while (first < end && load<u8>(first) == 0x20) ++first;
  let until = first;
  while (until < end && isBearer(load<u8>(until))) ++until;
  const size = until - first;
  if (size < SHORTEST_BEARER || (size < LONG_BEARER && !hasDigit(first, until))) return;
  addRange(first, until);
}

export function findJwt(start: usize, from: usize, p: usize, end: usize): usize {
  const first = p - 2;
  if (p < start + 2 || first < from || load<u16>(first) != 0x7965) return from;
  if (first > start && isToken(load<u8>(first - 1))) return from;
  let until = tokenEnd(p + 1, end);
  if (until - p - 1 < SHORTEST_JWT_PART || until >= end || load<u8>(until) != 0x2e) return from;
  const payload = until + 1;
  until = tokenEnd(payload, end);
  if (until - payload < SHORTEST_JWT_PART) return from;
  if (until < end && load<u8>(until) == 0x2e) until = tokenEnd(until + 1, end);
  addRange(first, until);
  return until;
}

export function findCloudKey(start: usize, from: usize, p: usize, end: usize): usize {
  if (p < from || end - p < 4 + AWS_KEY || (p > start && isAlphanumeric(load<u8>(p - 1)))) return from;
  const word = load<u32>(p);
  let until = p + 4;
  if (word == 0x41494b41 || word == 0x41495341) {
    while (until < end && until - p < 4 + AWS_KEY && isUpperOrDigit(load<u8>(until))) ++until;
    if (until - p < 4 + AWS_KEY || (until < end && isAlphanumeric(load<u8>(until)))) return from;
  } else if (word == 0x617a4941) {
    until = tokenEnd(until, end);
    if (until - p < 4 + GOOGLE_KEY) return from;
  } else return from;
  addRange(p, until);
  return until;
}

function startsWord(start: usize, p: usize): bool {
  if (p == start) return true;
  const before = load<u8>(p - 1);
  return !isAlphanumeric(before) && before != 0x5f;
}

function tokenEnd(p: usize, end: usize): usize {
  while (p < end && isToken(load<u8>(p))) ++p;
  return p;
}

function hasDigit(p: usize, end: usize): bool {
  while (p < end) if (isDigit(load<u8>(p++))) return true;
  return false;
}

function isUpperOrDigit(c: u32): bool {
  return isDigit(c) || c - 0x41 < 26;
}

/** What RFC 6750 allows: letters, digits, `-._~+/` and `=`. */
function isBearer(c: u32): bool {
  return isToken(c) || c == 0x2e || c == 0x7e || c == 0x2b || c == 0x2f || c == 0x3d;
}
