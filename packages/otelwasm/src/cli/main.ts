/** The `otelwasm` command: `bin/otelwasm.js` starts this file. */
import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { EXIT, report } from "./report.ts";

const args = process.argv.slice(2);
try {
  process.exitCode = EXIT.ok;
  await createProgram().parseAsync(args, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and the version come this way too; what is wrong with the command line has been said.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else {
    report(error, args.includes("--debug"));
    process.exitCode = EXIT.failure;
  }
}
