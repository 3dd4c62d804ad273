import { stringify } from "yaml";
import { inspectModule, type ModuleReport } from "../../plugin/inspect.ts";
import { WasmError } from "../../runtime/errors.ts";
import { EXIT } from "../report.ts";
import { readInput } from "./read.ts";

const PAGE_KIB = 64;

/** @returns the exit code: a failure if the module cannot be used */
export function inspect(file: string, options: { readonly json?: boolean }): number {
  const report = inspectFile(file, readInput(file));
  const text = options.json ? `${JSON.stringify(report, undefined, 2)}\n` : forPeople(file, report);
  process.stdout.write(text);
  return report.problems.length === 0 ? EXIT.ok : EXIT.failure;
}

/** @throws Error that names the file, if it is not WebAssembly */
export function inspectFile(file: string, binary: Uint8Array): ModuleReport {
  try {
    return inspectModule(binary);
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    throw new Error(`${file}: ${error.message}`, { cause: error });
  }
}

function forPeople(file: string, report: ModuleReport): string {
  const { memory, capabilities } = report;
  const most = memory?.maximum === undefined ? "no maximum" : `at most ${memory.maximum * PAGE_KIB} KiB`;
  const needs = [...(capabilities.wasi ? ["WASI preview 1"] : []), ...(capabilities.sockets ? ["sockets"] : [])];
  return stringify(
    {
      file,
      size: `${report.size} bytes`,
      abi: report.dialect,
      markers: report.markers,
      roles: report.roles,
      signals: report.signals,
      memory: memory === undefined ? "none" : `${memory.minimum * PAGE_KIB} KiB, ${most}`,
      needs: needs.length === 0 ? "nothing beyond the ABI" : needs,
      imports: Object.fromEntries(
        report.imports.map(({ module, known, unknown }) => [
          module,
          { known, ...(unknown.length === 0 ? {} : { unknown }) },
        ]),
      ),
      exports: report.exports,
      usable: report.problems.length === 0,
      ...(report.problems.length === 0 ? {} : { problems: report.problems }),
    },
    { lineWidth: 0, flowCollectionPadding: false },
  );
}
