import { formatDuration } from "../../../config/duration.ts";
import type { Page } from "../../../transport/page-server.ts";
import type { Serving } from "./protocol.ts";

/**
 * What is said of a collector whose event loop is stuck.
 *
 * @param last what it said of itself before that, if it has
 */
export function stuckPage({ limitMs, unhealthy }: Serving, silentMs: number, last: Page | undefined): Page {
  if (unhealthy !== undefined) return { status: 503, contentType: "text/plain; charset=utf-8", body: unhealthy };
  const error = `the event loop has not turned for ${formatDuration(Math.round(silentMs))}, and may not take longer than ${formatDuration(limitMs)}`;
  const { status: _, upSince: _since, uptime: _time, ...known } = before(last);
  const body = { status: "Server not available", ...known, watchdog: { status: "RecoverableError", error } };
  return { status: 503, contentType: "application/json", body: `${JSON.stringify(body)}\n` };
}

function before(page: Page | undefined): Readonly<Record<string, unknown>> {
  return page?.contentType === "application/json" ? (JSON.parse(page.body) as Record<string, unknown>) : {};
}
