import { timingSafeEqual } from "node:crypto";
import { compareSync } from "bcryptjs";
import { md5Crypt, shaCrypt } from "./crypt.ts";

/**
 * Whether a password has the hash. Takes milliseconds to seconds.
 *
 * @param hash of the kinds that htpasswd.ts calls slow
 */
export function matchesSlowly(hash: string, password: string): boolean {
  if (hash.startsWith("$2")) return compareSync(password, hash);
  const [, kind, ...rest] = hash.split("$");
  const [first = ""] = rest;
  const rounds = /^rounds=(\d+)$/.exec(first)?.[1];
  const salt = Buffer.from((rounds === undefined ? first : rest[1]) ?? "");
  const bytes = Buffer.from(password);
  const found =
    kind === "5" || kind === "6"
      ? shaCrypt(bytes, kind === "5" ? 256 : 512, salt, rounds === undefined ? undefined : Number(rounds))
      : md5Crypt(bytes, `$${kind}$`, salt);
  const wanted = Buffer.from(rest.at(-1) ?? "");
  const made = Buffer.from(found);
  return wanted.length === made.length && timingSafeEqual(made, wanted);
}
