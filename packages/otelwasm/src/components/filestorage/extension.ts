import { mkdirSync, statSync } from "node:fs";
import type { Extension } from "../../component/component.ts";
import { ConfigError } from "../../component/errors.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import { StorageError } from "../../component/storage.ts";
import type { FileStorageConfig } from "./config.ts";
import { type Lease, lease } from "./directories.ts";

/** @throws ConfigError if the directory is not there and is not to be made */
export function createExtension({ id, logger, reportStatus }: ExtensionSettings, config: FileStorageConfig): Extension {
  if (!config.create_directory) checkDirectory(id, config.directory);
  let opened: Lease | undefined;
  return {
    storage: {
      open: async (owner) => {
        if (opened === undefined)
          throw new StorageError("closed", `the extension ${id} has not been started, or was shut down`);
        return opened.open(owner);
      },
    },
    async start() {
      if (config.create_directory) makeDirectory(id, config);
      const { directory, timeout, fsync, max_size: maxSize, compaction } = config;
      opened = await lease(
        { directory, timeout, fsync, maxSize, compact: compaction.on_start },
        {
          recovered: ({ reason, movedTo, recovered, lost }) =>
            logger.error(
              `the store in ${directory} was damaged (${reason}); what could be read of it goes on, the damaged file is kept`,
              { recovered, lost, damaged: movedTo },
            ),
          warning: (message) => logger.warn(message),
          failed: (message) => reportStatus({ status: "PermanentError", error: message }),
        },
      );
    },
    async shutdown() {
      const ending = opened;
      opened = undefined;
      await ending?.end();
    },
  };
}

/** In the words of the Collector, which checks it when it reads the configuration, too. */
function checkDirectory(id: string, directory: string): void {
  const path = `extensions::${id}::directory`;
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(directory);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const what = missing
      ? `directory must exist: ${directory}. You can enable the create_directory option to create it`
      : `problem accessing configured directory: ${directory}: ${error instanceof Error ? error.message : String(error)}`;
    throw new ConfigError([`${path}: ${what}`], { cause: error });
  }
  if (!found?.isDirectory()) throw new ConfigError([`${path}: ${directory} is not a directory`]);
}

function makeDirectory(id: string, { directory, directory_permissions: mode }: FileStorageConfig): void {
  try {
    mkdirSync(directory, { recursive: true, mode });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`extensions::${id}::directory: cannot create ${directory}: ${said}`], { cause: error });
  }
}
