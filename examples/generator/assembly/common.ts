import { Bytes, type InstrumentationScope, type Resource } from "@otelwasm/sdk";
import { SERVICES, VERSIONS } from "./visit";

const long = new Uint8Array(16);
const short = new Uint8Array(8);

export function traceId(high: u64, low: u64): Bytes {
  store<u64>(long.dataStart, bswap(high));
  store<u64>(long.dataStart, bswap(low), 8);
  return Bytes.from(long);
}

export function spanId(id: u64): Bytes {
  store<u64>(short.dataStart, bswap(id));
  return Bytes.from(short);
}

export function describe(resource: Resource, scope: InstrumentationScope, service: i32): void {
  resource.attributes.putStr("service.name", SERVICES[service]);
  resource.attributes.putStr("service.namespace", "shop");
  resource.attributes.putStr("service.version", VERSIONS[service]);
  resource.attributes.putStr("service.instance.id", SERVICES[service] + "-1");
  resource.attributes.putStr("deployment.environment.name", "demo");
  scope.name = "shop/" + SERVICES[service];
}

/** When the visit started, if it has just ended. @param length in microseconds */
export function startOf(now: u64, length: i32): u64 {
  return now - <u64>length * 1000;
}
