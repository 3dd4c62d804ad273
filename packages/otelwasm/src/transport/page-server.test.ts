import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { describe, test } from "node:test";
import { type Page, PageServer } from "./page-server.ts";

const ANYWHERE = { host: "127.0.0.1", port: 0 };
const PAGE: Page = { status: 203, contentType: "text/x-test", body: "größe" };

describe("a page", () => {
  test("is answered to GET and HEAD, with any query", async () => {
    const server = new PageServer("/page", () => PAGE);
    const url = await server.listen(ANYWHERE);
    for (const method of ["GET", "HEAD"]) {
      const answer = await fetch(`${url}?a=b`, { method });
      assert.equal(answer.status, 203);
      assert.equal(answer.headers.get("content-type"), "text/x-test");
      assert.equal(answer.headers.get("content-length"), "7");
      assert.equal(await answer.text(), method === "GET" ? "größe" : "");
    }
    await server.close();
  });

  test("is not elsewhere, and takes nothing", async () => {
    const server = new PageServer("/page", () => PAGE);
    const url = await server.listen(ANYWHERE);
    assert.equal((await fetch(new URL("/", url))).status, 404);
    assert.equal((await fetch(`${url}/more`)).status, 404);
    const answer = await fetch(url, { method: "POST", body: "x" });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"]);
    await server.close();
  });

  test("that cannot be made is a 500 that says why", async () => {
    const server = new PageServer("/", () => Promise.reject(new Error("no ink")));
    const answer = await fetch(await server.listen(ANYWHERE));
    assert.deepEqual([answer.status, await answer.text()], [500, "no ink\n"]);
    await server.close();
  });

  test("that is being made when the server closes is answered; who has asked nothing is cut off", async () => {
    const asked = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<Page>();
    const server = new PageServer("/", () => {
      asked.resolve();
      return ready.promise;
    });
    const url = await server.listen(ANYWHERE);
    const idle = createConnection(Number(new URL(url).port), "127.0.0.1");
    await once(idle, "connect");
    const cut = once(idle, "close");
    const answer = fetch(url);
    await asked.promise;
    const closed = server.close();
    ready.resolve(PAGE);
    assert.equal((await answer).status, 203);
    await Promise.all([closed, cut]);
    await assert.rejects(fetch(url));
  });

  test("an address that is taken is an error that names it; closing what never listened is nothing", async () => {
    const server = new PageServer("/", () => PAGE);
    const taken = Number(new URL(await server.listen(ANYWHERE)).port);
    const second = new PageServer("/", () => PAGE);
    await assert.rejects(second.listen({ ...ANYWHERE, port: taken }), (error: Error) => {
      assert.match(error.message, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${taken}: the address is in use`));
      return true;
    });
    await second.close();
    await server.close();
  });
});
