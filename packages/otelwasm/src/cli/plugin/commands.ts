import { type Command, Option } from "commander";
import { SIGNALS } from "../../telemetry/batch.ts";

/** `otelwasm plugin ...`: one file for each subcommand, read when it runs. */
export function addPluginCommands(program: Command): void {
  const plugin = program.command("plugin").description("look at plugins, and try them");

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

  plugin
    .command("run <file>")
    .description("push one batch through a processor plugin and print what comes out, as OTLP JSON")
    .addOption(new Option("--signal <signal>", "what the batch is").choices(SIGNALS).makeOptionMandatory())
    .requiredOption(
      "--input <file>",
      "the batch: OTLP JSON, or protobuf if the name ends with .pb; - is JSON from standard input",
    )
    .option("--config <json>", "the plugin's configuration (plugin_config): JSON, or @FILE of JSON or YAML")
    .option("--runtime <type>", "the engine to run it on")
    .action(async (file: string, options: import("./run.ts").RunOptions) => {
      const { run } = await import("./run.ts");
      await run(file, options);
    });
}
