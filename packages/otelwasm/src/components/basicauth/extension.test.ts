import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as fc from "fast-check";
import type { Extension } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { extensionSettings } from "../../component/testing/settings.ts";
import { applySchema } from "../../config/schema.ts";
import { WaitedLog } from "../../transport/testing/support.ts";
import { schema } from "./config.ts";
import { basicAuthExtension } from "./factory.ts";

/** Of "secret", quick and slow. */
const BCRYPT = "$2a$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2";
/** Of "slow": a quarter of a second's work. */
const BCRYPT_12 = "$2a$12$.4jfUntXE3jJr6DWLiGjMe0IiR1Qs.dkWqTMF9uQC14oO8BNQZmWu";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otelwasm-basic-"));
});
after(() => rm(folder, { recursive: true }));

function create(config: object, log: WaitedLog = new WaitedLog()): Extension {
  return basicAuthExtension.create(
    { ...extensionSettings("basicauth/x"), logger: log },
    basicAuthExtension.schema.parse(config),
  );
}

async function started(config: object, log?: WaitedLog): Promise<Extension> {
  const extension = create(config, log);
  await extension.start();
  return extension;
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

/** `undefined` if it is let in. */
async function refusal(extension: Extension, header: string | undefined): Promise<string | undefined> {
  try {
    await extension.serverAuthenticator?.authenticate((name) => (name === "authorization" ? header : undefined));
  } catch (error) {
    assert.ok(error instanceof ConsumerError && error.permanent && error.code === StatusCode.UNAUTHENTICATED);
    return error.message;
  }
  return undefined;
}

const issues = (config: object): readonly string[] => {
  const checked = applySchema(schema, config, ["basicauth"]);
  return checked.ok ? [] : checked.issues;
};

describe("extension basicauth", () => {
  test("is for a server or for a client, and for one of them", () => {
    assert.deepEqual(issues({}), ["basicauth: no credential source provided: set htpasswd or client_auth"]);
    assert.deepEqual(issues({ htpasswd: { inline: "a:b" }, client_auth: { username: "a" } }), [
      "basicauth: only one of `htpasswd` or `client_auth` can be specified",
    ]);
    assert.deepEqual(issues({ htpasswd: { file: "", inline: "\n" } }), [
      "basicauth::htpasswd: no credential source provided: set file or inline",
    ]);
    assert.deepEqual(issues({ htpasswd: { inline: "a:b\n$5$x" } }), [
      "basicauth::htpasswd::inline: line 2 has no colon: it must be user:password",
    ]);
    assert.deepEqual(issues({ client_auth: { username: "a:b", aws_secrets_manager: {} } }), [
      "basicauth::client_auth::username: must not have a colon",
      "basicauth::client_auth::aws_secrets_manager: is not supported: use username_file and password_file",
    ]);
  });

  test("lets in who is known, and tells the others no more than the Collector does", async () => {
    const extension = await started({ htpasswd: { inline: `quick:word\nslow:${BCRYPT}\nempty:` } });
    assert.equal(extension.clientAuthenticator, undefined);
    assert.match(extension.serverAuthenticator?.challenge ?? "", /^Basic realm="/);
    for (const each of ["quick:word", "slow:secret", "empty:"]) {
      assert.equal(await refusal(extension, basic(each)), undefined, each);
      assert.equal(await refusal(extension, basic(each)), undefined, each);
    }
    assert.equal(await refusal(extension, basic("quick:word").replace("Basic", "bAsIc")), undefined);
    for (const each of ["quick:wort", "quick:", "slow:Secret", "nobody:secret", ":"])
      for (let time = 0; time < 2; time++)
        assert.equal(await refusal(extension, basic(each)), "invalid credentials", each);
    assert.equal(await refusal(extension, undefined), "no basic auth provided");
    assert.equal(await refusal(extension, "Bearer abc"), "invalid authorization scheme prefix");
    assert.equal(await refusal(extension, "Basic"), "invalid authorization scheme prefix");
    for (const each of [
      basic("nocolon"),
      "Basic ####",
      "Basic YTpi\u00ff",
      `Basic ${Buffer.from([0xff, 0x3a]).toString("base64")}`,
    ])
      assert.equal(await refusal(extension, each), "invalid authorization format", each);
    await extension.shutdown();
  });

  test("whatever a header says, it is let in or refused", async () => {
    const extension = await started({ htpasswd: { inline: "quick:word" } });
    const piece = fc.constantFrom(
      "Basic ",
      "basic",
      " ",
      "=",
      "==",
      ":",
      "cXVpY2s6d29yZA==",
      "cXVpY2s6",
      "d29yZA",
      "+/",
      "\u00ff",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string(), fc.base64String()), { maxLength: 8 }), async (pieces) => {
        const header = pieces.join("");
        const expected = /^basic cXVpY2s6d29yZA==$/i.test(header) && header.endsWith("cXVpY2s6d29yZA==");
        assert.equal((await refusal(extension, header)) === undefined, expected, header);
      }),
    );
    await extension.shutdown();
  });

  test("a slow hash holds up nobody: it is worked out once, elsewhere", async () => {
    const extension = await started({ htpasswd: { inline: `slow:${BCRYPT_12}` } });
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setImmediate(turn);
    };
    turn();
    const { cpuUsage } = process;
    const before = cpuUsage();
    const all = await Promise.all(Array.from({ length: 200 }, () => refusal(extension, basic("slow:slow"))));
    running = false;
    assert.ok(all.every((each) => each === undefined));
    // Two hundred times the work would be fifty seconds.
    assert.ok(cpuUsage(before).user < 20e6);
    assert.ok(turns > 20, `${turns} turns of the loop`);
    // What is remembered is told at once.
    const header = basic("slow:slow");
    assert.equal(
      extension.serverAuthenticator?.authenticate(() => header),
      undefined,
    );
    await extension.shutdown();
  });

  test("more slow hashes than can be worked out are told to come again", async () => {
    const extension = await started({ htpasswd: { inline: `slow:${BCRYPT_12}` } });
    const outcomes = await Promise.all(
      Array.from({ length: 70 }, async (_, index) => {
        const asked = Promise.resolve(
          extension.serverAuthenticator?.authenticate(() => basic(`slow:guess ${index}`)),
        ).then(
          () => "in",
          (error: unknown) => (error instanceof ConsumerError && error.permanent ? "refused" : "later"),
        );
        // The last six find sixty-four before them; nobody needs to see those through.
        if (index === 69) void extension.shutdown();
        return await asked;
      }),
    );
    assert.equal(outcomes.filter((each) => each === "in").length, 0);
    assert.ok(
      outcomes.slice(64).every((each) => each === "later"),
      String(outcomes),
    );
  });

  test("a file of users is followed; what stands in the configuration comes before it", async () => {
    const file = join(folder, "users");
    const log = new WaitedLog();
    await assert.rejects(
      started({ htpasswd: { file } }),
      /^Error: extensions::basicauth\/x::htpasswd::file: cannot read ".*users": there is no such file/,
    );
    await writeFile(file, "a:1\nb:2\n");
    const extension = await started({ htpasswd: { file, inline: "b:3" } }, log);
    assert.equal(await refusal(extension, basic("a:1")), undefined);
    assert.equal(await refusal(extension, basic("b:3")), undefined);
    assert.equal(await refusal(extension, basic("b:2")), "invalid credentials");
    await writeFile(file, "a:new\nhello\n");
    assert.match(await log.line(/those from before stay in use/), /users": line 2 has no colon/);
    assert.equal(await refusal(extension, basic("a:1")), undefined);
    await writeFile(file, "a:new\n");
    await log.line(/has changed/);
    assert.equal(await refusal(extension, basic("a:new")), undefined);
    assert.equal(await refusal(extension, basic("a:1")), "invalid credentials");
    await extension.shutdown();
    await writeFile(file, "bad");
    await assert.rejects(started({ htpasswd: { file } }), /::htpasswd::file: ".*users": line 1 has no colon/);
  });

  test("shows a name and a password, also those of files", async () => {
    const inline = await started({ client_auth: { username: "me", password: "wörd" } });
    assert.deepEqual(inline.clientAuthenticator?.headers(), { authorization: basic("me:wörd") });
    assert.equal(inline.clientAuthenticator?.headers(), inline.clientAuthenticator?.headers());
    assert.equal(inline.serverAuthenticator, undefined);
    await inline.shutdown();

    const username_file = join(folder, "name");
    const password_file = join(folder, "word");
    await writeFile(username_file, "me\n");
    await writeFile(password_file, "\n");
    const config = { client_auth: { username: "other", username_file, password_file } };
    await assert.rejects(started(config), /client_auth::password_file: ".*word" is empty$/);
    await writeFile(password_file, "one\n");
    const log = new WaitedLog();
    const extension = await started(config, log);
    assert.deepEqual(extension.clientAuthenticator?.headers(), { authorization: basic("me:one") });
    await writeFile(password_file, "two");
    await log.line(/has changed/);
    assert.deepEqual(extension.clientAuthenticator?.headers(), { authorization: basic("me:two") });
    await extension.shutdown();
  });
});
