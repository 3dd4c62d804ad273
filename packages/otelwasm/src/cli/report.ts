/** 0: done; 1: it did not work; 2: the command line was wrong. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** What a person reads when a command fails: the message; where it came from only for those who debug. */
export function report(error: unknown, debug: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`Error: ${message}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${detail(error)}\n`);
}

/** The stacks of an error and of its causes. */
function detail(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${detail(error.cause)}` : own;
}
