import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
} from "node:tls";
import type { Logger } from "../component/logger.ts";
import type { ClientTls, ServerTls } from "./tls.ts";
import { CURVES, opensslCiphers, TLS_VERSIONS } from "./tls-names.ts";
import { FileError, readSmallFile, WatchedFiles } from "./watched-files.ts";

type FileKey = "ca_file" | "cert_file" | "key_file" | "client_ca_file";
type PemKey = "ca_pem" | "cert_pem" | "key_pem";

/** PEM text, and where it is from: `key_file: "/etc/key.pem"`, or `key_pem`. */
interface Source {
  readonly name: string;
  readonly text: string;
}

/** The certificates that `tls` names, followed when their files change. What cannot be used leaves what was there before in use. */
export class TlsFiles {
  readonly #config: ServerTls | ClientTls;
  readonly #where: string;
  readonly #logger: Logger;
  readonly #keys: readonly FileKey[];
  readonly #watched: WatchedFiles;
  #fixed: ReadonlyMap<FileKey, Buffer> = new Map();
  #options: SecureContextOptions = {};
  #context: SecureContext | undefined;
  #onReload: (options: SecureContextOptions) => void = () => {};

  /** @param where `tls` stands, for messages: `receivers::otlp::protocols::grpc::tls` */
  constructor(config: ServerTls | ClientTls, where: string, logger: Logger) {
    this.#config = config;
    this.#where = where;
    this.#logger = logger;
    this.#keys = (["ca_file", "cert_file", "key_file", "client_ca_file"] as const).filter(
      (key) => this.#path(key) !== undefined && !(key === "client_ca_file" && isFixed(config)),
    );
    this.#watched = new WatchedFiles(
      this.#keys.map((key) => this.#path(key)!),
      config.reload_interval,
      (contents) => this.#reload(contents),
      (error) => this.#keep(this.#explain(error)),
    );
  }

  /** What `tls.createServer` and `setSecureContext` take; valid after `open`. */
  get options(): SecureContextOptions {
    return this.#options;
  }

  /** The same as a context, for `tls.connect`: another after a reload, so ask for each connection. Valid after `open`. */
  get context(): SecureContext {
    if (this.#context === undefined) throw new Error(`${this.#where}: was not opened`);
    return this.#context;
  }

  /**
   * Reads and checks everything.
   *
   * @param onReload hears of each later change that can be used
   * @throws Error that names the key and the file
   */
  async open(onReload?: (options: SecureContextOptions) => void): Promise<void> {
    if (onReload !== undefined) this.#onReload = onReload;
    try {
      const path = this.#path("client_ca_file");
      if (path !== undefined && isFixed(this.#config))
        this.#fixed = new Map([["client_ca_file", await readSmallFile(path)]]);
      this.#use(await this.#watched.open());
    } catch (error) {
      this.#watched.close();
      throw this.#explain(error);
    }
  }

  close(): void {
    this.#watched.close();
  }

  #path(key: FileKey): string | undefined {
    const config: Partial<Record<FileKey, string | undefined>> = this.#config;
    return config[key];
  }

  #reload(contents: readonly Buffer[]): void {
    try {
      this.#use(contents);
    } catch (error) {
      this.#keep(this.#explain(error));
      return;
    }
    this.#logger.info("TLS certificates have changed: new connections get the new ones", { tls: this.#where });
    this.#onReload(this.#options);
  }

  #keep(error: Error): void {
    this.#logger.error(`TLS certificates cannot be read again, those from before stay in use: ${error.message}`);
  }

  #explain(error: unknown): Error {
    if (!(error instanceof FileError)) return error instanceof Error ? error : new Error(String(error));
    const key = (["ca_file", "cert_file", "key_file", "client_ca_file"] as const).find(
      (each) => this.#path(each) === error.path,
    );
    return new Error(`${this.#where}::${key}: ${error.message}`, { cause: error });
  }

  #use(contents: readonly Buffer[]): void {
    const files = new Map(this.#fixed);
    for (const [index, key] of this.#keys.entries()) files.set(key, contents[index]!);
    const source = (fileKey: FileKey, pemKey?: PemKey): Source | undefined => {
      const bytes = files.get(fileKey);
      if (bytes !== undefined)
        return { name: `${this.#where}::${fileKey}: ${JSON.stringify(this.#path(fileKey))}`, text: bytes.toString() };
      const text = pemKey === undefined ? undefined : this.#config[pemKey];
      return text === undefined ? undefined : { name: `${this.#where}::${pemKey}`, text };
    };
    const own = keyPair(source("cert_file", "cert_pem"), source("key_file", "key_pem"));
    const isServer = "client_ca_file_reload" in this.#config;
    const named = source("ca_file", "ca_pem");
    const authorities = named === undefined ? undefined : certificatesOf(named);
    const clients = isServer ? source("client_ca_file") : undefined;
    const trusted = isServer ? (clients === undefined ? undefined : certificatesOf(clients)) : authorities;
    const options: SecureContextOptions = {
      ...this.#common(),
      ...own,
      ...authoritiesOption(trusted, this.#config.include_system_ca_certs_pool, isServer),
    };
    try {
      this.#context = createSecureContext(options);
    } catch (cause) {
      throw new Error(`${this.#where}: ${messageOf(cause)}`, { cause });
    }
    this.#options = options;
    if (own !== undefined) this.#warnOfAge(own.cert);
  }

  #common(): SecureContextOptions {
    const { min_version, max_version, cipher_suites, curve_preferences } = this.#config;
    const ciphers = cipher_suites.length === 0 ? DEFAULT_CIPHERS : opensslCiphers(cipher_suites);
    return {
      minVersion: TLS_VERSIONS[min_version],
      maxVersion: TLS_VERSIONS[max_version ?? "1.3"],
      // OpenSSL has the versions below 1.2 at this level only.
      ciphers: min_version < "1.2" ? `${ciphers}:@SECLEVEL=0` : ciphers,
      ...(curve_preferences.length === 0 ? {} : { ecdhCurve: curve_preferences.map((each) => CURVES[each]).join(":") }),
    };
  }

  #warnOfAge(pem: string): void {
    const { validFrom, validTo } = new X509Certificate(pem);
    const now = Date.now();
    if (Date.parse(validTo) < now)
      this.#logger.warn(`The TLS certificate has expired on ${validTo}`, { tls: this.#where });
    else if (Date.parse(validFrom) > now)
      this.#logger.warn(`The TLS certificate is not valid before ${validFrom}`, { tls: this.#where });
  }
}

function isFixed(config: ServerTls | ClientTls): boolean {
  return "client_ca_file_reload" in config && !config.client_ca_file_reload;
}

function keyPair(cert: Source | undefined, key: Source | undefined): { cert: string; key: string } | undefined {
  if (cert === undefined || key === undefined) return undefined;
  const certificate = parse(cert, "has no certificate that can be read", () => new X509Certificate(cert.text));
  const privateKey = parse(key, "has no private key that can be read", () => createPrivateKey(key.text));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`${key.name} does not have the private key of the certificate of ${cert.name}`);
  }
  return { cert: cert.text, key: key.text };
}

function parse<T>(source: Source, problem: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`${source.name} ${problem}: ${messageOf(cause)}`, { cause });
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** As Go does, what cannot be read is passed over as long as something can. */
function certificatesOf(source: Source): readonly string[] {
  const usable = (source.text.match(CERTIFICATE) ?? []).filter((each) => {
    try {
      return new X509Certificate(each).subject !== null;
    } catch {
      return false;
    }
  });
  if (usable.length === 0) throw new Error(`${source.name} has no certificate that can be read`);
  return usable;
}

/**
 * Whom to trust. Without a word about it, a client trusts those that Node has and those that the system has, since the Collector takes the system's; where
 * they are no more than Node's, nothing is said: then all contexts share one store.
 */
function authoritiesOption(
  named: readonly string[] | undefined,
  withSystem: boolean,
  isServer: boolean,
): { readonly ca?: string[] } {
  if (named !== undefined) return { ca: withSystem ? [...named, ...getCACertificates("system")] : [...named] };
  if (isServer) return {};
  const known = new Set(getCACertificates("default"));
  const system = getCACertificates("system").filter((each) => !known.has(each));
  return system.length === 0 ? {} : { ca: [...known, ...system] };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
