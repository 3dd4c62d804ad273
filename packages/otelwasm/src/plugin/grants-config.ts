/** What a component's configuration grants its plugin, and how that becomes the grants that the plugin is loaded with. */
import { resolve } from "node:path";
import { type ZodType, z } from "zod";
import type { FileGrant, NetworkGrant, WasiGrants } from "../wasi/grants.ts";
import { patternProblem } from "../wasi/sockets/grants.ts";
import { givenTwice, guestPathProblem } from "./grants.ts";

/** As the schema leaves it. What is not there is not granted. */
export interface GrantsConfig {
  /** `null`: the value that the variable has on the host. */
  readonly env?: Readonly<Record<string, string | null>> | undefined;
  readonly args?: readonly string[] | undefined;
  readonly files?: readonly FileConfig[] | undefined;
  readonly network?: { readonly [K in keyof NetworkGrant]?: NetworkGrant[K] | undefined } | undefined;
}

interface FileConfig {
  /** A directory; relative to the current one. */
  readonly host: string;
  /** Its path for the plugin. Default: the same. */
  readonly guest?: string | undefined;
  /** Default: `read_only`. */
  readonly mode?: "read_only" | "read_write" | undefined;
}

const text = z.string().refine((value) => !value.includes("\0"), "must not contain a zero byte");
const name = z.string().regex(/^[^=\0]+$/, 'must be a name of a variable: not empty, and without "="');
const variables = z.record(name, text.nullable());

/** A map, or a list of names and maps. */
const env = z.union([
  variables,
  z.array(z.union([name, variables])).transform((list, context) => {
    const all: Record<string, string | null> = {};
    for (const item of list)
      for (const [name, text] of typeof item === "string" ? [[item, null] as const] : Object.entries(item)) {
        if (Object.hasOwn(all, name))
          context.addIssue({ code: "custom", message: `${JSON.stringify(name)} is given twice` });
        all[name] = text;
      }
    return all;
  }),
]);

function patterns(key: keyof NetworkGrant): ZodType<readonly string[] | undefined> {
  const pattern = z.string().superRefine((text, context) => {
    const message = patternProblem(key, text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
  return z.array(pattern).optional();
}

const file = z.strictObject({
  host: z.string().min(1, "must name a directory"),
  guest: z
    .string()
    .superRefine((path, context) => {
      const message = guestPathProblem(path);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .optional(),
  mode: z.enum(["read_only", "read_write"]).optional(),
});

const files = z.array(file).superRefine((all, context) => {
  const paths = all.map((one) => fileGrant(one).guest);
  for (const [i, path] of paths.entries())
    if (paths.indexOf(path) < i) context.addIssue({ code: "custom", path: [i, "guest"], message: givenTwice(path) });
});

/** The keys beside those of `pluginConfigSchema`. Whether the host has what they name is looked at when the plugin is loaded. */
export const grantKeys: { readonly [K in keyof GrantsConfig]-?: ZodType<GrantsConfig[K]> } = {
  env: env.optional(),
  args: z.array(text).optional(),
  files: files.optional(),
  network: z
    .strictObject({
      listen: patterns("listen"),
      connect: patterns("connect"),
      resolve: patterns("resolve"),
    })
    .optional(),
};

/**
 * @param hostEnv where variables come from that have no value in the configuration
 * @param warn told of each that the host does not have: the plugin runs without it, as a process would
 */
export function grantsOf(
  config: GrantsConfig,
  hostEnv: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): WasiGrants {
  const { args = [], files = [], network = {} } = config;
  const { listen = [], connect = [], resolve: names = [] } = network;
  const variables: Record<string, string> = {};
  for (const [name, given] of Object.entries(config.env ?? {})) {
    const text = given ?? hostEnv[name];
    if (text !== undefined) variables[name] = text;
    else
      warn(
        `env: there is no variable ${name} in the collector's environment, so the plugin has none; set it, or give it a value, as { ${name}: value }`,
      );
  }
  return { args, env: variables, files: files.map(fileGrant), network: { listen, connect, resolve: names } };
}

function fileGrant({ host, guest, mode }: FileConfig): FileGrant {
  return { host, guest: guest ?? resolve(host), writable: mode === "read_write" };
}
