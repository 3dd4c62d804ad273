/**
 * Addresses in a guest's memory. The extension has two versions: the first, of the Rust crate `wasmedge_wasi_socket`, gives raw addresses; the second,
 * of Go's forks and of newer hosts, puts a family before them.
 */
import type { Memory, Value } from "../../runtime/contract.ts";
import { unsigned, within } from "../define.ts";
import { Errno, WasiError } from "../errno.ts";
import { Family, formatAddress, type InetFamily, parseAddress } from "./address.ts";
import type { Endpoint } from "./protocol.ts";

/** A buffer with a family: u16@0, the address@2. */
const FAMILY_BUFFER = 128;
const SIZES: Readonly<Record<InetFamily, number>> = { [Family.inet]: 4, [Family.inet6]: 16 };
/** What the first version calls the families where it says them. */
const VERSIONS: Readonly<Record<InetFamily, number>> = { [Family.inet]: 4, [Family.inet6]: 6 };

/** `{ buf u32, len u32 }`: where an address stands, or is to. */
function bufferAt(name: string, memory: Memory, pointer: Value | undefined): { at: number; length: number } {
  const start = within(name, memory, pointer, 8);
  const view = memory.view();
  const length = view.getUint32(start + 4, true);
  return { at: within(name, memory, view.getUint32(start, true), length), length };
}

/**
 * Where an address stands: its pointers first, as they are the guest's mistake whatever else is wrong.
 *
 * @returns reads it for a socket of this family
 * @throws WasmError `host` if it is outside the memory
 */
export function addressAt(name: string, memory: Memory, pointer: Value | undefined): (family: InetFamily) => string {
  const { at, length } = bufferAt(name, memory, pointer);
  return (family) => {
    const hasFamily = length === FAMILY_BUFFER;
    if (!hasFamily && length !== 4 && length !== 16) throw new WasiError(Errno.inval);
    const given = hasFamily ? memory.view().getUint16(at, true) : length === 4 ? Family.inet : Family.inet6;
    if (given !== family) throw new WasiError(Errno.afnosupport);
    return formatAddress(memory.read(hasFamily ? at + 2 : at, SIZES[family]));
  };
}

/** @throws WasiError `inval` if the port is none */
export function readPort(value: Value | undefined): number {
  const port = unsigned(value);
  if (port > 65_535) throw new WasiError(Errno.inval);
  return port;
}

export interface AddressTarget {
  readonly address: Value | undefined;
  /** Absent in a version of `sock_recv_from`. */
  readonly port?: Value | undefined;
  /** Of the first version: gets 4 or 6. */
  readonly type?: Value | undefined;
}

/**
 * Where an address is to stand. With `type`, or in a buffer that is shorter than one with a family: raw, as the first version has it.
 *
 * @returns writes it; throws WasiError `inval` if the buffer has another size than either version's
 * @throws WasmError `host` if any of it is outside the memory
 */
export function addressTarget(
  name: string,
  memory: Memory,
  { address, port, type }: AddressTarget,
): (endpoint: Endpoint, family: InetFamily) => void {
  const { at, length } = bufferAt(name, memory, address);
  const portAt = port === undefined ? undefined : within(name, memory, port, 4);
  const typeAt = type === undefined ? undefined : within(name, memory, type, 4);
  return ({ host, port: number }, family) => {
    const bytes = parseAddress(host, family);
    const view = memory.view();
    if (length === FAMILY_BUFFER && typeAt === undefined) {
      memory.bytes().fill(0, at, at + length);
      view.setUint16(at, family, true);
      memory.write(at + 2, bytes);
    } else {
      const isRaw = length === 16 || (length === 4 && bytes.length === 4) || length === FAMILY_BUFFER;
      if (!isRaw) throw new WasiError(Errno.inval);
      memory.write(at, bytes);
    }
    if (typeAt !== undefined) view.setUint32(typeAt, VERSIONS[family], true);
    if (portAt !== undefined) view.setUint32(portAt, number, true);
  };
}
