import { join } from "node:path";
import * as z from "zod";
import { byteSize, duration, positiveDuration } from "../../config/values.ts";

/** Bytes. Below this a log of the store's own would not find room beside the data. */
const MIN_MAX_SIZE = 1024 * 1024;

export interface FileStorageConfig {
  readonly directory: string;
  readonly create_directory: boolean;
  /** Of created folders, less the process's umask; an octal text in the configuration. */
  readonly directory_permissions: number;
  /** Milliseconds to wait for another process to let go of the directory. */
  readonly timeout: number;
  /** Whether what is acknowledged survives the loss of power, or only that of the process. */
  readonly fsync: boolean;
  /** The Collector's: a damaged store is set aside. Here that is always so, and what can be read is carried over. */
  readonly recreate: boolean;
  /** Bytes that the files of the directory may take together; 0: no limit. */
  readonly max_size: number;
  readonly compaction: {
    /** Write the whole store anew before it is used. */
    readonly on_start: boolean;
  };
}

/** As the Collector has it. */
function defaultDirectory(): string {
  if (process.platform === "win32") return join(process.env.ProgramData ?? "C:\\ProgramData", "Otelcol", "FileStorage");
  return "/var/lib/otelcol/file_storage";
}

/**
 * `extensions::file_storage` as the Collector's `filestorage` has it. `fsync` is on by default: an acknowledgement says that the data is safe. Of `compaction` only
 * `on_start` has something to do: files shrink by themselves here, in place, so that what says when, where and in which steps they do is taken and means nothing.
 */
export const schema: z.ZodType<FileStorageConfig> = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default(() => defaultDirectory()),
  create_directory: z.boolean().default(false),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be an octal number such as "0750"')
    .default("0750")
    .transform((octal) => Number.parseInt(octal, 8)),
  timeout: positiveDuration().default(1000),
  fsync: z.boolean().default(true),
  recreate: z.boolean().default(false),
  max_size: byteSize()
    .refine((size) => size === 0 || size >= MIN_MAX_SIZE, "must be 0, which is no limit, or at least 1MiB")
    .default(0),
  compaction: z
    .strictObject({
      on_start: z.boolean().default(false),
      on_rebound: z.boolean().default(false),
      directory: z.string().default(""),
      rebound_needed_threshold_mib: z.int().min(0).default(100),
      rebound_trigger_threshold_mib: z.int().min(0).default(10),
      max_transaction_size: z.int().min(0).default(65_536),
      check_interval: duration().default(5000),
      cleanup_on_start: z.boolean().default(false),
    })
    .prefault({}),
});
