// For tests of TLS: certificates as they are needed, RFC 5280 in DER, with elliptic curve keys.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

const OID = {
  commonName: "550403",
  subjectKeyIdentifier: "551d0e",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  authorityKeyIdentifier: "551d23",
  ecdsaWithSha256: "2a8648ce3d040302",
} as const;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const octets = (bytes: Uint8Array): Buffer => der(0x04, bytes);
const name = (text: string): Buffer => sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(text)))));
const time = (date: Date): Buffer =>
  der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), octets(value));

function generalName(host: string): Buffer {
  return isIP(host) === 4 ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

export interface CertificateOptions {
  readonly name?: string;
  /** Names and IPv4 addresses. Default: localhost and 127.0.0.1. */
  readonly hosts?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** A certificate and its key, as PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

/** Signs certificates; `cert` is its own. */
export class Authority implements Issued {
  readonly cert: string;
  readonly key: string;
  readonly #name: string;
  readonly #keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } = newKeys();

  constructor(name = "otelwasm test authority") {
    this.#name = name;
    this.key = this.#keys.privateKey.export({ type: "pkcs8", format: "pem" });
    this.cert = this.#sign({ name, hosts: [] }, this.#keys.publicKey, true);
  }

  issue(options: CertificateOptions = {}): Issued {
    const { publicKey, privateKey } = newKeys();
    return {
      cert: this.#sign(options, publicKey, false),
      key: privateKey.export({ type: "pkcs8", format: "pem" }),
    };
  }

  #sign(options: CertificateOptions, publicKey: KeyObject, isAuthority: boolean): string {
    const hosts = options.hosts ?? ["localhost", "127.0.0.1"];
    const algorithm = sequence(oid(OID.ecdsaWithSha256));
    const serial = randomBytes(16);
    serial[0] = (serial[0]! & 0x7f) | 0x40;
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, serial),
      algorithm,
      name(this.#name),
      sequence(
        time(options.notBefore ?? new Date(Date.now() - DAY_MS)),
        time(options.notAfter ?? new Date(Date.now() + 365 * DAY_MS)),
      ),
      name(options.name ?? "otelwasm test"),
      publicKey.export({ type: "spki", format: "der" }),
      der(
        0xa3,
        sequence(
          extension(OID.basicConstraints, true, sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
          extension(OID.subjectKeyIdentifier, false, octets(keyId(publicKey))),
          extension(OID.authorityKeyIdentifier, false, sequence(der(0x80, keyId(this.#keys.publicKey)))),
          ...(hosts.length === 0 ? [] : [extension(OID.subjectAltName, false, sequence(...hosts.map(generalName)))]),
        ),
      ),
    );
    const signature = sign("sha256", body, this.#keys.privateKey);
    return pem("CERTIFICATE", sequence(body, algorithm, der(0x03, Buffer.from([0]), signature)));
  }
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}
