import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Extension } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { extensionSettings } from "../../component/testing/settings.ts";
import { applySchema } from "../../config/schema.ts";
import { WaitedLog } from "../../transport/testing/support.ts";
import { schema } from "./config.ts";
import { bearerTokenAuthExtension } from "./factory.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otelwasm-bearer-"));
});
after(() => rm(folder, { recursive: true }));

async function started(config: object, log: WaitedLog = new WaitedLog()): Promise<Extension> {
  const extension = bearerTokenAuthExtension.create(
    { ...extensionSettings("bearertokenauth"), logger: log },
    bearerTokenAuthExtension.schema.parse(config),
  );
  await extension.start();
  return extension;
}

/** `undefined` if it is let in. */
function refusal(extension: Extension, value: string | undefined, header = "authorization"): string | undefined {
  try {
    const nothing = extension.serverAuthenticator?.authenticate((name) => (name === header ? value : undefined));
    assert.equal(nothing, undefined);
  } catch (error) {
    assert.ok(error instanceof ConsumerError && error.permanent && error.code === StatusCode.UNAUTHENTICATED);
    return error.message;
  }
  return undefined;
}

const issues = (config: object): readonly string[] => {
  const checked = applySchema(schema, config, ["bearertokenauth"]);
  return checked.ok ? [] : checked.issues;
};
const WRONG = "provided authorization does not match expected scheme or token";

describe("extension bearertokenauth", () => {
  test("what it cannot work with is refused", () => {
    for (const nothing of [{}, { token: "" }, { tokens: [], filename: "" }])
      assert.deepEqual(issues(nothing), ["bearertokenauth: no bearer token provided: set token, tokens or filename"]);
    assert.deepEqual(issues({ token: "a", tokens: ["b"] }), [
      "bearertokenauth::tokens: either tokens or token should be provided, not both",
    ]);
    assert.deepEqual(issues({ token: "a\nb", header: "a b", scheme: "\n" }), [
      "bearertokenauth::header: is not a header's name",
      "bearertokenauth::scheme: has characters that a header cannot have",
      "bearertokenauth::token: has characters that a header cannot have",
    ]);
  });

  test("one token, by the Collector's defaults", async () => {
    const extension = await started({ token: "somerandomtoken" });
    assert.equal(extension.serverAuthenticator?.challenge, "Bearer");
    assert.equal(refusal(extension, "Bearer somerandomtoken"), undefined);
    for (const wrong of ["bearer somerandomtoken", "Bearer", "Bearer somerandomtoke", "Bearer somerandomtokenn", "x"])
      assert.equal(refusal(extension, wrong), WRONG, wrong);
    for (const missing of [undefined, ""])
      assert.equal(refusal(extension, missing), "missing or empty authorization header: authorization");
    const headers = extension.clientAuthenticator?.headers();
    assert.deepEqual(headers, { authorization: "Bearer somerandomtoken" });
    assert.equal(extension.clientAuthenticator?.headers(), headers);
    await extension.shutdown();
  });

  test("several tokens, another header, no scheme", async () => {
    const extension = await started({ tokens: ["one", "two"], header: "X-Token", scheme: "" });
    for (const token of ["one", "two"]) assert.equal(refusal(extension, token, "x-token"), undefined);
    assert.equal(refusal(extension, "Bearer one", "x-token"), WRONG);
    assert.equal(refusal(extension, "one"), "missing or empty authorization header: x-token");
    assert.deepEqual(extension.clientAuthenticator?.headers(), { "x-token": "one" });
    await extension.shutdown();
  });

  test("a file's lines are tokens with remarks; it comes before the token and is followed", async () => {
    const filename = join(folder, "tokens");
    await assert.rejects(
      started({ filename }),
      /^Error: extensions::bearertokenauth::filename: cannot read ".*tokens": there is no such file/,
    );
    await writeFile(filename, "\n one # the first\r\ntwo\t// another\n\n");
    const log = new WaitedLog();
    const extension = await started({ token: "ignored", filename }, log);
    assert.deepEqual(log.lines, ["There is both a file and a token in the configuration: token is ignored"]);
    for (const token of ["one", "two"]) assert.equal(refusal(extension, `Bearer ${token}`), undefined);
    for (const token of ["ignored", "#", ""]) assert.equal(refusal(extension, `Bearer ${token}`), WRONG);
    await writeFile(filename, "");
    await log.line(/last value stays in use: ".*tokens" is empty/);
    assert.equal(refusal(extension, "Bearer one"), undefined);
    await writeFile(filename, "three");
    await log.line(/has changed/);
    assert.equal(refusal(extension, "Bearer one"), WRONG);
    assert.equal(refusal(extension, "Bearer three"), undefined);
    assert.deepEqual(extension.clientAuthenticator?.headers(), { authorization: "Bearer three" });
    await extension.shutdown();
  });
});
