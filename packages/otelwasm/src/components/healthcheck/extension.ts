import type { Endpoint, Extension } from "../../component/component.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import type { ComponentHealth, Health } from "../../component/health.ts";
import { formatDuration } from "../../config/duration.ts";
import { type Page, PageServer } from "../../transport/page-server.ts";
import { ServerSecurity } from "../../transport/tls-server.ts";
import type { HealthCheckConfig } from "./config.ts";
import { type Guarded, GuardedPage } from "./watchdog/guarded-page.ts";

/** Where the page is served. */
interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * 200 while every pipeline can take data, else 503: also while the collector starts and stops, which this extension outlasts at both ends. Other extensions are
 * told of, and do not decide: data goes its way without them. A thread of its own answers, so that there is an answer when the collector's event loop is stuck.
 */
export function createExtension(settings: ExtensionSettings, config: HealthCheckConfig): Extension {
  const { host, logger } = settings;
  const render = (): Page => pageOf(host.health(), config);
  let served: Served | undefined;
  let endpoints: readonly Endpoint[] = [];
  return {
    get endpoints() {
      return endpoints;
    },
    async start() {
      served = config.watchdog.enabled
        ? await serveGuarded(settings, config, render)
        : await serveHere(settings, config, render);
      endpoints = [{ protocol: "health_check", url: served.url }];
      logger.info("Starting health check", { endpoint: served.url.replace(/^[a-z]+:\/\//, "") });
    },
    async shutdown() {
      endpoints = [];
      await served?.close();
    },
  };
}

async function serveHere(
  { id, ports, logger }: ExtensionSettings,
  { endpoint, tls, path }: HealthCheckConfig,
  render: () => Page,
): Promise<Served> {
  const security = tls && new ServerSecurity(tls, whereOf(id), logger);
  const server = new PageServer(path, render, security);
  return { url: await server.listen(endpoint, ports), close: () => server.close() };
}

/** Where its TLS stands, for messages. */
function whereOf(id: string): string {
  return `extensions::${id}::tls`;
}

async function serveGuarded(
  { id, ports, logger, reportStatus }: ExtensionSettings,
  { endpoint, tls, path, response_body, watchdog }: HealthCheckConfig,
  render: () => Page,
): Promise<Served> {
  const guarded: Guarded = {
    path,
    limitMs: watchdog.loop_timeout,
    unhealthy: response_body?.unhealthy,
    render,
    logger,
    stuck: (milliseconds) =>
      logger.warn(
        `The event loop did not turn for ${formatDuration(Math.round(milliseconds))}: nothing was received, delivered or answered`,
      ),
    broken: (error) => reportStatus({ status: "PermanentError", error: `the health check ends: ${error.message}` }),
  };
  const where = { address: endpoint, tls, tlsAt: whereOf(id) };
  const open = (): Promise<GuardedPage> => GuardedPage.listen(where, guarded);
  const usable = (page: object): page is GuardedPage => page instanceof GuardedPage && page.listensAs(where);
  const page =
    ports === undefined ? await open() : await ports.share(endpoint, usable, open, (own) => own.serve(guarded));
  return {
    url: page.url,
    async close() {
      if (ports?.release(page) ?? true) await page.close();
    },
  };
}

function pageOf(health: Health, { response_body: texts, watchdog }: HealthCheckConfig): Page {
  const pipelines = Object.values(health.pipelines);
  const healthy = pipelines.every(({ status }) => status === "OK");
  const status = healthy ? 200 : 503;
  if (texts !== undefined)
    return { status, contentType: "text/plain; charset=utf-8", body: healthy ? texts.healthy : texts.unhealthy };
  const body = {
    // The first three are those of the Collector's extension.
    ...(healthy ? available(pipelines.flatMap(({ components }) => components)) : { status: "Server not available" }),
    health: health.status,
    pipelines: health.pipelines,
    extensions: health.extensions,
    // Who can say this is not stuck.
    ...(watchdog.enabled ? { watchdog: { status: "OK" } } : {}),
  };
  return { status, contentType: "application/json", body: `${JSON.stringify(body)}\n` };
}

/** @param components all of them `OK`: available since the last of them is */
function available(components: readonly ComponentHealth[]) {
  const upSince = Math.max(...components.map(({ since }) => since.getTime()));
  return {
    status: "Server available",
    upSince: new Date(upSince).toISOString(),
    uptime: formatDuration(Math.max(0, Date.now() - upSince)),
  };
}
