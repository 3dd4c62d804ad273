import { Command, InvalidArgumentError, Option } from "commander";
import { version } from "../service/version.ts";
import { addPluginCommands } from "./plugin/commands.ts";
import { repeated } from "./repeated.ts";
import { EXIT } from "./report.ts";

/** Where a configuration comes from, as the command line says. */
export interface ConfigOptions {
  readonly config: readonly string[];
  readonly set: readonly string[];
}

/**
 * The command line. Each command's code is in a file of its own, and read only when the command runs: `--version` must not wait for an HTTP
 * client.
 */
export function createProgram(): Command {
  const program = new Command("otelwasm")
    .description("An OpenTelemetry Collector whose receivers, processors and exporters are WebAssembly plugins")
    .usage("--config FILE [options]\n       otelwasm <command> [options]")
    .version(version(), "-v, --version", "print the version")
    .addOption(new Option("--debug", "print stack traces of errors"))
    .enablePositionalOptions()
    .allowExcessArguments()
    .exitOverride()
    .showHelpAfterError("(otelwasm --help says what there is)")
    .action(async (_options: unknown, command: Command) => {
      // Without a subcommand of that name, commander hands the word to the collector.
      if (command.args.length > 0) command.error(`error: unknown command '${command.args[0]}'`);
      const { runCollector } = await import("./run.ts");
      const code = await runCollector(configOptions(command), command.opts<{ debug?: boolean }>().debug ?? false);
      // Whatever a component has left behind does not keep a collector that was shut down.
      process.exit(code);
    });
  addConfigOptions(program);
  program.hook("preAction", (_, command) => {
    // The collector goes on without anybody who reads what it prints.
    if (command !== program) process.stdout.on("error", endUnread);
  });

  const validate = program
    .command("validate")
    .description("check a configuration without running it")
    .action(async (_options: unknown, command: Command) => {
      const { validate } = await import("./validate.ts");
      await validate(configOptions(command));
    });
  addConfigOptions(validate);

  const printConfig = program
    .command("print-config")
    .description("print the configuration as it is after merging, with its variables unexpanded and its secrets hidden")
    .addOption(
      new Option("--mode <mode>", "unredacted: with variables expanded and secrets as they are")
        .choices(["redacted", "unredacted"])
        .default("redacted"),
    )
    .addOption(new Option("--format <format>", "how it is written").choices(["yaml", "json"]).default("yaml"))
    .option(
      "--validate [boolean]",
      "print nothing if the configuration cannot be used; --validate=false to print",
      boolean,
      true,
    )
    .action(async (_options: unknown, command: Command) => {
      const { printConfig } = await import("./print-config.ts");
      await printConfig(configOptions(command), command.opts<import("./print-config.ts").PrintOptions>());
    });
  addConfigOptions(printConfig);

  program
    .command("schema")
    .description("print a JSON Schema of configurations, for editors")
    .action(async () => {
      const { printSchema } = await import("./schema.ts");
      printSchema();
    });

  program
    .command("components")
    .description("list the component types, as YAML")
    .action(async () => {
      const { printComponents } = await import("./components.ts");
      printComponents();
    });

  program
    .command("engines")
    .description("list the WebAssembly engines, whether each is installed, and what it can do, as YAML")
    .action(async () => {
      const { printEngines } = await import("./engines.ts");
      printEngines();
    });

  addPluginCommands(program);
  return program;
}

/** `otelwasm schema | head`: who has read enough closes the pipe, and nothing is wrong. */
function endUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
}

function addConfigOptions(command: Command): void {
  command
    .addOption(
      new Option(
        "--config <source>",
        "a file, or env:VARIABLE, or yaml:TEXT; may be repeated, the later goes over the earlier",
      ).argParser(repeated),
    )
    .addOption(
      new Option(
        "--set <key=value>",
        "a single value over all files, such as exporters.debug.verbosity=basic; may be repeated",
      ).argParser(repeated),
    );
}

function boolean(text: string): boolean {
  if (text !== "true" && text !== "false") throw new InvalidArgumentError("It is true or false.");
  return text === "true";
}

/** `--config` may stand before or after the command's name. */
function configOptions(command: Command): ConfigOptions {
  const all = command.parent === null ? [command] : [command.parent, command];
  const options = all.map((each) => each.opts<Partial<ConfigOptions>>());
  return { config: options.flatMap((each) => each.config ?? []), set: options.flatMap((each) => each.set ?? []) };
}
