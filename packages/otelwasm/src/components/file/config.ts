import * as z from "zod";
import { duration } from "../../config/values.ts";
import { type DeliveryConfig, optionalDeliveryKeys } from "../../exporterhelper/config.ts";
import type { RotationConfig } from "./rotation.ts";

export interface FileExporterConfig extends DeliveryConfig {
  readonly path: string;
  /** `json`: one OTLP JSON document a line. `proto`: each payload after its length, four bytes, the highest first; so is what is compressed. */
  readonly format: "json" | "proto";
  /** Of each batch for itself. */
  readonly compression: "none" | "zstd";
  readonly rotation?: RotationConfig | undefined;
  /** Whether what is in the file stays. */
  readonly append: boolean;
  readonly create_directory: boolean;
  /** Of created folders, less the process's umask; an octal text in the configuration. */
  readonly directory_permissions: number;
  /** The Collector's; here nothing is held back, every batch is in the file before it is acknowledged. */
  readonly flush_interval: number;
}

const rotation: z.ZodType<RotationConfig> = z.strictObject({
  max_megabytes: z.int().min(1).default(100),
  max_days: z.int().min(0).default(0),
  max_backups: z.int().min(0).default(100),
  localtime: z.boolean().default(false),
});

/** `exporters::file` as the Collector has it; `encoding` and `group_by` are not supported in this version. */
const keys = z.strictObject({
  path: z.string().min(1),
  format: z.enum(["json", "proto"]).default("json"),
  compression: z
    .enum(["zstd", "none", ""])
    .transform((name) => (name === "" ? "none" : name))
    .default("none"),
  rotation: rotation.optional(),
  append: z.boolean().default(false),
  create_directory: z.boolean().default(false),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be an octal number such as "0755"')
    .default("0755")
    .transform((octal) => Number.parseInt(octal, 8)),
  flush_interval: duration().default(1000),
  ...optionalDeliveryKeys,
});

export const schema: z.ZodType<FileExporterConfig> = keys.superRefine(({ append, compression, rotation }, context) => {
  const refuse = (what: string): void => {
    context.addIssue({ code: "custom", path: ["append"], message: `cannot be true together with ${what}` });
  };
  if (append && compression !== "none") refuse("compression");
  if (append && rotation !== undefined) refuse("rotation, which always goes on with the file that is there");
});
