/**
 * Packages of one release of Debian, on a machine that has another: fetched by apt, with a state of its own, from where the machine's own packages come from; checked with the machine's keys; and unpacked
 * into a folder. Nothing is installed, and no rights are needed.
 */
import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What Debian calls a release in a source, and what of it is asked for. */
const SUITE =
  /^(?:buster|bullseye|bookworm|trixie|forky|sid|oldoldstable|oldstable|stable|testing|unstable)(-updates|-security|)$/;

const COMMANDS = ["apt-get", "apt-cache", "dpkg-deb"];

export interface Wanted {
  /** The name of the release, e.g. `trixie`. */
  readonly release: string;
  /** Debian's name of the processor, e.g. `amd64`. */
  readonly architecture: string;
  /** Whatever they depend on comes with them. */
  readonly packages: readonly string[];
  /** What the version of the first package has to begin with. */
  readonly version: string;
}

/**
 * @param into a folder that exists
 * @returns the names of the packages' files
 * @throws Error that says what is missing
 */
export async function unpackPackages(wanted: Wanted, into: string): Promise<string[]> {
  const { release, architecture, packages, version } = wanted;
  await expectCommands();
  const sources = sourcesOf(release, readSources("/etc/apt"));
  if (sources === "")
    throw new Error("apt has no source of Debian's packages (/etc/apt/sources.list, /etc/apt/sources.list.d)");
  const state = mkdtempSync(join(tmpdir(), "otelwasm-apt-"));
  try {
    // apt fetches as a user of its own.
    chmodSync(state, 0o755);
    const apt = aptWith(state, architecture, sources);
    await apt("apt-get", "update");
    const [first] = packages;
    const { stdout } = await apt("apt-cache", "policy", first!);
    const candidate = /Candidate: (\S+)/.exec(stdout)?.[1] ?? "none";
    if (!candidate.startsWith(version))
      throw new Error(`Debian's release ${release} has ${first} ${candidate}, not ${version}`);
    await apt("apt-get", "install", "--yes", "--download-only", ...packages);
    const archives = join(state, "cache/archives");
    const files = readdirSync(archives).filter((name) => name.endsWith(".deb"));
    for (const file of files) await run("dpkg-deb", ["--extract", join(archives, file), into]);
    return files;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

async function expectCommands(): Promise<void> {
  for (const command of COMMANDS)
    await run(command, ["--version"]).catch((cause: unknown) => {
      throw new Error(`${command} is missing: this is made of Debian's packages, by Debian's own tools`, { cause });
    });
}

type Apt = (command: string, ...args: string[]) => Promise<{ stdout: string }>;

/** apt's tools as if nothing was installed, and with these sources alone. What else the machine has set (a proxy, credentials, keys) stays. */
function aptWith(state: string, architecture: string, sources: string): Apt {
  for (const folder of ["lists/partial", "cache/archives/partial", "preferences.d", "sources.list.d"])
    mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, "status"), "");
  writeFileSync(join(state, "sources.list.d/debian.sources"), sources);
  const config = join(state, "apt.conf");
  const settings = {
    "APT::Architecture": architecture,
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Dir::State": state,
    "Dir::State::status": join(state, "status"),
    "Dir::Cache": join(state, "cache"),
    "Dir::Etc::sourcelist": "/dev/null",
    "Dir::Etc::sourceparts": join(state, "sources.list.d"),
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": join(state, "preferences.d"),
    // A lock of the machine's own package manager is not this one's.
    "Debug::NoLocking": "true",
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${JSON.stringify(value)};\n`)
      .join(""),
  );
  return (command, ...args) =>
    run(command, args, { env: { ...process.env, APT_CONFIG: config, LC_ALL: "C" }, maxBuffer: 1 << 26 });
}

/** What apt reads: https://manpages.debian.org/stable/apt/sources.list.5.en.html */
interface SourceFile {
  /** Whether it is of paragraphs (deb822), not of lines. */
  readonly paragraphs: boolean;
  readonly text: string;
}

function readSources(folder: string): SourceFile[] {
  const parts = join(folder, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const files = [join(folder, "sources.list"), ...names.map((name) => join(parts, name))];
  return files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .map((file) => ({ paragraphs: file.endsWith(".sources"), text: readFileSync(file, "utf8") }));
}

/** The machine's sources of Debian's packages, for another release; empty if it has none. Others are left out. */
export function sourcesOf(release: string, files: readonly SourceFile[]): string {
  const found = files.flatMap(({ paragraphs, text }) => (paragraphs ? fromParagraphs(text) : fromLines(text)));
  return found
    .flatMap((fields) => {
      const suites = suitesOf(release, fields.get("suites") ?? "");
      if (suites === "" || fields.get("enabled") === "no" || !(fields.get("types") ?? "").split(/\s+/).includes("deb"))
        return [];
      fields.set("types", "deb").set("suites", suites).set("components", "main").delete("architectures");
      return [[...fields].map(([name, value]) => `${name}: ${value}\n`).join("")];
    })
    .join("\n");
}

function suitesOf(release: string, suites: string): string {
  const mapped = suites.split(/\s+/).flatMap((suite) => {
    const part = SUITE.exec(suite)?.[1];
    return part === undefined ? [] : [release + part];
  });
  return [...new Set(mapped)].join(" ");
}

function fromParagraphs(text: string): Map<string, string>[] {
  const plain = text.replace(/^#.*\n?/gm, "");
  return plain.split(/\n\s*\n/).map((paragraph) => {
    const fields = new Map<string, string>();
    let last = "";
    for (const line of paragraph.split("\n")) {
      const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) {
        last = name.toLowerCase();
        fields.set(last, value.trim());
      } else if (/^\s+\S/.test(line)) {
        // A field that goes on, such as a key that stands there.
        fields.set(last, `${fields.get(last) ?? ""}\n${line}`);
      }
    }
    return fields;
  });
}

function fromLines(text: string): Map<string, string>[] {
  return text.split("\n").flatMap((line) => {
    const [, options = "", uris, suites] = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/.exec(line) ?? [];
    if (uris === undefined || suites === undefined) return [];
    const fields = new Map([
      ["types", "deb"],
      ["uris", uris],
      ["suites", suites],
    ]);
    for (const option of options.split(/\s+/)) {
      const [name, value] = option.split("=", 2);
      if (name === "signed-by" || name === "trusted") fields.set(name, value ?? "");
    }
    return [fields];
  });
}
