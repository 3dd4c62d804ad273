import type { Endpoint, Extension } from "../../component/component.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import type { ComponentHealth, Health } from "../../component/health.ts";
import { formatDuration } from "../../config/duration.ts";
import { type Page, PageServer } from "../../transport/page-server.ts";
import { ServerSecurity } from "../../transport/tls-server.ts";
import type { HealthCheckConfig } from "./config.ts";

/**
 * 200 while every pipeline can take data, else 503: also while the collector starts and stops, which this extension outlasts at both ends. Other extensions are
 * told of, and do not decide: data goes its way without them.
 */
export function createExtension({ id, host, logger, ports }: ExtensionSettings, config: HealthCheckConfig): Extension {
  const security = config.tls && new ServerSecurity(config.tls, `extensions::${id}::tls`, logger);
  const server = new PageServer(config.path, () => pageOf(host.health(), config.response_body), security);
  let endpoints: readonly Endpoint[] = [];
  return {
    get endpoints() {
      return endpoints;
    },
    async start() {
      const url = await server.listen(config.endpoint, ports);
      endpoints = [{ protocol: "health_check", url }];
      logger.info("Starting health check", { endpoint: url.replace(/^[a-z]+:\/\//, "") });
    },
    async shutdown() {
      endpoints = [];
      await server.close();
    },
  };
}

function pageOf(health: Health, texts: HealthCheckConfig["response_body"]): Page {
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
