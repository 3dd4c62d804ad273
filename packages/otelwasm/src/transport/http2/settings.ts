import { DEFAULT_MAX_FRAME, Http2Code, Http2Error, MAX_WINDOW, readUint32, Setting } from "./frames.ts";

/**
 * A SETTINGS frame's values; of a repeated one the last counts, so that a frame that is full of them makes as much work as one value.
 *
 * @throws Http2Error if the frame is malformed, or a value cannot be
 */
export function readSettings(payload: Uint8Array): ReadonlyMap<number, number> {
  if (payload.length % 6 !== 0) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "malformed SETTINGS");
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) {
    const name = (payload[at]! << 8) | payload[at + 1]!;
    const value = readUint32(payload, at + 2);
    check(name, value);
    settings.set(name, value);
  }
  return settings;
}

function check(name: number, value: number): void {
  if (name === Setting.INITIAL_WINDOW_SIZE && value > MAX_WINDOW) {
    throw new Http2Error(Http2Code.FLOW_CONTROL_ERROR, `SETTINGS_INITIAL_WINDOW_SIZE ${value}`);
  }
  if (
    (name === Setting.MAX_FRAME_SIZE && (value < DEFAULT_MAX_FRAME || value > 0xff_ffff)) ||
    (name === Setting.ENABLE_PUSH && value > 1)
  ) {
    throw new Http2Error(Http2Code.PROTOCOL_ERROR, `setting ${name} is ${value}`);
  }
}
