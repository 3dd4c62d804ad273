// Everything that is to be replaced in a text: what the built-in detectors find, and what the configuration's patterns do.
import { Regexp } from "@otelwasm/sdk/regexp";
import { findCards } from "./card";
import { AT, BEARER, CLOUD, classAt, DIGIT, JWT, PLAIN, PREFIX, setClass } from "./classes";
import { findEmail } from "./email";
import { addMatches, clearRanges } from "./ranges";
import { beginTokens, findBearer, findCloudKey, findJwt, findKey } from "./token";

/** No detector finds anything in fewer bytes (`a@b.de`). */
const SHORTEST: usize = 6;

let patterns: Regexp[] = [];

export function usePatterns(expressions: Regexp[]): void {
  patterns = expressions;
}

/** @param name `card`, `email` or `token` */
export function useDetector(name: string): void {
  if (name == "card") for (let c: u8 = 0x30; c < 0x3a; ++c) setClass(c, DIGIT);
  if (name == "email") setClass(0x40, AT);
  if (name != "token") return;
  setClass(0x5f, PREFIX);
  setClass(0x2d, PREFIX);
  setClass(0x42, BEARER);
  setClass(0x62, BEARER);
  setClass(0x4a, JWT);
  setClass(0x41, CLOUD);
}

/** Looks through a text; what is to be replaced is in `ranges` then. */
export function detect(start: usize, end: usize): void {
  clearRanges();
  if (end - start >= SHORTEST) detectBuiltIn(start, end);
  for (let i = 0, count = patterns.length; i < count; ++i) addMatches(unchecked(patterns[i]), start, end);
}

function detectBuiltIn(start: usize, end: usize): void {
  let p = start;
  while (classAt(p) == PLAIN) if (++p == end) return;
  beginTokens();
  // Each kind goes on behind what it found last; kinds may overlap one another.
  let email = start;
  let key = start;
  let jwt = start;
  let cloud = start;
  while (p < end) {
    switch (classAt(p)) {
      case PLAIN:
        break;
      case DIGIT:
        p = findCards(start, p, end);
        continue;
      case AT:
        email = findEmail(email, p, end);
        break;
      case PREFIX:
        key = findKey(start, key, p, end);
        break;
      case BEARER:
        findBearer(start, p, end);
        break;
      case JWT:
        jwt = findJwt(start, jwt, p, end);
        break;
      default:
        cloud = findCloudKey(start, cloud, p, end);
    }
    ++p;
  }
}
