import { createHash, timingSafeEqual } from "node:crypto";

/** How a password is kept. `slow` ones are those that exist to be slow: see hashes.ts. */
export type StoredPassword =
  | { readonly kind: "plain"; readonly digests: readonly Buffer[] }
  | { readonly kind: "sha1"; readonly digest: Buffer; readonly salt: Buffer }
  | { readonly kind: "slow"; readonly hash: string };

export type Users = ReadonlyMap<string, StoredPassword>;

/** Text that is no htpasswd file; the message has the line's number and nothing of what it says. */
export class HtpasswdError extends Error {
  override readonly name: string = "HtpasswdError";
}

const SHA1_LENGTH = 20;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const MD5_CRYPT = /^\$(?:apr1|1)\$[^$]*\$[./0-9A-Za-z]{22}$/;
const SHA_CRYPT = /^\$(?:5\$(?:rounds=\d+\$)?[^$]*\$[./0-9A-Za-z]{43}|6\$(?:rounds=\d+\$)?[^$]*\$[./0-9A-Za-z]{86})$/;
/** bcrypt's cost: the logarithm of the rounds. */
const COST = { min: 4, max: 31 } as const;
/** Other hashes are no passwords in plain text, which the Collector would take them for. */
const UNKNOWN_HASH =
  /^(?:\$(?:[0-9]|2[a-z]?|apr1|argon2(?:i|d|id)|y|gy|7|md5|sha1|scrypt|pbkdf2[a-z0-9-]*)\$|\{(?:CRYPT|S?MD5|S?SHA(?:256|384|512)?|PBKDF2[A-Z0-9-]*|ARGON2|BCRYPT)\})/;

/**
 * Lines of `user:password`, the password as `htpasswd` hashes it (bcrypt, MD5, SHA-1), as crypt(3) does (SHA-256, SHA-512), salted SHA-1, or as it stands. Of
 * several lines for one user the last counts.
 *
 * @throws HtpasswdError
 */
export function parseHtpasswd(text: string): Users {
  const users = new Map<string, StoredPassword>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    if (colon < 0) throw new HtpasswdError(`line ${index + 1} has no colon: it must be user:password`);
    const stored = parseStored(line.slice(colon + 1));
    if (typeof stored === "string") throw new HtpasswdError(`line ${index + 1}: ${stored}`);
    users.set(line.slice(0, colon), stored);
  }
  return users;
}

/** @returns what is wrong, if something is */
function parseStored(text: string): StoredPassword | string {
  const sha1 = /^\{(S?)SHA\}(.*)$/.exec(text);
  if (sha1 !== null) {
    const bytes = Buffer.from(sha1[2]!, "base64");
    const salted = sha1[1] === "S";
    if (salted ? bytes.length < SHA1_LENGTH : bytes.length !== SHA1_LENGTH) return "is not a SHA-1 hash";
    return { kind: "sha1", digest: bytes.subarray(0, SHA1_LENGTH), salt: bytes.subarray(SHA1_LENGTH) };
  }
  const cost = BCRYPT.exec(text)?.[1];
  if (cost !== undefined && (Number(cost) < COST.min || Number(cost) > COST.max)) return `bcrypt has no cost ${cost}`;
  if (cost !== undefined || MD5_CRYPT.test(text) || SHA_CRYPT.test(text)) return { kind: "slow", hash: text };
  const unknown = UNKNOWN_HASH.exec(text)?.[0];
  if (unknown !== undefined)
    return `the hash that begins with ${unknown} is malformed, or of a kind that is not supported: bcrypt ($2y$), $apr1$, $5$, $6$ and {SHA} are`;
  return { kind: "plain", digests: [text, text.replace(/^\{PLAIN\}/, "")].map(digestOf) };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Whether the password is the one that is kept, in a time that tells nothing. For those that are not slow. */
export function matches(stored: Exclude<StoredPassword, { kind: "slow" }>, password: string): boolean {
  if (stored.kind === "sha1") {
    const digest = createHash("sha1").update(password).update(stored.salt).digest();
    return timingSafeEqual(digest, stored.digest);
  }
  const digest = digestOf(password);
  return stored.digests.reduce((found, each) => timingSafeEqual(each, digest) || found, false);
}
