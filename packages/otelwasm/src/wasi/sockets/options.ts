/** `sock_getsockopt` and `sock_setsockopt`: the values of the extension, not of any operating system. */
import { Filetype } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { RING_BYTES } from "./channel.ts";
import type { BooleanOption, Socket } from "./socket.ts";

const Level = { socket: 0, tcp: 6 } as const;

const Option = {
  reuseAddress: 0,
  type: 1,
  error: 2,
  dontRoute: 3,
  broadcast: 4,
  sendBuffer: 5,
  receiveBuffer: 6,
  keepAlive: 7,
  oobInline: 8,
  linger: 9,
  receiveLowWater: 10,
  receiveTimeout: 11,
  sendTimeout: 12,
  acceptConnections: 13,
  bindToDevice: 14,
} as const;

const TCP_NO_DELAY = 15;

const SocketType = { datagram: 1, stream: 2 } as const;

const BOOLEANS: ReadonlyMap<number, BooleanOption> = new Map([
  [Option.reuseAddress, "reuseAddress"],
  [Option.broadcast, "broadcast"],
  [Option.keepAlive, "keepAlive"],
]);

/** Of Linux, but without a meaning here: waits have no time-out of their own, and sockets are closed in the background. */
const NOT_SUPPORTED: ReadonlySet<number> = new Set([
  Option.linger,
  Option.receiveTimeout,
  Option.sendTimeout,
  Option.bindToDevice,
]);

/** @throws WasiError `notsup`, `noprotoopt` */
export function getOption(socket: Socket, level: number, option: number): number {
  if (level === Level.tcp && option === TCP_NO_DELAY) return Number(socket.option("noDelay"));
  if (level !== Level.socket) throw new WasiError(Errno.noprotoopt);
  const name = BOOLEANS.get(option);
  if (name !== undefined) return Number(socket.option(name));
  if (NOT_SUPPORTED.has(option)) throw new WasiError(Errno.notsup);
  switch (option) {
    case Option.type:
      return socket.filetype === Filetype.socketStream ? SocketType.stream : SocketType.datagram;
    case Option.error:
      return socket.takeError();
    case Option.sendBuffer:
    case Option.receiveBuffer:
      return RING_BYTES;
    case Option.acceptConnections:
      return Number(socket.listening);
    case Option.receiveLowWater:
      return 1;
    case Option.dontRoute:
    case Option.oobInline:
      return 0;
    default:
      throw new WasiError(Errno.noprotoopt);
  }
}

/**
 * @param value `undefined` if it has not the size that values have
 * @throws WasiError `notsup`, `noprotoopt`, `inval`
 */
export function setOption(socket: Socket, level: number, option: number, value: number | undefined): void {
  if (level === Level.socket && NOT_SUPPORTED.has(option)) throw new WasiError(Errno.notsup);
  const name = nameOf(level, option);
  // The buffers are what they are, as a kernel is free to decide.
  const isIgnored = level === Level.socket && (option === Option.sendBuffer || option === Option.receiveBuffer);
  if (name === undefined && !isIgnored) throw new WasiError(Errno.noprotoopt);
  if (value === undefined) throw new WasiError(Errno.inval);
  if (name !== undefined) socket.setOption(name, value !== 0);
}

function nameOf(level: number, option: number): BooleanOption | undefined {
  if (level === Level.tcp) return option === TCP_NO_DELAY ? "noDelay" : undefined;
  if (level !== Level.socket) return undefined;
  // The type of a socket cannot be set: it is Go's IPV6_V6ONLY, whose level and number the extension has no words for.
  return option === Option.type ? "ipv6Only" : BOOLEANS.get(option);
}
