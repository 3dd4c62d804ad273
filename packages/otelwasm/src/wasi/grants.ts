/** What a guest may use of the machine it runs on. Everything is empty unless the component's configuration says otherwise. Plain data: it crosses to the guest's thread. */
export interface WasiGrants {
  /** What `args_get` gives, the program's name first where the guest expects one. */
  readonly args: readonly string[];
  /** Names and values, resolved already. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly FileGrant[];
  readonly network: NetworkGrant;
}

/** A directory that is opened before the guest runs: a preopen. */
export interface FileGrant {
  /** The directory on the host, absolute. */
  readonly host: string;
  /** Its path in the guest's eyes, absolute. */
  readonly guest: string;
  readonly writable: boolean;
}

/** Patterns: see `sockets/grants.ts` for how they are written and matched. */
export interface NetworkGrant {
  /** Addresses that a socket may listen on: `HOST:PORT`, `*` for any. */
  readonly listen: readonly string[];
  /** Addresses that a socket may connect or send to: `HOST:PORT`, names, addresses or CIDR blocks, `*` for any. */
  readonly connect: readonly string[];
  /** Names that may be resolved, `*` for any, `*.example.com` for those below a domain. Names in `connect` may be resolved anyway. */
  readonly resolve: readonly string[];
}

export const NO_GRANTS: WasiGrants = {
  args: [],
  env: {},
  files: [],
  network: { listen: [], connect: [], resolve: [] },
};
