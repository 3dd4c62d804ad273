/** Nothing is acknowledged before the destination has it, and what it says reaches the client. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { callGrpc, gzipped, postHttp, sendWithSdk } from "./clients.ts";
import { OUTPUTS, type Running, startCollector, throughConfig } from "./collector.ts";
import { compileGuest } from "./guests.ts";
import { everyField } from "./payload.ts";
import { decode, decodeStatus, parseStatusJson, responseType, SIGNALS } from "./proto.ts";
import { type Answer, gate, type Sink, startSink } from "./sink.ts";
import { makeTelemetry } from "./telemetry.ts";

const logs = everyField("logs", { unknownFields: false });

/** What the sink answers, and what the two kinds of clients must see. */
const FAILURES: {
  name: string;
  answer: Extract<Answer, { kind: "fail" }>;
  code: number;
  httpStatus: number;
  retryMs?: number;
}[] = [
  {
    name: "permanent",
    answer: { kind: "fail", code: 3, httpStatus: 400, message: "bad data" },
    code: 3,
    httpStatus: 400,
  },
  {
    name: "not allowed",
    answer: { kind: "fail", code: 7, httpStatus: 403, message: "no access" },
    code: 7,
    httpStatus: 403,
  },
  {
    name: "not known who",
    answer: { kind: "fail", code: 16, httpStatus: 401, message: "who are you" },
    code: 16,
    httpStatus: 401,
  },
  {
    name: "retryable",
    answer: { kind: "fail", code: 14, httpStatus: 503, message: "busy" },
    code: 14,
    httpStatus: 503,
  },
  {
    name: "retryable with a delay",
    answer: { kind: "fail", code: 14, httpStatus: 503, message: "busy", retryAfterMs: 7000 },
    code: 14,
    httpStatus: 503,
    retryMs: 7000,
  },
  {
    name: "throttled with a delay",
    answer: { kind: "fail", code: 8, httpStatus: 429, message: "slow down", retryAfterMs: 4000 },
    code: 8,
    httpStatus: 429,
    retryMs: 4000,
  },
];

/** A client that tries again, as it is told to: gRPC connects anew only after its back-off, of about a second. */
async function retryUntilTaken(target: Running): Promise<void> {
  const giveUp = AbortSignal.timeout(15_000);
  for (;;) {
    const { status } = await postHttp(target, "logs", logs);
    if (status === 200) return;
    assert.equal(status, 503);
    await setTimeout(50, undefined, { signal: giveUp });
  }
}

for (const output of OUTPUTS) {
  describe(`failures of the destination through ${output}`, () => {
    let sink: Sink;
    let collector: Running;
    before(async () => {
      sink = await startSink();
      collector = await startCollector(
        throughConfig(output, sink, { wasm: { path: await compileGuest("lifecycle") } }),
      );
    });
    beforeEach(() => sink.clear());
    after(async () => {
      await collector?.shutdown();
      await sink?.close();
    });

    for (const { name, answer, code, httpStatus, retryMs } of FAILURES) {
      test(`${name}: gRPC ${code}, HTTP ${httpStatus}`, async () => {
        sink.respond = () => answer;
        const overGrpc = await callGrpc(collector, "logs", logs);
        assert.equal(overGrpc.code, code);
        assert.match(overGrpc.message, new RegExp(answer.message));
        assert.equal(overGrpc.details?.retryDelayMs, retryMs);

        const overHttp = await postHttp(collector, "logs", logs);
        assert.equal(overHttp.status, httpStatus);
        assert.equal(overHttp.headers["content-type"], "application/x-protobuf");
        assert.equal(overHttp.headers["retry-after"], retryMs === undefined ? undefined : String(retryMs / 1000));
        const status = decodeStatus(overHttp.body);
        assert.equal(status.code, code);
        assert.match(status.message, new RegExp(answer.message));

        const asJson = await postHttp(collector, "logs", '{"resourceLogs":[{}]}', { contentType: "application/json" });
        assert.equal(asJson.status, httpStatus);
        assert.equal(asJson.headers["content-type"], "application/json");
        assert.equal(parseStatusJson(asJson.body.toString()).code, code);
        assert.equal(sink.requests.length, 3, "each request was tried once");

        sink.clear();
        assert.equal((await callGrpc(collector, "logs", logs)).code, 0, "and the next one passes");
        assert.equal((await postHttp(collector, "logs", logs)).status, 200);
      });
    }

    test("the SDK's exporters see the refusal", async () => {
      sink.respond = () => ({ kind: "fail", code: 3, httpStatus: 400, message: "bad data" });
      const telemetry = await makeTelemetry();
      await assert.rejects(sendWithSdk(telemetry, "traces", collector, { protocol: "grpc" }), { code: 3 });
      await assert.rejects(sendWithSdk(telemetry, "logs", collector, { protocol: "http/json" }), { code: 400 });
    });

    test("a partial success is not tried again", async () => {
      sink.respond = () => ({ kind: "partial", rejected: 1, message: "one too old" });
      const answer = await callGrpc(collector, "logs", logs);
      assert.equal(answer.code, 0);
      assert.ok(decode(responseType.logs, answer.response!));
      assert.equal((await postHttp(collector, "logs", logs)).status, 200);
      assert.equal(sink.requests.length, 2);
    });

    test("a destination that does not answer in time is a retryable failure", async () => {
      const held = gate();
      sink.respond = () => held.answer;
      await using impatient = await startCollector(throughConfig(output, sink, {}, { exporter: { timeout: "100ms" } }));
      const answer = await callGrpc(impatient, "logs", logs);
      assert.equal(answer.code, 4, answer.message);
      assert.equal((await postHttp(impatient, "logs", logs)).status, 503);
      held.open();
    });

    test("a destination that is not there is a retryable failure that names it; when it is back, data flows", async () => {
      const gone = await startSink();
      await gone.close();
      await using lonely = await startCollector(throughConfig(output, gone));
      const overGrpc = await callGrpc(lonely, "logs", logs);
      assert.equal(overGrpc.code, 14);
      const address = new URL(output === "otlp_grpc" ? gone.grpcUrl : gone.httpUrl).host;
      assert.ok(overGrpc.message.includes(address), overGrpc.message);
      assert.equal((await postHttp(lonely, "logs", logs)).status, 503);
      await using back = await startSink({ grpcUrl: gone.grpcUrl, httpUrl: gone.httpUrl });
      await retryUntilTaken(lonely);
      assert.equal(back.requests.length, 1);
    });

    for (const protocol of ["grpc", "http"] as const) {
      test(`over ${protocol}, a client waits until the sink has answered`, async () => {
        const held = gate();
        sink.respond = () => held.answer;
        let answered = false;
        const request = (
          protocol === "grpc"
            ? callGrpc(collector, "logs", logs).then(({ code }) => code === 0)
            : postHttp(collector, "logs", logs).then(({ status }) => status === 200)
        ).then((success) => {
          answered = true;
          return success;
        });
        await sink.waitForRequests(1);
        // A whole other request goes through while this one waits: had the first been answered too early, it would be known by now.
        sink.respond = () => ({ kind: "accept" });
        assert.equal((await postHttp(collector, "traces", everyField("traces", { unknownFields: false }))).status, 200);
        assert.equal(answered, false);
        held.open();
        assert.equal(await request, true);
      });
    }
  });
}

describe("requests that are not OTLP", () => {
  let sink: Sink;
  let collector: Running;
  before(async () => {
    sink = await startSink();
    collector = await startCollector(throughConfig("otlp_http", sink));
  });
  beforeEach(() => sink.clear());
  after(async () => {
    await collector?.shutdown();
    await sink?.close();
  });

  for (const signal of SIGNALS) {
    const good = everyField(signal, { unknownFields: true });
    const broken = {
      truncated: good.subarray(0, good.length - 1),
      "cut in the middle": good.subarray(0, good.length >> 1),
      "text in place of protobuf": Buffer.from("<html>not telemetry</html>"),
      // Field 1 is a Resource* message here, of two bytes: field 1 (a resource) that claims to be longer than it is.
      "broken inside of a message": Buffer.from([0x0a, 0x02, 0x0a, 0x05]),
      "wire type 7": Buffer.from([0x0f]),
    };
    for (const [name, bytes] of Object.entries(broken)) {
      test(`${signal}, ${name}: refused, and a good one passes after it`, async () => {
        const overGrpc = await callGrpc(collector, signal, bytes);
        assert.equal(overGrpc.code, 3, overGrpc.message);
        assert.notEqual(overGrpc.message, "");
        const overHttp = await postHttp(collector, signal, bytes);
        assert.equal(overHttp.status, 400);
        assert.equal(decodeStatus(overHttp.body).code, 3);
        assert.equal(sink.requests.length, 0);
        assert.equal((await callGrpc(collector, signal, good)).code, 0);
        assert.equal((await postHttp(collector, signal, good)).status, 200);
        assert.equal(sink.requests.length, 2);
      });
    }

    test(`${signal}, broken JSON: refused in JSON`, async () => {
      for (const text of ["{", "[]", '"x"', '{"resourceSpans": 1, "resourceLogs": 1, "resourceMetrics": 1}']) {
        const answer = await postHttp(collector, signal, text, { contentType: "application/json" });
        assert.equal(answer.status, 400, text);
        assert.equal(parseStatusJson(answer.body.toString()).code, 3);
      }
      assert.equal(sink.requests.length, 0);
    });
  }

  test("wrong method, path, content type and compression", async () => {
    const status = async (body: Uint8Array | string, options: Parameters<typeof postHttp>[3]): Promise<number> =>
      (await postHttp(collector, "logs", body, options)).status;
    assert.equal(await status("", { method: "GET" }), 405);
    assert.equal(await status(logs, { contentType: "text/plain" }), 415);
    assert.equal(await status(logs, { path: "/v1/nothing" }), 404);
    assert.equal(await status(logs, { contentEncoding: "gzip" }), 400);
    assert.equal(await status(gzipped(logs).subarray(0, 40), { contentEncoding: "gzip" }), 400);
    assert.equal(sink.requests.length, 0);
  });

  test("larger than the limits: RESOURCE_EXHAUSTED and 413, and a good one passes after it", async () => {
    const large = Buffer.concat(Array.from({ length: Math.ceil((20 * 2 ** 20 + 1) / logs.length) }, () => logs));
    for (const gzip of [false, true]) {
      const answer = await callGrpc(collector, "logs", large, { gzip });
      assert.equal(answer.code, 8, answer.message);
      assert.notEqual(answer.message, "");
    }
    assert.equal((await postHttp(collector, "logs", large)).status, 413);
    assert.equal((await postHttp(collector, "logs", gzipped(large), { contentEncoding: "gzip" })).status, 413);
    assert.equal(sink.requests.length, 0);
    assert.equal((await callGrpc(collector, "logs", logs)).code, 0);
    assert.equal((await postHttp(collector, "logs", logs)).status, 200);
  });

  test("a gRPC method that is not OTLP's: UNIMPLEMENTED", async () => {
    const { code, message } = await callGrpc(collector, "logs", logs, { path: "/no.such.Service/Export" });
    assert.equal(code, 12, message);
    assert.match(message, /no\.such\.Service/);
  });
});

describe("failures of a plugin", () => {
  let sink: Sink;
  let collector: Running;
  before(async () => {
    sink = await startSink();
    collector = await startCollector(
      throughConfig("otlp_grpc", sink, { wasm: { path: await compileGuest("faulty") } }),
    );
  });
  after(async () => {
    await collector?.shutdown();
    await sink?.close();
  });

  test("its status reason reaches the client", async () => {
    const bytes = everyField("traces", { unknownFields: false });
    const overGrpc = await callGrpc(collector, "traces", bytes);
    assert.equal(overGrpc.code, 14, "retryable: the guest did not say that the input is at fault");
    assert.match(overGrpc.message, /no traces today/);
    const overHttp = await postHttp(collector, "traces", bytes);
    assert.equal(overHttp.status, 503);
    assert.match(decodeStatus(overHttp.body).message, /no traces today/);
    assert.equal(sink.requests.length, 0);
  });

  test("a trap costs that request only: other signals go on", async () => {
    const metrics = await callGrpc(collector, "metrics", everyField("metrics", { unknownFields: false }));
    assert.equal(metrics.code, 14);
    assert.match(metrics.message, /unreachable/);
    assert.equal((await callGrpc(collector, "logs", logs)).code, 0);
  });

  test("an empty result drops the batch, and the client has its success", async () => {
    sink.clear();
    assert.equal((await postHttp(collector, "logs", logs)).status, 200);
    assert.equal(
      sink.requests.reduce((n, request) => n + request.items, 0),
      0,
    );
  });
});
