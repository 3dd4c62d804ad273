/**
 * The READMEs' code blocks, run in their order as a reader would. A block with a file name after its language is that file; `sh` blocks
 * are run by sh, each in the folder that the one before has left. A collector is started on free ports, and stopped when it is ready.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { needs } from "../conformance/needs.ts";
import { type ToolchainName, toolchain } from "../conformance/toolchains.ts";

const ROOT = resolve(fileURLToPath(new URL("..", import.meta.url)));
const OTELWASM = join(ROOT, "packages/otelwasm/bin/otelwasm.js");

interface Block {
  readonly line: number;
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

function blocksOf(readme: string): Block[] {
  const markdown = readFileSync(join(ROOT, readme), "utf8");
  return [...markdown.matchAll(/^```(\w*)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map((match) => ({
    line: markdown.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    file: match[2],
    text: match[3] ?? "",
  }));
}

/** The variables of the runner of this test would change what a test that a README runs prints. npm must find the command here. */
const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
const ENV: Record<string, string | undefined> = {
  ...inherited,
  PATH: join(ROOT, "node_modules/.bin") + delimiter + process.env.PATH,
  npm_config_offline: "true",
  npm_config_yes: "false",
};

/** What a README's commands need besides Node.js, by their first words. */
const COMMANDS: readonly [RegExp, ToolchainName][] = [
  [/\bgo build\b/, "go"],
  [/\bcargo\b/, "rust"],
];

function toolchainsOf(text: string): ToolchainName[] {
  return COMMANDS.filter(([command]) => command.test(text)).map(([, name]) => name);
}

/** What they have in their environment: what is special about this machine's toolchains. */
function environmentFor(text: string): Record<string, string | undefined> {
  const env = { ...ENV };
  for (const name of toolchainsOf(text)) {
    const found = toolchain(name);
    if ("missing" in found) continue;
    Object.assign(env, found.env);
    if (found.env.PATH !== undefined) env.PATH = join(ROOT, "node_modules/.bin") + delimiter + found.env.PATH;
  }
  return env;
}

/** @returns what it printed, and what it wrote to descriptor 3 */
function run(command: string, args: readonly string[], cwd: string, env = ENV): { printed: string; aside: string } {
  const { status, output } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [, stdout, stderr, aside] = output ?? [];
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return { printed: `${stdout}${stderr}`, aside: aside ?? "" };
}

/** `npx otelwasm --config FILE`: until it is ready, then Ctrl-C. */
async function serve(config: string, cwd: string): Promise<void> {
  const ports = [
    ...["grpc", "http"].map((protocol) => `receivers.otlp.protocols.${protocol}.endpoint=127.0.0.1:0`),
    "extensions.health_check.endpoint=127.0.0.1:0",
    "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]",
  ].flatMap((setting) => ["--set", setting]);
  const child = spawn(process.execPath, [OTELWASM, "--config", config, ...ports], { cwd, env: ENV });
  let log = "";
  child.stdout.resume();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (!log.includes("Everything is ready") && (log + text).includes("Everything is ready")) child.kill("SIGINT");
    log += text;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, log);
  assert.match(log, /Everything is ready[\s\S]*Shutdown complete/);
}

/** In the repository's folder: what `.ci/run` runs, and what the quickstart's own test does. The packages are there, installed or not; so is a toolchain. */
const RUN_ELSEWHERE = [
  /^npm (start|test)$/,
  /^npm install otelwasm /,
  /^rustup /,
  /^(curl|QUICKSTART_\w+=.* npm start)/,
];
const SERVE = /^npx otelwasm --config (\S+)$/;

/** One README's way through its blocks. */
class Reader {
  readonly #start: string;
  cwd: string;
  output = "";

  constructor(cwd: string) {
    this.#start = cwd;
    this.cwd = cwd;
  }

  async shell(text: string): Promise<void> {
    const lines = text
      .split("\n")
      .map((line) => line.replace(/(^|\s)#.*/, "").trim())
      .filter((line) => line !== "");
    for (const line of lines) {
      // In a plugin's folder, npm runs the plugin's scripts.
      if (this.cwd === this.#start && RUN_ELSEWHERE.some((command) => command.test(line))) continue;
      const config = SERVE.exec(line)?.[1];
      if (config !== undefined) {
        await serve(config, this.cwd);
        continue;
      }
      // npx is npm exec by another name, and the tests ask for npm alone.
      const command = line.replace(/^npx /, "npm exec -- ");
      const { printed, aside } = run("sh", ["-e", "-c", `${command}\npwd >&3`], this.cwd, environmentFor(line));
      this.cwd = aside.trim();
      this.output += printed;
    }
  }

  /** @param made whether a command before has made this file, and the README only shows it */
  file(name: string, text: string, made: boolean): void {
    const path = join(this.cwd, name);
    if (made) {
      assert.equal(text, readFileSync(path, "utf8"), `${name} as the README shows it, and as it was made`);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    if (name.endsWith(".yaml")) run(process.execPath, [OTELWASM, "validate", "--config", name], this.cwd);
    else if (text.includes('"@otelwasm/sdk"'))
      run(process.execPath, [OTELWASM, "plugin", "build", name, "-o", "built.wasm"], this.cwd);
    else if (name.endsWith(".ts") && !name.includes("/") && !name.endsWith(".test.ts"))
      this.output += run("node", ["--conditions=otelwasm-source", name], this.cwd).printed;
  }
}

async function follow(t: TestContext, readme: string, cwd: string, made: readonly string[] = []): Promise<Reader> {
  const reader = new Reader(cwd);
  for (const { line, language, file, text } of blocksOf(readme)) {
    if (file !== undefined) await t.test(`line ${line}: ${file}`, () => reader.file(file, text, made.includes(file)));
    else if (language === "sh")
      await t.test(`line ${line}: ${text.split("\n")[0]}`, needs(...toolchainsOf(text)), () => reader.shell(text));
  }
  return reader;
}

let scratch = "";
before(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  scratch = mkdtempSync(join(ROOT, "build", "readme-"));
});
after(() => rmSync(scratch, { recursive: true }));

test("README.md", async (t) => {
  const [first, second] = blocksOf("README.md");
  assert.deepEqual([first?.text, second?.text], ["npm start\n", "npm test\n"]);
  const reader = await follow(t, "README.md", scratch, ["assembly/index.ts", "config.yaml"]);
  assert.match(
    reader.output,
    /"key": "greeting", "value": \{ "stringValue": "hello" \}/,
    "plugin run shows the change",
  );
  assert.match(reader.output, /protocol: 'http'/, "the collector's endpoints");
});

test("packages/otelwasm/README.md", async (t) => {
  const reader = await follow(t, "packages/otelwasm/README.md", scratch);
  assert.match(reader.output, /name: otlp_grpc[\s\S]*The configuration is valid[\s\S]*protocol: 'http'/);
});

test("packages/sdk/README.md", async (t) => {
  const reader = await follow(t, "packages/sdk/README.md", scratch);
  assert.match(reader.output, /pass \d/, "the plugin's test has run");
});

for (const readme of globSync("examples/*/README.md", { cwd: ROOT }).sort())
  test(`${readme}, from the repository's root`, (t) => follow(t, readme, ROOT).then(() => undefined));
