// `npm run build`: what is published. Strips the types of packages/*/src to dist/*.js and writes the declarations beside.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync } from "node:fs";

for (const folder of ["packages/otelwasm", "packages/sdk"]) {
  const project = `${folder}/tsconfig.build.json`;
  if (!existsSync(project)) throw new Error(`${project} is missing`);
  rmSync(`${folder}/dist`, { recursive: true, force: true });
  const tsc = spawnSync("tsc", ["-p", project], { stdio: "inherit", shell: process.platform === "win32" });
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
  // npm packs a package's own licence, not the repository's.
  copyFileSync("LICENSE", `${folder}/LICENSE`);
  console.log(`${folder}/dist written`);
}
