import * as z from "zod";
import { duration } from "../../config/values.ts";

export interface FileExporterConfig {
  readonly path: string;
  /** `json`: one OTLP JSON document a line. `proto`: each payload after its length, four bytes, the highest first. */
  readonly format: "json" | "proto";
  /** Whether what is in the file stays. */
  readonly append: boolean;
  readonly create_directory: boolean;
  /** Of created folders, less the process's umask; an octal text in the configuration. */
  readonly directory_permissions: number;
  /** The Collector's; here nothing is held back, every batch is in the file before it is acknowledged. */
  readonly flush_interval: number;
}

/** `exporters::file` as the Collector has it; `rotation`, `compression`, `encoding` and `group_by` are not supported in this version. */
export const schema: z.ZodType<FileExporterConfig> = z.strictObject({
  path: z.string().min(1),
  format: z.enum(["json", "proto"]).default("json"),
  append: z.boolean().default(false),
  create_directory: z.boolean().default(false),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be an octal number such as "0755"')
    .default("0755")
    .transform((octal) => Number.parseInt(octal, 8)),
  flush_interval: duration().default(1000),
});
