// grpc-js with serialisers that change nothing: an independent client and server for gRPC's behaviour.
import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceError,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Signal } from "../../telemetry/batch.ts";
import { OTLP } from "../otlp.ts";

const raw = (bytes: Buffer): Buffer => bytes;

function method(signal: Signal): MethodDefinition<Buffer, Buffer> {
  return {
    path: OTLP[signal].grpcPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
}

/** The outcome of a call: its answer, or the error that grpc-js made of it. */
export type Outcome = { readonly answer: Buffer } | { readonly error: ServiceError };

export class GrpcTestClient {
  readonly client: Client;

  /** @param target an `http:` URL, or what gRPC calls a target */
  constructor(target: URL | string, options: object = {}, secrets: ChannelCredentials = credentials.createInsecure()) {
    this.client = new Client(typeof target === "string" ? target : target.host, secrets, options);
  }

  call(
    signal: Signal,
    message: Uint8Array,
    options: {
      metadata?: Record<string, string>;
      timeoutMs?: number;
      path?: string;
      started?: (cancel: () => void) => void;
    } = {},
  ): Promise<Outcome> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    return new Promise((resolve) => {
      const call = this.client.makeUnaryRequest(
        options.path ?? OTLP[signal].grpcPath,
        raw,
        raw,
        Buffer.from(message),
        metadata,
        options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
        (error, answer) => resolve(error === null ? { answer: answer! } : { error }),
      );
      options.started?.(() => call.cancel());
    });
  }

  close(): void {
    this.client.close();
  }
}

export type Handler = handleUnaryCall<Buffer, Buffer>;

/** A server for one method. */
export class GrpcTestServer {
  readonly #server: Server;

  constructor(signal: Signal, handler: Handler, options: object = {}) {
    this.#server = new Server(options);
    const implementation: UntypedServiceImplementation = { export: handler };
    this.#server.addService({ export: method(signal) }, implementation);
  }

  /** @returns the port */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** GOAWAY, then waits for the calls that run. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
  }

  kill(): void {
    this.#server.forceShutdown();
  }
}
