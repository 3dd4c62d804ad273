/** `npm start`, as a person does it: what must be printed, what Ctrl-C does. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { callGrpc, postHttp } from "../../e2e/clients.ts";
import { everyField } from "../../e2e/payload.ts";
import { type Program, runProgram } from "../../e2e/process.ts";
import { curlCommand } from "./banner.ts";
import { CARD_NUMBER, CUSTOMER_EMAIL } from "./shop.ts";

const anyPorts = { QUICKSTART_GRPC_ENDPOINT: "127.0.0.1:0", QUICKSTART_HTTP_ENDPOINT: "127.0.0.1:0" };
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The curl command in a text, taken apart as a shell would do it. */
function findCurl(text: string): { url: URL; contentType: string; body: string } {
  const match = /curl -i (\S+) -H 'content-type: ([^']+)' -d '([^']+)'/.exec(text);
  assert.ok(match, text);
  return { url: new URL(match[1]!), contentType: match[2]!, body: match[3]! };
}

async function started(program: Program): Promise<void> {
  await program.waitFor(/Ctrl-C drains and stops/);
}

test("a changed span, metric and log are printed; the curl command works; Ctrl-C ends with 0", async () => {
  await using program = runProgram(["examples/quickstart/start.ts"], { env: anyPorts });
  await started(program);
  const [, grpcUrl, httpUrl] = await program.waitFor(/gRPC on (http:\S+), HTTP on (http:\S+)/);
  assert.ok(grpcUrl !== undefined && httpUrl !== undefined);

  assert.match(program.output, /POST \/orders/, "the span");
  assert.match(program.output, /shop\.orders/, "the metric");
  assert.match(program.output, /order 1 taken/, "the log");
  const printed = program.output.slice(0, program.output.indexOf("Above:"));
  assert.ok((printed.match(/deployment\.environment: Str\(quickstart\)/g) ?? []).length >= 3, printed);
  assert.ok((printed.match(new RegExp(hash(CUSTOMER_EMAIL), "g")) ?? []).length >= 3, printed);
  assert.ok(!printed.includes(CUSTOMER_EMAIL) && !printed.includes(CARD_NUMBER) && !printed.includes("card_number"));

  const { url, contentType, body } = findCurl(program.output);
  assert.equal(
    (await postHttp({ httpUrl: url.origin }, "logs", body, { contentType, path: url.pathname })).status,
    200,
  );
  const [, email] = await program.waitFor(/Body: Str\(hello from curl\)\s+Attributes:\s+-> user\.email: Str\((\w+)\)/);
  assert.equal(email, hash("grace@example.com"));
  assert.equal((await callGrpc({ grpcUrl }, "traces", everyField("traces", { unknownFields: false }))).code, 0);
  assert.equal(new URL(httpUrl).origin, url.origin);

  program.child.kill("SIGINT");
  assert.equal(await program.exit, 0, program.output);
  assert.match(program.output, /Stopped\.\s*$/);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} for \`node scripts/run.mjs\` and all that it started: drained, exit code 0`, async () => {
    await using program = runProgram(["scripts/run.mjs", "examples/quickstart/start.ts"], {
      env: anyPorts,
      group: true,
    });
    await started(program);
    process.kill(-program.child.pid!, signal);
    assert.equal(await program.exit, 0, program.output);
    assert.match(program.output, /Stopped\.\s*$/);
  });
}

test("ports in use: says which, and how to choose others", async () => {
  await using server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const taken = `127.0.0.1:${address.port}`;
  await using program = runProgram(["examples/quickstart/start.ts"], {
    env: { ...anyPorts, QUICKSTART_HTTP_ENDPOINT: taken },
  });
  assert.equal(await program.exit, 1, program.output);
  assert.ok(program.output.includes(taken), program.output);
  assert.match(program.output, /QUICKSTART_GRPC_ENDPOINT=/);
  assert.doesNotMatch(program.output, /\n\s+at /, "no stack trace");
});

test("the README shows the curl command that is printed", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(`\n${curlCommand("http://localhost:4318")}\n`));
});
