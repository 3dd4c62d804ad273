/** What the calls of a guest for tests are made from, and what they leave: bytes of its memory. */
import assert from "node:assert/strict";
import { Family, formatAddress, type InetFamily, parseAddress } from "../address.ts";
import type { Endpoint } from "../protocol.ts";
import type { Step } from "./thread.ts";

/** Where things stand in the guest's memory. */
export const At: Readonly<
  Record<"result" | "address" | "addressBuffer" | "iovec" | "size" | "port" | "kind" | "poll" | "data", number>
> = {
  result: 64,
  address: 128,
  addressBuffer: 256,
  iovec: 512,
  size: 600,
  port: 620,
  kind: 640,
  poll: 4096,
  data: 1 << 20,
};

/** Each: an addrinfo of 28 bytes, a sockaddr of 12 at 28, its data of 26 at 40. */
const NODE_SIZE = 72;

export function addressList(at: number, count: number): Buffer {
  const list = Buffer.alloc(count * NODE_SIZE);
  for (let i = 0; i < count; i++) {
    const node = i * NODE_SIZE;
    list.writeUInt32LE(at + node + 28, node + 12);
    list.writeUInt32LE(i + 1 < count ? at + node + NODE_SIZE : 0, node + 24);
    list.writeUInt32LE(14, node + 32);
    list.writeUInt32LE(at + node + 40, node + 36);
  }
  return list;
}

export function addressIn(list: Buffer, index: number): Endpoint & { readonly type: number } {
  const node = index * NODE_SIZE;
  const family = list[node + 2];
  assert.equal(list.readUInt32LE(node + 28), family);
  const size = family === Family.inet ? 4 : 16;
  return {
    host: formatAddress(list.subarray(node + 42, node + 42 + size)),
    port: list.readUInt16BE(node + 40),
    type: list[node + 3]!,
  };
}

export function addressOf(host: string): Step["writes"] {
  const family: InetFamily = host.includes(":") ? Family.inet6 : Family.inet;
  const bytes = parseAddress(host, family);
  return [
    { at: At.addressBuffer, bytes },
    { at: At.address, bytes: pair(At.addressBuffer, bytes.length) },
  ];
}

export function target(size: number): Step["writes"] {
  return [{ at: At.address, bytes: pair(At.addressBuffer, size) }];
}

export function iovec(size: number): Step["writes"][number] {
  return { at: At.iovec, bytes: pair(At.data, size) };
}

function pair(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(first, 0);
  bytes.writeUInt32LE(second, 4);
  return bytes;
}

export function fromBuffer(buffer: Buffer): string {
  const size = buffer.readUInt16LE(0) === Family.inet ? 4 : 16;
  return formatAddress(buffer.subarray(2, 2 + size));
}

export function subscriptions(
  wanted: readonly { readonly fd: number; readonly type: "read" | "write" }[],
  milliseconds: number | undefined,
): Buffer {
  const bytes = Buffer.alloc((wanted.length + 1) * 48);
  let at = 0;
  if (milliseconds !== undefined) {
    bytes.writeBigInt64LE(-1n, 0);
    bytes.writeUInt32LE(1, 16);
    bytes.writeBigUInt64LE(BigInt(milliseconds) * 1_000_000n, 24);
    at = 48;
  }
  for (const { fd, type } of wanted) {
    bytes.writeBigUInt64LE(BigInt(fd), at);
    bytes[at + 8] = type === "read" ? 1 : 2;
    bytes.writeUInt32LE(fd, at + 16);
    at += 48;
  }
  return bytes;
}
