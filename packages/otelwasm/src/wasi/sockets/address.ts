/** IP addresses between their bytes and their text. */
import { isIPv4, SocketAddress } from "node:net";

/** The values of the extension, not of any operating system. */
export const Family = { unspecified: 0, inet: 1, inet6: 2, unix: 3 } as const;
export type Family = (typeof Family)[keyof typeof Family];
export type InetFamily = typeof Family.inet | typeof Family.inet6;

export const WILDCARD: Readonly<Record<InetFamily, string>> = { [Family.inet]: "0.0.0.0", [Family.inet6]: "::" };

/** The first 12 bytes of an IPv4 address in IPv6: https://datatracker.ietf.org/doc/html/rfc4291#section-2.5.5.2 */
const MAPPED: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** @param bytes 4 or 16 @returns canonical text; an IPv4 address in IPv6 as the IPv4 address that it is */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (MAPPED.every((byte, i) => bytes[i] === byte)) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

/** @param text a literal, with or without a zone @returns 4 bytes, or 16 of an IPv6 address or for an IPv6 socket */
export function parseAddress(text: string, family: InetFamily): Uint8Array {
  if (isIPv4(text)) {
    const bytes = Uint8Array.from(text.split("."), Number);
    if (family === Family.inet) return bytes;
    // The wildcard of an IPv6 socket on a machine without IPv6.
    return text === "0.0.0.0" ? new Uint8Array(16) : Uint8Array.of(...MAPPED, ...bytes);
  }
  const [address = ""] = text.split("%");
  const dotted = address.slice(address.lastIndexOf(":") + 1);
  const plain = isIPv4(dotted) ? address.slice(0, -dotted.length) + hexGroups(dotted) : address;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const bytes = new Uint8Array(16);
  [...left, ...(tail === undefined ? [] : zeros), ...right].forEach((group, i) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * i] = value >>> 8;
    bytes[2 * i + 1] = value;
  });
  return bytes;
}

function hexGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

export function formatEndpoint(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
