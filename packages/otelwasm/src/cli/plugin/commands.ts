import { type Command, InvalidArgumentError, Option } from "commander";
import { SIGNALS } from "../../telemetry/batch.ts";
import { repeated } from "../repeated.ts";

/** `otelwasm plugin ...`: one file for each subcommand, read when it runs. */
export function addPluginCommands(program: Command): void {
  const plugin = program.command("plugin").description("make plugins, look at them, and try them");

  plugin
    .command("new")
    .argument("<name>", "the plugin's name, and its folder's", pluginName)
    .description("make a folder with a plugin that builds and passes its test")
    .addOption(new Option("--signal <signal>", "what it takes").choices(SIGNALS).default("logs"))
    .addOption(new Option("--kind <kind>", "what it is in a pipeline").choices(KINDS).default("processor"))
    .action(async (name: string, options: import("./new.ts").NewOptions) => {
      const { newPlugin } = await import("./new.ts");
      newPlugin(name, options);
    });

  plugin
    .command("build")
    .argument("[place]", "the plugin's folder (its entry is assembly/index.ts), or the entry file", ".")
    .description("compile a plugin, and check that it is one")
    .option("-o, --output <file>", "the module (default: build/NAME.wasm in the plugin's folder)")
    .action(async (place: string, options: import("./build.ts").BuildCommandOptions) => {
      const { build } = await import("./build.ts");
      await build(place, options);
    });

  plugin
    .command("inspect <file>")
    .description(
      "what a module is: ABI, roles, signals, imports, exports, memory, and why it cannot be used if it cannot",
    )
    .option("--json", "print it as JSON")
    .action(async (file: string, options: { json?: boolean }) => {
      const { inspect } = await import("./inspect.ts");
      process.exitCode = inspect(file, options);
    });

  const run = plugin
    .command("run <file>")
    .description("push one batch through a plugin, or start a receiver, and print what comes out, as OTLP JSON")
    .addOption(new Option("--signal <signal>", "what the batch is").choices(SIGNALS).makeOptionMandatory())
    .addOption(
      new Option(
        "--kind <kind>",
        "what to run it as (default: a processor; a receiver if it is one and there is no --input)",
      ).choices(KINDS),
    )
    .option(
      "--input <file>",
      "the batch: OTLP JSON, or protobuf if the name ends with .pb; - is JSON from standard input; not for a receiver",
    )
    .option("--batches <count>", "stop a receiver after so many batches", count, 1)
    .option("--config <json>", "the plugin's configuration (plugin_config): JSON, or @FILE of JSON or YAML")
    .option("--runtime <type>", "the engine to run it on")
    .action(async (file: string, options: import("./run.ts").RunOptions) => {
      const { run } = await import("./run.ts");
      await run(file, options);
    });
  addGrantOptions(run);
}

/** What the keys `env`, `args`, `files` and `network` grant in a collector. */
function addGrantOptions(command: Command): void {
  for (const [flags, description] of [
    ["--env <name[=value]>", "a variable that the plugin has; without a value, the one that it has here"],
    ["--arg <text>", "an argument of the plugin's"],
    ["--dir <host[:guest][:rw]>", "a directory that it may read, and where it finds it; with :rw, may write, too"],
    ["--listen <host:port>", "where its sockets may listen"],
    ["--connect <host:port>", "where its sockets may connect to"],
    ["--resolve <name>", "a name that it may resolve; those of --connect it may anyway"],
  ] as const)
    command.addOption(new Option(flags, `${description}; may be repeated`).argParser(repeated));
}

const KINDS = ["receiver", "processor", "exporter"] as const;

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A whole number above 0.");
}

/** A name that npm, a file system and a class can have. */
function pluginName(name: string): string {
  if (name.length <= 64 && /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) && name !== "otelwasm") return name;
  throw new InvalidArgumentError(
    'Small letters, digits and single hyphens, a letter first, at most 64, and not "otelwasm": such as "drop-noise".',
  );
}
