// `tls` of receivers and exporters: the keys of the Collector's `configtls`.
import * as z from "zod";
import { positiveDuration, secret } from "../config/values.ts";
import { CURVES, type Curve, isCipherSuite, isInsecureSuite, TLS_VERSIONS, type TlsVersion } from "./tls-names.ts";

/** What both sides have. Of each pair of a file and a PEM text there is at most one. */
interface TlsConfig {
  readonly ca_file?: string | undefined;
  readonly ca_pem?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly cert_pem?: string | undefined;
  readonly key_file?: string | undefined;
  readonly key_pem?: string | undefined;
  readonly min_version: TlsVersion;
  /** Default: the highest that there is. */
  readonly max_version?: TlsVersion | undefined;
  /** By Go's names; empty: Node's. */
  readonly cipher_suites: readonly string[];
  /** Empty: OpenSSL's. */
  readonly curve_preferences: readonly Curve[];
  readonly include_system_ca_certs_pool: boolean;
  /** How often is looked whether the files have changed, in milliseconds. */
  readonly reload_interval: number;
}

/** It has a certificate and its key. `ca_file` and `ca_pem` are read and have no effect, as in the Collector. */
export interface ServerTls extends TlsConfig {
  /** Clients must have a certificate that one of these has signed (mTLS). */
  readonly client_ca_file?: string | undefined;
  readonly client_ca_file_reload: boolean;
}

export interface ClientTls extends TlsConfig {
  readonly insecure: boolean;
  readonly insecure_skip_verify: boolean;
  readonly server_name_override?: string | undefined;
}

/** The Collector never looks again unless it is told when; certificates that are renewed every few weeks are then forgotten. */
const RELOAD_INTERVAL_MS = 10_000;

const VERSIONS = Object.keys(TLS_VERSIONS) as readonly TlsVersion[];

/** Go's zero value: an empty text is none. */
const text = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value));
const pem = secret(z.string())
  .optional()
  .transform((value) => (value === undefined || value.trim() === "" ? undefined : value));

const version = z.union([z.enum(VERSIONS), z.literal("")]);

const common = {
  ca_file: text,
  ca_pem: pem,
  cert_file: text,
  cert_pem: pem,
  key_file: text,
  key_pem: pem,
  min_version: version.default("1.2").transform((value): TlsVersion => (value === "" ? "1.2" : value)),
  max_version: version.optional().transform((value) => (value === "" ? undefined : value)),
  cipher_suites: z.array(z.string()).default([]),
  include_insecure_cipher_suites: z.boolean().default(false),
  curve_preferences: z.array(z.enum(Object.keys(CURVES) as Curve[])).default([]),
  include_system_ca_certs_pool: z.boolean().default(false),
  reload_interval: positiveDuration().default(RELOAD_INTERVAL_MS),
  tpm: z
    .undefined({ error: "a key in a trusted platform module is not supported: name a file in key_file" })
    .optional(),
};

type Input = z.output<z.ZodObject<typeof common>>;

function check(config: Input, context: z.core.$RefinementCtx): void {
  const issue = (key: keyof Input, message: string, more: readonly PropertyKey[] = []): void => {
    context.addIssue({ code: "custom", path: [key, ...more], message });
  };
  const both = "provide either a file or the PEM-encoded string, but not both";
  if (config.ca_file !== undefined && config.ca_pem !== undefined) issue("ca_pem", both);
  if (config.cert_file !== undefined && config.cert_pem !== undefined) issue("cert_pem", both);
  if (config.key_file !== undefined && config.key_pem !== undefined) issue("key_pem", both);
  const hasCertificate = (config.cert_file ?? config.cert_pem) !== undefined;
  const hasKey = (config.key_file ?? config.key_pem) !== undefined;
  if (hasCertificate && !hasKey) issue("key_file", "is required, or key_pem: there is a certificate");
  if (hasKey && !hasCertificate) issue("cert_file", "is required, or cert_pem: there is a key");
  if (config.max_version !== undefined && VERSIONS.indexOf(config.max_version) < VERSIONS.indexOf(config.min_version))
    issue("max_version", `must not be below min_version, which is "${config.min_version}"`);
  for (const [index, name] of config.cipher_suites.entries()) {
    if (isCipherSuite(name, config.include_insecure_cipher_suites)) continue;
    const why = isInsecureSuite(name)
      ? "needs include_insecure_cipher_suites"
      : "is not a cipher suite that Go and Node.js have";
    issue("cipher_suites", `${JSON.stringify(name)} ${why}`, [index]);
  }
}

function plain({ include_insecure_cipher_suites: _insecure, tpm: _tpm, ...config }: Input): TlsConfig {
  return config;
}

/** `tls` of something that listens. */
export function serverTls(): z.ZodType<ServerTls> {
  return z
    .strictObject({
      ...common,
      client_ca_file: text,
      // The Collector's default is false, as that of all files is there; see RELOAD_INTERVAL_MS.
      client_ca_file_reload: z.boolean().default(true),
    })
    .superRefine((config, context) => {
      check(config, context);
      if ((config.cert_file ?? config.cert_pem ?? config.key_file ?? config.key_pem) === undefined)
        context.addIssue({
          code: "custom",
          message: "must include both certificate and key (cert_file and key_file, or cert_pem and key_pem)",
        });
    })
    .transform(({ client_ca_file, client_ca_file_reload, ...config }) => ({
      ...plain(config),
      client_ca_file,
      client_ca_file_reload,
    }));
}

/** `tls` of something that connects. Absent, it is `{}`: with TLS, and verified. */
export function clientTls(): z.ZodType<ClientTls> {
  return z
    .strictObject({
      ...common,
      insecure: z.boolean().default(false),
      insecure_skip_verify: z.boolean().default(false),
      server_name_override: text,
    })
    .superRefine(check)
    .transform(({ insecure, insecure_skip_verify, server_name_override, ...config }) => ({
      ...plain(config),
      insecure,
      insecure_skip_verify,
      server_name_override,
    }));
}

/** As in the Collector, `insecure` means no TLS only while no authority is named to trust. */
export function isPlaintext(tls: ClientTls): boolean {
  return tls.insecure && tls.ca_file === undefined && tls.ca_pem === undefined;
}
