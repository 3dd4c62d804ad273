/** `sock_getaddrinfo` of the WasmEdge extension: names to addresses, into a list that the guest has made. */
import { isIP } from "node:net";
import type { HostFunction, Memory, Value } from "../../runtime/contract.ts";
import { define, unsigned, within } from "../define.ts";
import { Errno, WasiError } from "../errno.ts";
import { Family, formatAddress, type InetFamily, parseAddress, WILDCARD } from "./address.ts";
import type { SocketHost } from "./socket.ts";

const NAME = "sock_getaddrinfo";

/** flags u16@0, family u8@2, socktype u8@3, protocol u32@4, addrlen u32@8, addr@12, canonname@16, canonnamelen u32@20, next@24. */
const ADDRINFO_SIZE = 28;
/** family u32@0, data length u32@4, data@8. */
const SOCKADDR_SIZE = 12;
/** Port u16 big-endian, then the address. */
const DATA_SIZE: Readonly<Record<InetFamily, number>> = { [Family.inet]: 6, [Family.inet6]: 18 };
/** A length that guests give for buffers of 26 bytes. */
const LENGTH_OF_26 = 14;

const Hint = { passive: 1, numericHost: 4 } as const;
const SocketType = { any: 0, datagram: 1, stream: 2 } as const;
const Protocol = { any: 0, tcp: 1, udp: 2 } as const;

/** Longer than any name or service there is. */
const MAX_TEXT = 1024;

/** Those that plugins may ask for by name; others go by number. */
const SERVICES: ReadonlyMap<string, number> = new Map([
  ["domain", 53],
  ["http", 80],
  ["https", 443],
  ["syslog", 514],
  ["ssh", 22],
]);

const LOOPBACK: Readonly<Record<InetFamily, string>> = { [Family.inet]: "127.0.0.1", [Family.inet6]: "::1" };

interface Hints {
  readonly flags: number;
  readonly family: number;
  readonly socketType: number;
  readonly protocol: number;
}

export function addrinfoFunction(host: SocketHost): HostFunction {
  const params = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return define(NAME, params, (memory, node, nodeSize, service, serviceSize, hints, results, limit, count) => {
    const countAt = within(NAME, memory, count, 4);
    const [nodeText, serviceText] = [textAt(memory, node, nodeSize), textAt(memory, service, serviceSize)];
    const hintsAt = within(NAME, memory, hints, ADDRINFO_SIZE);
    const first = memory.view().getUint32(within(NAME, memory, results, 4), true);
    const name = nodeText();
    const port = portOf(serviceText(), name);
    const hint = readHints(memory.view(), hintsAt);
    if (unsigned(limit) < 2) throw new WasiError(Errno.inval);
    const addresses = resolve(host, name, hint);
    memory.view().setUint32(countAt, writeResults(memory, first, unsigned(limit), addresses, port, hint), true);
    return undefined;
  });
}

/** @returns reads it. Guests put a zero behind it, or not. */
function textAt(memory: Memory, pointer: Value | undefined, size: Value | undefined): () => string {
  const length = unsigned(size);
  if (length === 0) return () => "";
  const start = within(NAME, memory, pointer, length);
  return () => {
    if (length > MAX_TEXT) throw new WasiError(Errno.nametoolong);
    const text = new TextDecoder().decode(memory.read(start, length).slice()).replace(/\0+$/, "");
    if (text.includes("\0")) throw new WasiError(Errno.inval);
    return text;
  };
}

function portOf(service: string, name: string): number {
  if (service === "") {
    if (name === "") throw new WasiError(Errno.inval);
    return 0;
  }
  const port = /^\d{1,5}$/.test(service) ? Number(service) : SERVICES.get(service);
  if (port === undefined || port > 65_535) throw new WasiError(Errno.inval);
  return port;
}

function readHints(view: DataView, at: number): Hints {
  const hints = {
    flags: view.getUint16(at, true),
    family: view.getUint8(at + 2),
    socketType: view.getUint8(at + 3),
    // Rust fills the low byte only.
    protocol: view.getUint8(at + 4),
  };
  if (hints.family > Family.inet6) throw new WasiError(Errno.afnosupport);
  return hints;
}

function resolve(host: SocketHost, name: string, { flags, family }: Hints): readonly string[] {
  const ofFamily = (addresses: readonly string[]): readonly string[] =>
    addresses.filter((address) => family === Family.unspecified || familyOf(address) === family);
  if (name === "") {
    const local = (flags & Hint.passive) !== 0 ? WILDCARD : LOOPBACK;
    return ofFamily([local[Family.inet], local[Family.inet6]]);
  }
  if (isIP(name) !== 0 && !name.includes("%")) {
    const found = ofFamily([formatAddress(parseAddress(name, familyOf(name)))]);
    if (found.length === 0) throw new WasiError(Errno.canceled);
    return found;
  }
  if ((flags & Hint.numericHost) !== 0) throw new WasiError(Errno.inval);
  host.policy.resolve(name);
  const version = family === Family.inet ? 4 : family === Family.inet6 ? 6 : 0;
  const found = lookup(host, name, version);
  host.policy.remember(name, found);
  return found;
}

/** Whatever the reason, guests know one errno for a name that does not resolve. */
function lookup(host: SocketHost, name: string, family: 0 | 4 | 6): readonly string[] {
  try {
    const { addresses = [] } = host.client().ask({ op: "resolve", name, family }, true);
    return addresses.map((address) => formatAddress(parseAddress(address, familyOf(address))));
  } catch (error) {
    if (error instanceof WasiError && error.errno !== Errno.intr && error.errno !== Errno.acces)
      throw new WasiError(Errno.canceled);
    throw error;
  }
}

function familyOf(address: string): InetFamily {
  return address.includes(":") ? Family.inet6 : Family.inet;
}

/** Follows the guest's list as far as it goes and its buffers are large enough. @returns how many were written */
function writeResults(
  memory: Memory,
  first: number,
  limit: number,
  addresses: readonly string[],
  port: number,
  { socketType, protocol }: Hints,
): number {
  const view = memory.view();
  let written = 0;
  let node = first;
  for (const address of addresses) {
    if (written === limit || node === 0) break;
    within(NAME, memory, node, ADDRINFO_SIZE);
    const family = familyOf(address);
    const sockaddr = within(NAME, memory, view.getUint32(node + 12, true), SOCKADDR_SIZE);
    const length = view.getUint32(sockaddr + 4, true);
    if ((length === LENGTH_OF_26 ? 26 : length) < DATA_SIZE[family]) throw new WasiError(Errno.inval);
    const data = within(NAME, memory, view.getUint32(sockaddr + 8, true), DATA_SIZE[family]);
    view.setUint16(node, 0, true);
    view.setUint8(node + 2, family);
    view.setUint8(node + 3, socketType === SocketType.any ? typeOf(protocol) : socketType);
    view.setUint32(node + 4, protocol === Protocol.any ? protocolOf(socketType) : protocol, true);
    view.setUint32(node + 8, DATA_SIZE[family], true);
    view.setUint32(node + 20, 0, true);
    view.setUint32(sockaddr, family, true);
    view.setUint32(sockaddr + 4, DATA_SIZE[family], true);
    view.setUint16(data, port);
    memory.write(data + 2, parseAddress(address, family));
    written++;
    const next = view.getUint32(node + 24, true);
    // Some guests' lists end in a circle.
    if (next === node) break;
    node = next;
  }
  return written;
}

function typeOf(protocol: number): number {
  return protocol === Protocol.udp ? SocketType.datagram : SocketType.stream;
}

function protocolOf(socketType: number): number {
  return socketType === SocketType.datagram ? Protocol.udp : Protocol.tcp;
}
