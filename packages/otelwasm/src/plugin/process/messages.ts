/** What the guest's process says in JSON, as the other one reads it: nothing is taken for granted. */
import { z } from "zod";
import { LOG_LEVELS } from "../../abi/values.ts";
import { StatusCode } from "../../component/errors.ts";
import { WasmErrorCode } from "../../runtime/errors.ts";
import { BREAKAGES } from "../place.ts";
import type { PluginErrorData } from "../worker/protocol.ts";
import type { BrokenData, LogData } from "./protocol.ts";

const utf8 = new TextDecoder();

const wasmErrorCode = z.custom<WasmErrorCode>(
  (value) => typeof value === "string" && Object.hasOwn(WasmErrorCode, value),
);

const errorData = z.object({
  what: z.string(),
  function: z.string(),
  status: z.number().optional(),
  reason: z.string(),
  permanent: z.boolean(),
  code: z.enum(StatusCode),
  cause: z.object({ code: wasmErrorCode.optional(), message: z.string() }).optional(),
});

const brokenData = z.object({ error: errorData, how: z.enum(BREAKAGES) });

const logData = z.object({
  level: z.enum(LOG_LEVELS),
  message: z.string(),
  attributes: z.record(z.string(), z.unknown()).optional(),
});

/** @throws Error if it is something else; so do the others here */
export function readError(payload: Uint8Array): PluginErrorData {
  return errorData.parse(parse(payload));
}

export function readBroken(payload: Uint8Array): BrokenData {
  return brokenData.parse(parse(payload));
}

export function readLog(payload: Uint8Array): LogData {
  return logData.parse(parse(payload));
}

export function readText(payload: Uint8Array): string {
  return utf8.decode(payload);
}

export function readCount(payload: Uint8Array): number {
  return z.int().min(0).parse(parse(payload));
}

function parse(payload: Uint8Array): unknown {
  return JSON.parse(readText(payload));
}
