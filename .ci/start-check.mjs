// `npm start` as a person does it: telemetry that the plugin has changed must come out, and Ctrl-C must end it well.
import { spawn } from "node:child_process";

const child = spawn("npm", ["start"], { stdio: ["ignore", "pipe", "pipe"], detached: true });
let output = "";
const wanted = ["Span #0", "Metric #0", "LogRecord #0", "deployment.environment"];
const timer = setTimeout(() => finish("nothing came out within three minutes"), 180_000);
let interrupted = false;

function finish(problem) {
  clearTimeout(timer);
  if (problem !== undefined) {
    console.error(`npm start: ${problem}. It printed:\n${output}`);
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
    process.exit(1);
  }
  console.log("npm start: a span, a metric and a log came out changed; Ctrl-C drained and stopped it");
}

for (const stream of [child.stdout, child.stderr]) {
  stream.setEncoding("utf8").on("data", (text) => {
    output += text;
    if (!interrupted && wanted.every((word) => output.includes(word))) {
      interrupted = true;
      process.kill(-child.pid, "SIGINT"); // a terminal sends Ctrl-C to the whole group
    }
  });
}
// The shell that npm runs scripts in dies of the signal, and npm with it; the collector drains, says so, and closes its output.
child.on("close", (code, signal) => {
  if (!interrupted) finish(`it ended with ${signal ?? `exit code ${code}`}`);
  else if (!output.includes("Stopped.")) finish("it did not drain after Ctrl-C");
  else finish();
});
