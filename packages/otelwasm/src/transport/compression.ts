import { promisify } from "node:util";
import {
  constants,
  deflate,
  deflateSync,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  inflate,
  inflateSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from "node:zlib";

/** Content codings by HTTP's names; `deflate` is the zlib format, as RFC 9110 (8.4.1.2) says. */
export const CODINGS = ["gzip", "deflate", "zstd"] as const;
export type Coding = (typeof CODINGS)[number];

/** A body that cannot be used; `too_large`: it was given up as soon as it passed the limit. */
export class BodyError extends Error {
  override readonly name: string = "BodyError";
  readonly code: "too_large" | "malformed";

  constructor(code: "too_large" | "malformed", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

interface Codec {
  readonly pack: (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
  readonly packNow: (bytes: Uint8Array, options: object) => Uint8Array;
  readonly unpack: (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
  readonly unpackNow: (bytes: Uint8Array, options: object) => Uint8Array;
}

const CODECS: Readonly<Record<Coding, Codec>> = {
  gzip: { pack: promisify(gzip), packNow: gzipSync, unpack: promisify(gunzip), unpackNow: gunzipSync },
  deflate: { pack: promisify(deflate), packNow: deflateSync, unpack: promisify(inflate), unpackNow: inflateSync },
  zstd: {
    pack: promisify(zstdCompress),
    packNow: zstdCompressSync,
    unpack: promisify(zstdDecompress),
    unpackNow: zstdDecompressSync,
  },
};

/** Up to here zlib runs where it is called: a trip to the thread pool costs more than it saves. Longer input would hold up everybody. */
const PACK_NOW = 128 * 1024;
const UNPACK_NOW = 64 * 1024;
/** What may come out where it is called: a small body can become a thousand times as large. */
const UNPACKED_NOW = 1024 * 1024;
/** As many at once in the thread pool: more would make nothing faster, but each holds what it has unpacked so far. */
const UNPACKING = 4;

/**
 * Level 1: on OTLP a tenth more bytes than level 6, for two fifths of the time. (`level` is zlib's; zstd has its own default, 3.)
 */
const GZIP_LEVEL = 1;

/** The least that zlib takes, and enough for any small answer. */
const MIN_CHUNK = 1024;

/** One piece of output for all, where the size can be guessed: gzip ends with it. It is a hint only: the bytes come from a stranger. */
function outputChunk(coding: Coding, bytes: Uint8Array, limit: number): number {
  let guess = bytes.length * 4;
  const end = bytes.length;
  if (coding === "gzip" && end >= 18) {
    const size = (bytes[end - 4]! | (bytes[end - 3]! << 8) | (bytes[end - 2]! << 16) | (bytes[end - 1]! << 24)) >>> 0;
    if (size <= end * 1032) guess = size + 1;
  }
  return Math.max(MIN_CHUNK, Math.min(guess, limit + 1, 4 * 1024 * 1024));
}

/** zlib's output may lie in Node's buffer pool; what goes down a pipeline has its buffer for itself. */
function exclusive(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = bytes;
  return buffer.byteLength > 2 * length || buffer.byteLength === Buffer.poolSize
    ? new Uint8Array(bytes)
    : new Uint8Array(buffer, byteOffset, length);
}

function unpackError(coding: Coding, limit: number, cause: unknown): BodyError {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new BodyError("too_large", `the body is larger than ${limit} bytes when decompressed`, { cause });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BodyError("malformed", `the body is not valid ${coding}: ${message}`, { cause });
}

/**
 * @param limit the most bytes that may come out
 * @returns bytes in a buffer of their own; at once for small input
 * @throws BodyError (or a promise that rejects with one)
 */
export function decompress(coding: Coding, bytes: Uint8Array, limit: number): Uint8Array | Promise<Uint8Array> {
  if (bytes.length > UNPACK_NOW || outputChunk(coding, bytes, limit) > UNPACKED_NOW + 1)
    return decompressLater(coding, bytes, limit);
  try {
    return decompressNow(coding, bytes, Math.min(limit, UNPACKED_NOW));
  } catch (error) {
    const tooLarge = error instanceof BodyError && error.code === "too_large";
    if (tooLarge && limit > UNPACKED_NOW) return decompressLater(coding, bytes, limit);
    throw error;
  }
}

/** The same where it is called, whatever the input: for what is known to be small. */
export function decompressNow(coding: Coding, bytes: Uint8Array, limit: number): Uint8Array {
  try {
    const options = { maxOutputLength: Math.max(1, limit), chunkSize: outputChunk(coding, bytes, limit) };
    return exclusive(CODECS[coding].unpackNow(bytes, options));
  } catch (cause) {
    throw unpackError(coding, limit, cause);
  }
}

let unpacking = 0;
const waiting: (() => void)[] = [];

async function decompressLater(coding: Coding, bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  if (unpacking < UNPACKING) unpacking++;
  else {
    // Whoever ends hands its place on.
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  }
  try {
    const options = { maxOutputLength: Math.max(1, limit), chunkSize: outputChunk(coding, bytes, limit) };
    return exclusive(await CODECS[coding].unpack(bytes, options));
  } catch (cause) {
    throw unpackError(coding, limit, cause);
  } finally {
    const next = waiting.shift();
    if (next === undefined) unpacking--;
    else next();
  }
}

/** What `compress` is told about how much to try. */
export type Effort = Readonly<Record<string, unknown>>;

const DEFAULT_EFFORT: Readonly<Record<Coding, Effort>> = {
  gzip: { level: GZIP_LEVEL },
  deflate: { level: GZIP_LEVEL },
  zstd: {},
};

/** Go's name for it, and its number (`zlib.HuffmanOnly`). */
const HUFFMAN_ONLY = -2;
/** Beyond, zstd's window is larger than what HTTP's receivers have to take (RFC 9659). */
const MAX_ZSTD_LEVEL = 19;

/**
 * @param level as the Collector's `compression_params::level` has it; 0: the default
 * @returns what `compress` takes
 */
export function effort(coding: Coding, level: number): Effort {
  if (level === 0) return DEFAULT_EFFORT[coding];
  if (coding === "zstd") {
    const nearest = Math.max(1, Math.min(MAX_ZSTD_LEVEL, level));
    return { params: { [constants.ZSTD_c_compressionLevel]: nearest } };
  }
  return level === HUFFMAN_ONLY ? { strategy: constants.Z_HUFFMAN_ONLY } : { level };
}

/** @returns the compressed bytes; at once for small input */
export function compress(
  coding: Coding,
  bytes: Uint8Array,
  options: Effort = DEFAULT_EFFORT[coding],
): Uint8Array | Promise<Uint8Array> {
  return bytes.length > PACK_NOW ? CODECS[coding].pack(bytes, options) : CODECS[coding].packNow(bytes, options);
}
