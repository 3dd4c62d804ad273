/** Datagrams in a ring: each after a header that says how long it is and whose. */
import { Family, formatAddress, parseAddress } from "./address.ts";
import type { Ring } from "./channel.ts";

/** size u32@0, port u16@4, family u8@6, whether it goes to the peer u8@7, address@8. */
export const HEADER_BYTES = 24;

/** What UDP over IPv4 can carry: https://datatracker.ietf.org/doc/html/rfc768 */
export const MAX_DATAGRAM = 65_507;

export interface Datagram {
  /** Where it came from or goes to. */
  readonly host: string;
  readonly port: number;
  /** In bytes, of the data. */
  readonly size: number;
  /** It goes to the peer of the connected socket, whatever the address says. */
  readonly toPeer?: boolean;
}

/** The ring must have room for it. */
export function writeDatagram(ring: Ring, { host, port, size, toPeer }: Datagram, data: readonly Uint8Array[]): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const family = host.includes(":") ? Family.inet6 : Family.inet;
  header.writeUInt32LE(size, 0);
  header.writeUInt16LE(port, 4);
  header[6] = family;
  header[7] = toPeer === true ? 1 : 0;
  header.set(parseAddress(host, family), 8);
  let at = ring.fill(header);
  for (const part of data) at += ring.fill(part, at);
  ring.put(at);
}

/** The first datagram's header. */
export function peekDatagram(ring: Ring): Datagram | undefined {
  if (ring.available === 0) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  ring.peek(header);
  const bytes = header.subarray(8, header[6] === Family.inet6 ? 24 : 12);
  const [size, port] = [header.readUInt32LE(0), header.readUInt16LE(4)];
  return { size, port, host: formatAddress(bytes), toPeer: header[7] === 1 };
}

/** @param buffers get as much of it as fits, the rest is lost @param keep it stays where it is */
export function readDatagram(ring: Ring, buffers: readonly Uint8Array[], keep = false): Datagram | undefined {
  const datagram = peekDatagram(ring);
  if (datagram === undefined) return undefined;
  const { size } = datagram;
  let at = 0;
  for (const buffer of buffers) at += ring.peek(buffer.subarray(0, size - at), HEADER_BYTES + at);
  if (!keep) ring.take(HEADER_BYTES + size);
  return datagram;
}
