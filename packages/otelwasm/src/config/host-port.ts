/** `host:port` of something to listen on or to connect to. */
export interface HostPort {
  /** A name or an address; IPv6 without brackets. Empty: every interface. */
  readonly host: string;
  readonly port: number;
}

/** Reads `localhost:4317`, `[::1]:4317`, `:4317`; `undefined` if the text is something else. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%a-zA-Z]+)\]|([^:/[\]\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port > 65535 ? undefined : { host: match[1] ?? match[2] ?? "", port };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort(address: HostPort): string {
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
