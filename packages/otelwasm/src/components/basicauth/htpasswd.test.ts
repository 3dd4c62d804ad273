import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { shaCrypt } from "./crypt.ts";
import { matchesSlowly } from "./hashes.ts";
import { HtpasswdError, matches, parseHtpasswd } from "./htpasswd.ts";

const LONG = "a much longer password than sixteen bytes, even longer than sixty-four bytes in all to be sure";

/** Made by OpenSSL's `passwd` and Go's bcrypt. */
const HASHES: readonly (readonly [password: string, hash: string])[] = [
  ["pässword", "$apr1$abcdefgh$rRdIxwY5XRHT4TMtBPZn.0"],
  ["pässword", "$1$12345678$Wp8.nKZ8GFpaXWyEsuEYh0"],
  ["pässword", "$5$saltstring$cRBhKSfYzTy7ht1J5qVPFV0KZImJ0U5L5Ezw0UdIOW4"],
  ["pässword", "$6$saltstring$CSTM8ggie.dU5m6eoS07/LZ2D/r4hrX.jxMSo1fYZexnehwOFJu1o2u1p.BZSnrxIhERrHnuxI8ONbt/kSPvF0"],
  ["", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie."],
  ["", "$1$12345678$xek.CpjQUVgdf/P2N9KQf/"],
  [LONG, "$apr1$abcdefgh$9oq3J7OENzGmEejBg1BQu/"],
  [LONG, "$1$12345678$gj5JvD3Z.EwL7uRXY2rly."],
  [LONG, "$5$saltstring$sY8RLzSpQ1aa5Jp0VCk2AWzxFiorRy9Hl8/11u3JfM/"],
  [LONG, "$6$saltstring$ta.j17q9Ioy0.qzk1EsZs/7ws4hxBCKagLiSCk7tN/UFdIVOO4d7parWhKq0mWXx0O8ZZnvoLoo5knb7/fOjH0"],
  [
    "secret",
    "$6$rounds=1234$short$0v/bkAxYmpyQc5FW8Z6d/ENWaZBjIOBII8KIY6A25nMDEMB.S4o4wyIbhVr98TAc9oFQhVlbbas4P8IVidF6m.",
  ],
  ["secret", "$5$rounds=77777$short$Dvn1K7VcLNC1xboNjai.hqyHxPl6O0m46vESuLJFFm9"],
  ["pässword", "$2a$05$jQ5PKSmx/r6Tq6Q3ccbIYOgQ20cZUsc1kVk36cI2XP8AMFHfeEM0i"],
  ["", "$2a$05$Xecgy6hoYM3o11PXuHHw7uKTW.mP16zNbk0JLQHNKPtkaWv2qu5fy"],
  ["secret", "$2a$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2"],
  ["secret", "$2y$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2"],
];

/** Quick or slow. */
function accepts(stored: string, password: string): boolean {
  const found = parseHtpasswd(`user:${stored}`).get("user");
  assert.ok(found !== undefined);
  return found.kind === "slow" ? matchesSlowly(found.hash, password) : matches(found, password);
}

describe("passwords of htpasswd", () => {
  for (const [password, hash] of HASHES) {
    test(`${hash.slice(0, 24)} for ${JSON.stringify(password.slice(0, 10))}`, () => {
      assert.equal(accepts(hash, password), true);
      assert.equal(accepts(hash, `${password}x`), false);
      assert.equal(accepts(hash, password === "" ? "x" : password.slice(1)), false);
    });
  }

  test("SHA-1, salted or not, and as they stand", () => {
    assert.equal(accepts("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password"), true);
    assert.equal(accepts("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "passwore"), false);
    const salted = createHash("sha1").update("passwordsalt").digest();
    const stored = `{SSHA}${Buffer.concat([salted, Buffer.from("salt")]).toString("base64")}`;
    assert.equal(accepts(stored, "password"), true);
    assert.equal(accepts(stored, "passwordsalt"), false);
    assert.equal(accepts("a:b", "a:b"), true);
    assert.equal(accepts("{PLAIN}word", "word"), true);
    assert.equal(accepts("word", ""), false);
  });

  test("a salt beyond sixteen bytes does not count", () => {
    const made = (salt: string): string => shaCrypt(Buffer.from("x"), 256, Buffer.from(salt), 1_000);
    assert.equal(made("0123456789abcdefXYZ"), made("0123456789abcdef"));
  });

  test("a plain password is itself and nothing else", () => {
    const plain = fc.string({ minLength: 1 }).filter((text) => /^[^\s${:][^\n\r]*$/.test(text) && text.trim() === text);
    fc.assert(
      fc.property(plain, fc.string(), (password, other) => {
        assert.equal(accepts(password, password), true);
        assert.equal(accepts(password, other), other === password);
      }),
    );
  });

  test("comments and empty lines are passed over, the last line of a user counts", () => {
    const users = parseHtpasswd("# who may\r\n\n  a:1 \nb:2\na:3\n");
    assert.deepEqual([...users.keys()], ["a", "b"]);
    const a = users.get("a");
    assert.ok(a?.kind === "plain" && matches(a, "3") && !matches(a, "1"));
  });

  for (const [line, message] of [
    ["nobody and nothing", /^line 2 has no colon/],
    ["u:{SHA}abc", /^line 2: is not a SHA-1 hash$/],
    ["u:{SSHA}abc", /^line 2: is not a SHA-1 hash$/],
    ["u:$2y$99$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2", /^line 2: bcrypt has no cost 99$/],
    ["u:$2y$05$short", /^line 2: the hash that begins with \$2y\$ is malformed/],
    ["u:$2x$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2", /^line 2: .* \$2x\$/],
    ["u:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", /^line 2: .* \$argon2id\$/],
    ["u:$y$j9T$salt$hash", /^line 2: .* \$y\$/],
    ["u:{CRYPT}abc", /^line 2: .* \{CRYPT\}/],
  ] as const) {
    test(`refuses ${line.slice(0, 16)} without repeating it`, () => {
      assert.throws(
        () => parseHtpasswd(`ok:ok\n${line}`),
        (error) => {
          assert.ok(error instanceof HtpasswdError);
          assert.match(error.message, message);
          assert.ok(!error.message.includes(line.slice(8)));
          return true;
        },
      );
    });
  }

  test("whatever the text is, it is taken or refused by its line", () => {
    const piece = fc.constantFrom(
      "a",
      ":",
      "\n",
      "$",
      "$2y$",
      "$apr1$",
      "$6$",
      "{SHA}",
      "{SSHA}",
      "rounds=",
      "#",
      " ",
      "5",
      "/",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        try {
          for (const stored of parseHtpasswd(pieces.join("")).values())
            if (stored.kind !== "slow") assert.equal(typeof matches(stored, "x"), "boolean");
        } catch (error) {
          assert.ok(error instanceof HtpasswdError);
          assert.match(error.message, /^line \d+/);
        }
      }),
    );
  });
});
