#!/usr/bin/env node
// In a checkout the sources run as they are (Node strips the types); the published package carries dist/ only.
import { existsSync } from "node:fs";

const source = new URL("../src/cli/main.ts", import.meta.url);
const fromSource = existsSync(source);
// npm only warns when `engines` does not fit; what follows then is an import that fails.
const needed = fromSource ? [24, 12] : [22, 15];
const [major, minor] = process.versions.node.split(".").map(Number);
if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  await import(fromSource ? source.href : new URL("../dist/cli/main.js", import.meta.url).href);
} else {
  const here = fromSource ? " in a checkout; `npx otelwasm` takes the one that is pinned here" : "";
  console.error(`otelwasm needs Node.js ${needed.join(".")} or newer${here}; this is ${process.version}`);
  process.exitCode = 1;
}
