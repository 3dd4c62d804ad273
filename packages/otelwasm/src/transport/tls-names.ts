// What Go calls things, as the Collector's configuration has them, and what OpenSSL calls them.

/** Cipher suites of TLS 1.2 and before that Go's `tls.CipherSuites()` has. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

/** Those of Go's `tls.InsecureCipherSuites()` that Node's OpenSSL still has; it has neither RC4 nor 3DES. */
const INSECURE_SUITES: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
  TLS_RSA_WITH_AES_128_CBC_SHA256: "AES128-SHA256",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: "ECDHE-ECDSA-AES128-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: "ECDHE-RSA-AES128-SHA256",
};

/** Of TLS 1.3: they cannot be chosen in Go, and are always there. */
const SUITES_1_3: readonly string[] = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];

export function isCipherSuite(name: string, insecureToo: boolean): boolean {
  return Object.hasOwn(SUITES, name) || SUITES_1_3.includes(name) || (insecureToo && isInsecureSuite(name));
}

export function isInsecureSuite(name: string): boolean {
  return Object.hasOwn(INSECURE_SUITES, name);
}

/** OpenSSL's list of ciphers for Go's names. */
export function opensslCiphers(names: readonly string[]): string {
  const older = names.flatMap((name) => SUITES[name] ?? INSECURE_SUITES[name] ?? []);
  return [...SUITES_1_3, ...older].join(":");
}

export const CURVES = {
  X25519: "X25519",
  P256: "P-256",
  P384: "P-384",
  P521: "P-521",
  X25519MLKEM768: "X25519MLKEM768",
} as const;
export type Curve = keyof typeof CURVES;

export const TLS_VERSIONS = { "1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;
export type TlsVersion = keyof typeof TLS_VERSIONS;
