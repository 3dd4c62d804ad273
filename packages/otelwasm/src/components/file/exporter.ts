import type { Capabilities, Exporter } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { encodeJson } from "../../telemetry/json.ts";
import type { FileExporterConfig } from "./config.ts";
import { FileSink, openOutput } from "./sink.ts";

/** The sink of this exporter's id: its signals write to one file. */
function sharedSink(settings: ComponentSettings, config: FileExporterConfig): FileSink {
  const key = `exporter/${settings.id}`;
  const known = settings.shared.get(key);
  if (known instanceof FileSink) return known;
  const sink = new FileSink(config.path, () => openOutput(config, settings.id));
  settings.shared.set(key, sink);
  return sink;
}

function encode({ signal, bytes }: Batch, format: FileExporterConfig["format"]): Uint8Array {
  if (format === "proto") {
    const framed = Buffer.allocUnsafe(4 + bytes.length);
    framed.writeUInt32BE(bytes.length, 0);
    framed.set(bytes, 4);
    return framed;
  }
  try {
    return Buffer.from(`${encodeJson(signal, bytes)}\n`);
  } catch (error) {
    if (error instanceof RangeError)
      throw ConsumerError.permanent(`the ${signal} are not well-formed: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Writes each batch to a file. */
class FileExporter implements Exporter {
  readonly capabilities: Capabilities = { mutatesData: false };
  readonly #sink: FileSink;
  readonly #format: FileExporterConfig["format"];
  #open = false;

  constructor(sink: FileSink, format: FileExporterConfig["format"]) {
    this.#sink = sink;
    this.#format = format;
  }

  async start(): Promise<void> {
    await this.#sink.open();
    this.#open = true;
  }

  /** @throws ConsumerError permanent for bytes that are not well-formed, retryable when the disk does not take them */
  async consume(batch: Batch): Promise<void> {
    await this.#sink.write(encode(batch, this.#format));
  }

  async shutdown(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#sink.close();
  }
}

export function createExporter(settings: ComponentSettings, config: FileExporterConfig): Exporter {
  return new FileExporter(sharedSink(settings, config), config.format);
}
