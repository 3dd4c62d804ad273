import { hostLog } from "./host";

function write(level: i32, message: string): void {
  const bytes = String.UTF8.encode(message, false, String.UTF8.ErrorMode.REPLACE);
  hostLog(level, changetype<usize>(bytes), bytes.byteLength);
}

/** The collector's log, under the plugin's component. */
export namespace log {
  export function trace(message: string): void {
    write(0, message);
  }

  export function debug(message: string): void {
    write(1, message);
  }

  export function info(message: string): void {
    write(2, message);
  }

  export function warn(message: string): void {
    write(3, message);
  }

  export function error(message: string): void {
    write(4, message);
  }
}

/** `console` in plugins: the build command puts it in the place of AssemblyScript's own. */
export namespace pluginConsole {
  export function assert<T>(condition: T, message: string = ""): void {
    if (!condition) write(4, "Assertion failed: " + message);
  }

  export function log(message: string = ""): void {
    write(2, message);
  }

  export function debug(message: string = ""): void {
    write(1, message);
  }

  export function info(message: string = ""): void {
    write(2, message);
  }

  export function warn(message: string = ""): void {
    write(3, message);
  }

  export function error(message: string = ""): void {
    write(4, message);
  }
}
