/** What a guest's thread and the I/O thread say to each other. Data goes past it, through `channel.ts`. */
import type { MessagePort } from "node:worker_threads";
import type { Errno } from "../errno.ts";

/** What a guest's thread needs of the I/O thread. Crosses to it once, the port by being transferred. */
export interface NetworkLink {
  readonly port: MessagePort;
  /** By `Shared`. */
  readonly cells: Int32Array;
}

export const Shared = {
  /** Counts the messages to the guest: it looks for some only if there are. */
  mail: 0,
  /** 1 when the I/O thread has ended. */
  gone: 1,
  /** Numbers the guest's requests: a thread's next guest must not take an answer to the one before it for its own. */
  requests: 2,
} as const;

/** An address is a literal, IPv4 as IPv4. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** An established socket, as the guest hears of it. */
export interface Established {
  readonly id: number;
  /** The number of its channel, and the channel's memory when it is new. */
  readonly channel: number;
  readonly buffer?: SharedArrayBuffer;
  readonly local: Endpoint;
  readonly remote: Endpoint | undefined;
}

/** To the I/O thread; a number is the bell of the socket with this id. Those with a `request` are answered with a `reply`. */
export type Request =
  | {
      readonly op: "connect";
      readonly id: number;
      readonly remote: Endpoint;
      readonly local: Endpoint | undefined;
      readonly keepAlive: boolean;
    }
  | {
      readonly op: "listen";
      readonly request: number;
      readonly id: number;
      readonly local: Endpoint;
      readonly ipv6Only: boolean;
      readonly backlog: number;
      /** One cell: accepted connections that the guest has not picked up. */
      readonly waiting: Int32Array;
    }
  | {
      readonly op: "open_datagrams";
      readonly request: number;
      readonly id: number;
      readonly local: Endpoint;
      readonly ipv6Only: boolean;
    }
  | {
      readonly op: "connect_datagrams";
      readonly request: number;
      readonly id: number;
      readonly remote: Endpoint;
    }
  | { readonly op: "set"; readonly id: number; readonly option: SettableOption; readonly value: boolean }
  /** No more is sent after what is in the ring. */
  | { readonly op: "end"; readonly id: number }
  /** What comes from now on is thrown away. */
  | { readonly op: "discard"; readonly id: number }
  | { readonly op: "close"; readonly id: number }
  | { readonly op: "resolve"; readonly request: number; readonly name: string; readonly family: 0 | 4 | 6 }
  /** Answered when everything before it was done, or is under way. */
  | { readonly op: "sync"; readonly request: number }
  /** Closes everything, and is answered when the ports are free. */
  | { readonly op: "reset"; readonly request: number };

export type SettableOption = "noDelay" | "keepAlive" | "broadcast";

/** To the guest. */
export type Event =
  | { readonly event: "accepted"; readonly id: number; readonly socket: Established }
  | { readonly event: "connected"; readonly id: number; readonly socket: Established }
  | { readonly event: "failed"; readonly id: number; readonly errno: Errno }
  | { readonly event: "reply"; readonly request: number; readonly errno: Errno; readonly value?: ReplyValue };

/** Of `listen` an endpoint, of `open_datagrams` the socket, of `connect_datagrams` its local endpoint, of `resolve` addresses. */
export interface ReplyValue {
  readonly local?: Endpoint;
  readonly socket?: Established;
  readonly addresses?: readonly string[];
}
