/**
 * Sockets of WASI preview 1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#sock_accept) and of the WasmEdge extension, which adds
 * what preview 1 lacks: to open, bind, connect and listen, datagrams, options, names.
 *
 * The extension has two versions. Where their parameters differ a module's own import says which it means; where they do not, the values do.
 */
import type { HostFunction, Memory, Value } from "../../runtime/contract.ts";
import { define, unsigned, within } from "../define.ts";
import { type DescriptorTable, Fdflags } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import type { NetworkGrant } from "../grants.ts";
import { buffersAt } from "../iovec.ts";
import type { Refusals } from "../refusals.ts";
import type { Waiter } from "../wait.ts";
import { Family } from "./address.ts";
import { addrinfoFunction } from "./addrinfo.ts";
import { NetworkClient } from "./client.ts";
import { type AddressTarget, addressAt, addressTarget, readPort } from "./layout.ts";
import { getOption, setOption } from "./options.ts";
import { Policy, reached } from "./policy.ts";
import type { NetworkLink } from "./protocol.ts";
import { ReceivedFlag, Socket, type SocketHost } from "./socket.ts";
import { TcpSocket } from "./tcp.ts";
import { UdpSocket } from "./udp.ts";

const Type = { datagram: 1, stream: 2 } as const;
/** `sdflags` */
const Shutdown = { receive: 1, send: 2 } as const;
/** Of an option's value, in bytes. */
const OPTION_SIZE = 4;

export interface SocketServices {
  readonly network: NetworkGrant;
  /** Absent if nothing is granted. */
  readonly link: NetworkLink | undefined;
  readonly table: DescriptorTable;
  readonly waiter: Waiter;
  readonly refusals: Refusals;
}

export interface Sockets {
  readonly functions: HostFunction[];
  /** After all descriptors were closed: waits until their ports are free. */
  close(): void;
}

export function createSockets({ network, link, table, waiter, refusals }: SocketServices): Sockets {
  const policy = new Policy(network, refusals);
  let client: NetworkClient | undefined;
  const host: SocketHost = {
    policy,
    waiter,
    client: () => {
      if (link === undefined) throw new WasiError(Errno.acces);
      client ??= new NetworkClient(link, waiter);
      return client;
    },
  };
  return {
    functions: [
      ...openFunctions(table, host),
      ...addressFunctions(table),
      ...dataFunctions(table),
      ...optionFunctions(table),
      addrinfoFunction(host),
    ],
    close: () => {
      const used = client;
      client = undefined;
      try {
        used?.ask({ op: "reset" });
      } catch (error) {
        // The thread has ended, and all sockets with it.
        if (!(error instanceof WasiError)) throw error;
      }
    },
  };
}

/** @throws WasiError `badf`, `notsock` */
function socketAt(table: DescriptorTable, fd: Value | undefined): Socket {
  const descriptor = table.get(unsigned(fd));
  if (descriptor instanceof Socket) return descriptor;
  throw new WasiError(Errno.notsock);
}

function openFunctions(table: DescriptorTable, host: SocketHost): HostFunction[] {
  const accept = (memory: Memory, fd: Value | undefined, flags: number, result: Value | undefined): Errno => {
    const resultAt = within("sock_accept", memory, result, 4);
    if ((flags & ~Fdflags.nonblock) !== 0) return Errno.inval;
    const accepted = socketAt(table, fd).accept(flags);
    try {
      memory.view().setUint32(resultAt, table.add(accepted), true);
    } catch (error) {
      accepted.close();
      throw error;
    }
    return Errno.success;
  };
  return [
    define("sock_open", ["i32", "i32", "i32"], (memory, family, type, result) => {
      const resultAt = within("sock_open", memory, result, 4);
      const wanted = unsigned(family);
      if (wanted !== Family.inet && wanted !== Family.inet6) return Errno.afnosupport;
      if (unsigned(type) !== Type.datagram && unsigned(type) !== Type.stream) return Errno.prototype;
      const socket = unsigned(type) === Type.stream ? new TcpSocket(host, wanted) : new UdpSocket(host, wanted);
      memory.view().setUint32(resultAt, table.add(socket), true);
      return Errno.success;
    }),
    define("sock_bind", ["i32", "i32", "i32"], (memory, fd, address, port) => {
      const host = addressAt("sock_bind", memory, address);
      const socket = socketAt(table, fd);
      socket.bind({ host: host(socket.family), port: readPort(port) });
      return Errno.success;
    }),
    define("sock_connect", ["i32", "i32", "i32"], (memory, fd, address, port) => {
      const host = addressAt("sock_connect", memory, address);
      const socket = socketAt(table, fd);
      socket.connect(reached({ host: host(socket.family), port: readPort(port) }));
      return Errno.success;
    }),
    define("sock_listen", ["i32", "i32"], (_memory, fd, backlog) => {
      socketAt(table, fd).listen(unsigned(backlog));
      return Errno.success;
    }),
    define("sock_accept", ["i32", "i32", "i32"], (memory, fd, flags, result) =>
      accept(memory, fd, unsigned(flags), result),
    ),
    define("sock_accept", ["i32", "i32"], (memory, fd, result) => accept(memory, fd, 0, result)),
    define("sock_shutdown", ["i32", "i32"], (_memory, fd, how) => {
      const flags = unsigned(how);
      if (flags === 0 || flags > (Shutdown.receive | Shutdown.send)) return Errno.inval;
      socketAt(table, fd).shutdown({
        receive: (flags & Shutdown.receive) !== 0,
        send: (flags & Shutdown.send) !== 0,
      });
      return Errno.success;
    }),
  ];
}

function addressFunctions(table: DescriptorTable): HostFunction[] {
  return (["local", "peer"] as const).flatMap((which) => {
    const name = `sock_get${which}addr`;
    const tell = (memory: Memory, fd: Value | undefined, target: AddressTarget): Errno => {
      const write = addressTarget(name, memory, target);
      const socket = socketAt(table, fd);
      write(socket[which](), socket.family);
      return Errno.success;
    };
    return [
      define(name, ["i32", "i32", "i32"], (memory, fd, address, port) => tell(memory, fd, { address, port })),
      define(name, ["i32", "i32", "i32", "i32"], (memory, fd, address, type, port) =>
        tell(memory, fd, { address, type, port }),
      ),
    ];
  });
}

function dataFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("sock_recv", ["i32", "i32", "i32", "i32", "i32", "i32"], (memory, fd, list, count, flags, size, out) =>
      receive("sock_recv", memory, () => socketAt(table, fd), { list, count, flags, size, out }),
    ),
    define("sock_recv_from", I32_8, (memory, fd, list, count, address, flags, port, size, out) =>
      receive("sock_recv_from", memory, () => socketAt(table, fd), {
        list,
        count,
        flags,
        size,
        out,
        from: { address, port },
      }),
    ),
    define("sock_recv_from", I32_7, (memory, fd, list, count, address, flags, size, out) =>
      receive("sock_recv_from", memory, () => socketAt(table, fd), {
        list,
        count,
        flags,
        size,
        out,
        from: { address },
      }),
    ),
    define("sock_send", ["i32", "i32", "i32", "i32", "i32"], (memory, fd, list, count, _flags, size) => {
      const sizeAt = within("sock_send", memory, size, 4);
      const buffers = buffersAt("sock_send", memory, list, count);
      memory.view().setUint32(sizeAt, socketAt(table, fd).send(buffers, undefined), true);
      return Errno.success;
    }),
    define("sock_send_to", I32_7, (memory, fd, list, count, address, port, _flags, size) => {
      const sizeAt = within("sock_send_to", memory, size, 4);
      const buffers = buffersAt("sock_send_to", memory, list, count);
      const host = addressAt("sock_send_to", memory, address);
      const socket = socketAt(table, fd);
      const to = { host: host(socket.family), port: readPort(port) };
      memory.view().setUint32(sizeAt, socket.send(buffers, reached(to)), true);
      return Errno.success;
    }),
  ];
}

const I32_7 = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
const I32_8 = [...I32_7, "i32"] as const;

interface ReceiveTargets {
  readonly list: Value | undefined;
  readonly count: Value | undefined;
  readonly flags: Value | undefined;
  readonly size: Value | undefined;
  readonly out: Value | undefined;
  readonly from?: AddressTarget;
}

function receive(name: string, memory: Memory, socketOf: () => Socket, targets: ReceiveTargets): Errno {
  const sizeAt = within(name, memory, targets.size, 4);
  // A u16 in WASI; guests of the extension give it more room, and some read it all.
  const outAt = within(name, memory, targets.out, 2);
  const buffers = buffersAt(name, memory, targets.list, targets.count);
  const tellFrom = targets.from === undefined ? undefined : addressTarget(name, memory, targets.from);
  const socket = socketOf();
  const { size, from, truncated = false } = socket.receive(buffers, unsigned(targets.flags));
  tellFrom?.(from ?? socket.peer(), socket.family);
  memory.view().setUint32(sizeAt, size, true);
  memory.view().setUint16(outAt, truncated ? ReceivedFlag.truncated : 0, true);
  return Errno.success;
}

function optionFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("sock_getsockopt", ["i32", "i32", "i32", "i32", "i32"], (memory, fd, level, option, value, length) => {
      // The length itself, or where it stands: no guest has anything at address 4.
      const lengthAt = unsigned(length) === OPTION_SIZE ? undefined : within("sock_getsockopt", memory, length, 4);
      const valueAt = within("sock_getsockopt", memory, value, OPTION_SIZE);
      const view = memory.view();
      if (lengthAt !== undefined && view.getUint32(lengthAt, true) < OPTION_SIZE) return Errno.inval;
      view.setInt32(valueAt, getOption(socketAt(table, fd), unsigned(level), unsigned(option)), true);
      if (lengthAt !== undefined) view.setUint32(lengthAt, OPTION_SIZE, true);
      return Errno.success;
    }),
    define("sock_setsockopt", ["i32", "i32", "i32", "i32", "i32"], (memory, fd, level, option, value, length) => {
      const valueAt = within("sock_setsockopt", memory, value, unsigned(length));
      const socket = socketAt(table, fd);
      const given = unsigned(length) === OPTION_SIZE ? memory.view().getInt32(valueAt, true) : undefined;
      setOption(socket, unsigned(level), unsigned(option), given);
      return Errno.success;
    }),
  ];
}
