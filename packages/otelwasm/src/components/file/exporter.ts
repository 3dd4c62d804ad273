import type { Capabilities, Exporter } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { encodeJson } from "../../telemetry/json.ts";
import { compress } from "../../transport/compression.ts";
import type { FileExporterConfig } from "./config.ts";
import { Rotation } from "./rotation.ts";
import { FileSink, openOutput } from "./sink.ts";

/** The sink of this exporter's id: its signals write to one file. */
function sharedSink(settings: ComponentSettings, config: FileExporterConfig): FileSink {
  const key = `exporter/${settings.id}`;
  const known = settings.shared.get(key);
  if (known instanceof FileSink) return known;
  const rotation = config.rotation && new Rotation(config.path, config.rotation, settings.logger);
  const sink = new FileSink(config.path, () => openOutput(config, settings.id), rotation);
  settings.shared.set(key, sink);
  return sink;
}

type Encoding = Pick<FileExporterConfig, "format" | "compression">;

function encode(batch: Batch, { format, compression }: Encoding): Uint8Array | Promise<Uint8Array> {
  const json = format === "json" ? asJson(batch) : undefined;
  if (compression === "none") return json === undefined ? framed(batch.bytes) : Buffer.from(`${json}\n`);
  const packed = compress(compression, json === undefined ? batch.bytes : Buffer.from(json));
  // Where one ends and the next begins cannot be seen in what is compressed.
  return packed instanceof Uint8Array ? framed(packed) : packed.then(framed);
}

function framed(bytes: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(4 + bytes.length);
  whole.writeUInt32BE(bytes.length, 0);
  whole.set(bytes, 4);
  return whole;
}

function asJson({ signal, bytes }: Batch): string {
  try {
    return encodeJson(signal, bytes);
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
  readonly #encoding: Encoding;
  #open = false;

  constructor(sink: FileSink, encoding: Encoding) {
    this.#sink = sink;
    this.#encoding = encoding;
  }

  async start(): Promise<void> {
    await this.#sink.open();
    this.#open = true;
  }

  /** @throws ConsumerError permanent for bytes that are not well-formed, retryable when the disk does not take them */
  async consume(batch: Batch): Promise<void> {
    const encoded = encode(batch, this.#encoding);
    await this.#sink.write(encoded instanceof Uint8Array ? encoded : await encoded);
  }

  async shutdown(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#sink.close();
  }
}

export function createExporter(settings: ComponentSettings, config: FileExporterConfig): Exporter {
  return new FileExporter(sharedSink(settings, config), config);
}
