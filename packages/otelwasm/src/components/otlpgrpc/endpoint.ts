import { formatHostPort, type HostPort, parseHostPort } from "../../config/values.ts";
import type { Destination } from "../../transport/dial.ts";

/** A target as gRPC writes it: https://github.com/grpc/grpc/blob/master/doc/naming.md */
export interface GrpcEndpoint {
  readonly address: Destination["address"];
  /** Whether a name stands for all the addresses that it has. */
  readonly resolved: boolean;
  /** What the server is called, without a port; in `:authority`, and in its certificate. */
  readonly host: string;
  readonly authority: string;
  /** For messages. */
  readonly name: string;
  /** `https` asks for TLS, whatever `tls::insecure` says. */
  readonly scheme: string | undefined;
}

/**
 * `host:port`, also behind `http://`, `https://`, `dns:///`, `dns:` or `passthrough:///`; `unix:///path`, `unix:path`, `unix-abstract:name`.
 *
 * @returns undefined if it is something else
 */
export function parseEndpoint(text: string): GrpcEndpoint | undefined {
  const local = /^unix:(?:\/\/(?=\/))?(?!\/\/)([^\0]+)$/.exec(text)?.[1];
  const abstract = /^unix-abstract:([^\0]+)$/.exec(text)?.[1];
  if (local !== undefined || abstract !== undefined) {
    const path = local ?? `\0${abstract}`;
    // grpc-go's authority of a Unix socket.
    return {
      address: { path },
      resolved: false,
      host: "localhost",
      authority: "localhost",
      name: text,
      scheme: "unix",
    };
  }
  const [, scheme, rest = ""] = /^(?:(https?):\/\/|(?:dns|passthrough):(?:\/\/\/)?)?(.*?)\/?$/.exec(text) ?? [];
  const address: HostPort | undefined = parseHostPort(rest);
  if (address === undefined || address.host === "" || address.port === 0) return undefined;
  const name = formatHostPort(address);
  const resolved = !text.startsWith("passthrough:");
  return { address, resolved, host: address.host, authority: name, name, scheme };
}
