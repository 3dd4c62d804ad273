import assert from "node:assert/strict";
import { test } from "node:test";
import { staleFiles } from "../tools/generate.ts";

test("the checked-in accessors are what the .proto files give: run `npm run generate` otherwise", async () => {
  assert.deepEqual(await staleFiles(), []);
});
