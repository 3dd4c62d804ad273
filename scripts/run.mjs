// `node scripts/run.mjs FILE.ts [ARG ...]`: runs a file of this repository with the pinned Node, after installing what
// the lock file names if that has not happened yet. Plain JavaScript for Node 20: this file runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";

/** Installs when the lock file is not the one that was installed last. */
function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".otelwasm-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("Installing dependencies (once, about half a minute) ...");
  const npm = spawnSync("npm", ["ci", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: windows,
  });
  if (npm.status !== 0) {
    console.error("`npm ci` failed: see its message above. Is a package registry reachable?");
    process.exit(npm.status ?? 1);
  }
  writeFileSync(stamp, lock);
}

/** The Node that the platform's package carries; the running one where none exists for this platform and it is new enough. */
function pinnedNode() {
  const pinned = join(root, "node_modules", ".bin", windows ? "node.cmd" : "node");
  const works = existsSync(pinned) && spawnSync(pinned, ["--version"], { shell: windows }).status === 0;
  if (works) return pinned;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 24 || (major === 24 && minor >= 12)) return process.execPath;
  console.error(
    `No pinned Node.js runs on ${process.platform}-${process.arch}, and this one (${process.version}) is too old to run TypeScript: install Node.js 24.12 or newer.`,
  );
  process.exit(1);
}

install();
const node = pinnedNode();
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/run.mjs FILE.ts [ARG ...]");
  process.exit(2);
}
const env = { ...process.env, PATH: join(root, "node_modules", ".bin") + delimiter + process.env.PATH };
const child = spawn(node, ["--conditions=otelwasm-source", join(root, file), ...args], {
  stdio: "inherit",
  env,
  shell: windows,
});
// A terminal sends Ctrl-C to the child as well: this process only stays to pass its exit code on.
process.on("SIGINT", () => {});
// Whoever ends a whole group has told the child, too: it gets a moment to end by itself, because a second SIGTERM would
// kill it where it is just leaving.
process.on("SIGTERM", () => setTimeout(() => child.kill("SIGTERM"), 200));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
