// Writes package-lock.json anew and takes the registry's addresses out of it: whoever installs
// chooses the registry, and the integrity hashes still pin every package's content.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";

rmSync("package-lock.json", { force: true });
rmSync("node_modules", { recursive: true, force: true });
const npm = spawnSync("npm", ["install", "--package-lock-only", "--loglevel=error"], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
if (npm.status !== 0) process.exit(npm.status ?? 1);
const lock = readFileSync("package-lock.json", "utf8");
writeFileSync("package-lock.json", lock.replace(/^\s*"resolved": "https?:.*\n/gm, ""));
