/** Programs that send with OpenTelemetry's SDKs of other languages: how each is built, and run. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ToolchainName, toolchain } from "../../conformance/toolchains.ts";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL("./", import.meta.url));
const BUILD = fileURLToPath(new URL("../../build/sdks/", import.meta.url));

export type SdkLanguage = Extract<ToolchainName, "python" | "go">;
export const SDK_LANGUAGES: readonly SdkLanguage[] = ["python", "go"];

/** What it printed, and whether it ended with 0. */
interface Sent {
  readonly delivered: boolean;
  readonly output: string;
}

export interface SdkProgram {
  /**
   * Sends three spans, a metric and two log records, each marked with `run`.
   *
   * @param env the SDK's own settings: `OTEL_EXPORTER_OTLP_*`
   */
  send(protocol: "grpc" | "http", run: string, env: Readonly<Record<string, string>>): Promise<Sent>;
}

/** The start of a command: a program, its first arguments, and the folder for its product. */
type Builder = (folder: string) => Promise<readonly [program: string, ...args: string[]]>;

const BUILDERS: Readonly<Record<SdkLanguage, Builder>> = {
  async python(folder) {
    const python = join(folder, "bin/python");
    const ready = join(folder, "ready");
    if (!existsSync(ready)) {
      // One that was begun and not finished is worth nothing.
      rmSync(folder, { recursive: true, force: true });
      await run("python3", ["-m", "venv", folder]);
      const requirements = join(HERE, "python/requirements.txt");
      await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
      writeFileSync(ready, "");
    }
    return [python, join(HERE, "python/send.py")];
  },
  async go(folder) {
    const program = join(folder, "send");
    if (!existsSync(program))
      await run("go", ["build", "-trimpath", "-buildvcs=false", "-o", program, "."], { cwd: join(HERE, "go") });
    return [program];
  },
};

/** Built at its first use: minutes with an empty cache, as both fetch their SDK from their registry. */
export async function sdkProgram(language: SdkLanguage): Promise<SdkProgram> {
  const found = toolchain(language);
  if ("missing" in found) throw new Error(found.missing);
  const hash = createHash("sha256").update(found.version);
  for (const file of globSync(`${language}/*`, { cwd: HERE }).sort()) hash.update(readFileSync(join(HERE, file)));
  const [program, ...args] = await BUILDERS[language](join(BUILD, `${language}-${hash.digest("hex").slice(0, 16)}`));
  return {
    async send(protocol, mark, env) {
      // Without the settings of whoever runs the tests: proxies, and certificates that Python's client prefers to those that it is given.
      const theirs = /^OTEL_|_proxy$|_CA_BUNDLE$|^SSL_CERT_/i;
      const settings = Object.entries(process.env).filter(([name]) => !theirs.test(name));
      const options = { env: { ...Object.fromEntries(settings), ...env }, timeout: 120_000 };
      try {
        const { stdout, stderr } = await run(program, [...args, protocol, mark], options);
        return { delivered: true, output: stdout + stderr };
      } catch (error) {
        const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
        return { delivered: false, output: `${stdout}${stderr}` || String(error) };
      }
    },
  };
}
