/** A process of its own with a store: `child.ts <what> <directory>`. What it says is lines on its standard output. */
import { writeSync } from "node:fs";
import { bytesOf, keyOf, OWNER, open } from "./leases.ts";

const [what, directory = ""] = process.argv.slice(2);

/** At once, not when the event loop comes to it: what is said is true when it is read. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

try {
  const { store } = await open(directory);
  const client = await store.open(OWNER);
  say("open");
  if (what === "hold") setInterval(() => {}, 60_000);
  if (what === "write") {
    // From where the one before was killed; a few at a time, each a different number of bytes, and some deleted again.
    let n = 0;
    for (let after = ""; ; ) {
      const page = await client.list(after, 1000);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.key;
      n = Number(after) + 1;
    }
    const writer = async () => {
      for (;;) {
        const mine = n++;
        await client.batch([{ type: "set", key: keyOf(mine), value: bytesOf(mine, 100 + ((mine * 7919) % 20_000)) }]);
        say(`set ${mine}`);
        if (mine % 3 !== 0) continue;
        say(`deleting ${mine}`);
        await client.batch([{ type: "delete", key: keyOf(mine) }]);
        say(`deleted ${mine}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, writer));
  }
  if (what === "fill") {
    // Until there is no room; then it says whether what is there can be deleted, and whether there is room then.
    let n = 0;
    try {
      for (; n < 10_000; n++) await client.batch([{ type: "set", key: keyOf(n), value: bytesOf(n, 20_000) }]);
    } catch (error) {
      say(`${n} kept, then ${code(error)}`);
    }
    say(`${(await client.list("", 10_000)).length} listed`);
    for (let deleted = 0; deleted < n; deleted++) await client.batch([{ type: "delete", key: keyOf(deleted) }]);
    await client.batch([{ type: "set", key: "again", value: bytesOf(1, 20_000) }]);
    say(`again ${(await client.get("again"))?.length}`);
    await store.end();
  }
} catch (error) {
  say(`refused ${code(error)} ${error instanceof Error ? error.message : ""}`);
  process.exit(1);
}

function code(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
