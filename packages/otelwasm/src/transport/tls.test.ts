import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  type ConnectionOptions,
  connect,
  createServer,
  type SecureContext,
  type Server,
  type TLSSocket,
} from "node:tls";
import { silentLogger } from "../component/logger.ts";
import { applySchema } from "../config/schema.ts";
import { Authority, type Issued } from "./testing/authority.ts";
import { type LogLine, testSettings, WaitedLog } from "./testing/support.ts";
import { type ClientTls, clientTls, isPlaintext, type ServerTls, serverTls } from "./tls.ts";
import { TlsFiles } from "./tls-files.ts";
import { opensslCiphers } from "./tls-names.ts";

const authority = new Authority();
const stranger = new Authority("a stranger");
const first = authority.issue({ name: "first" });
const second = authority.issue({ name: "second" });
/** Soon, for tests that wait for a change to be noticed. */
const SOON = "5ms";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otelwasm-tls-"));
});
after(() => rm(folder, { recursive: true }));

function issues(schema: ReturnType<typeof serverTls> | ReturnType<typeof clientTls>, value: object): readonly string[] {
  const checked = applySchema<unknown>(schema, value, ["tls"]);
  return checked.ok ? [] : checked.issues;
}

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function pairOnDisk(name: string, { cert, key }: Issued): Promise<{ cert_file: string; key_file: string }> {
  return { cert_file: await put(`${name}.crt`, cert), key_file: await put(`${name}.key`, key) };
}

const server = (value: object): ServerTls => serverTls().parse(value);
const client = (value: object): ClientTls => clientTls().parse(value);

async function refusal(config: ServerTls | ClientTls): Promise<string> {
  const files = new TlsFiles(config, "r::tls", silentLogger);
  return await files.open().then(
    () => assert.fail("it was taken"),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe("keys of tls", () => {
  test("defaults are the Collector's, but for reloading", () => {
    const common = {
      min_version: "1.2",
      cipher_suites: [],
      curve_preferences: [],
      include_system_ca_certs_pool: false,
      reload_interval: 10_000,
    };
    assert.deepEqual(client({ server_name_override: "x" }), {
      ...common,
      insecure: false,
      insecure_skip_verify: false,
      server_name_override: "x",
    });
    assert.deepEqual(server({ cert_file: "c", key_file: "k", client_ca_file: "", ca_pem: "  " }), {
      ...common,
      ca_pem: undefined,
      cert_file: "c",
      key_file: "k",
      client_ca_file: undefined,
      client_ca_file_reload: true,
    });
    assert.equal(isPlaintext(client({ insecure: true })), true);
    assert.equal(isPlaintext(client({ insecure: true, ca_file: "ca" })), false);
  });

  test("what does not go together is refused with its path", () => {
    assert.deepEqual(issues(serverTls(), {}), [
      "tls: must include both certificate and key (cert_file and key_file, or cert_pem and key_pem)",
    ]);
    assert.deepEqual(issues(serverTls(), { cert_file: "c" }), [
      "tls::key_file: is required, or key_pem: there is a certificate",
    ]);
    assert.deepEqual(issues(clientTls(), { key_pem: "k" }), [
      "tls::cert_file: is required, or cert_pem: there is a key",
    ]);
    assert.deepEqual(
      issues(clientTls(), {
        ca_file: "a",
        ca_pem: "a",
        cert_file: "c",
        cert_pem: "c",
        key_file: "k",
        key_pem: "k",
        min_version: "1.3",
        max_version: "1.2",
        cipher_suites: ["TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"],
      }),
      [
        "tls::ca_pem: provide either a file or the PEM-encoded string, but not both",
        "tls::cert_pem: provide either a file or the PEM-encoded string, but not both",
        "tls::key_pem: provide either a file or the PEM-encoded string, but not both",
        'tls::max_version: must not be below min_version, which is "1.3"',
        'tls::cipher_suites::1: "TLS_RSA_WITH_AES_128_CBC_SHA" needs include_insecure_cipher_suites',
        'tls::cipher_suites::2: "AES128-SHA" is not a cipher suite that Go and Node.js have',
      ],
    );
    assert.deepEqual(issues(clientTls(), { min_version: 1.2, curve_preferences: ["P999"], tpm: { enabled: true } }), [
      'tls::min_version: must be one of "1.0", "1.1", "1.2", "1.3", not the number 1.2',
      'tls::curve_preferences::0: must be one of "X25519", "P256", "P384", "P521", "X25519MLKEM768", not "P999"',
      "tls::tpm: a key in a trusted platform module is not supported: name a file in key_file",
    ]);
    assert.match(issues(clientTls(), { client_ca_file: "x" })[0]!, /^tls::client_ca_file: unknown key/);
    assert.deepEqual(
      issues(clientTls(), { cipher_suites: ["TLS_RSA_WITH_AES_128_CBC_SHA"], include_insecure_cipher_suites: true }),
      [],
    );
  });
});

describe("files of tls", () => {
  test("what cannot be used is refused by key and file", async () => {
    const { cert_file, key_file } = await pairOnDisk("good", first);
    const nowhere = join(folder, "nowhere.pem");
    assert.equal(
      await refusal(server({ cert_file: nowhere, key_file })),
      `r::tls::cert_file: cannot read "${nowhere}": there is no such file (ENOENT)`,
    );
    assert.match(
      await refusal(server({ cert_file, key_file: folder })),
      /^r::tls::key_file: cannot read .* is a folder/,
    );
    assert.match(
      await refusal(server({ cert_file: key_file, key_file })),
      /^r::tls::cert_file: ".*good\.key" has no certificate that can be read/,
    );
    assert.match(
      await refusal(server({ cert_file, key_file: cert_file })),
      /^r::tls::key_file: ".*good\.crt" has no private key that can be read/,
    );
    const other = await put("other.key", second.key);
    assert.equal(
      await refusal(server({ cert_file, key_file: other })),
      `r::tls::key_file: "${other}" does not have the private key of the certificate of r::tls::cert_file: "${cert_file}"`,
    );
    assert.match(
      await refusal(server({ cert_file, key_pem: second.key })),
      /^r::tls::key_pem does not have the private key/,
    );
    for (const reload of [true, false]) {
      const config = { cert_file, key_file, client_ca_file: key_file, client_ca_file_reload: reload };
      assert.match(await refusal(server(config)), /^r::tls::client_ca_file: .* has no certificate/);
      assert.match(
        await refusal(server({ ...config, client_ca_file: nowhere })),
        /^r::tls::client_ca_file: cannot read/,
      );
    }
    assert.match(await refusal(client({ ca_pem: "hello" })), /^r::tls::ca_pem has no certificate that can be read/);
  });

  test("a certificate and its key may lie in one file, and one that has expired is spoken of", async () => {
    const old = authority.issue({ notBefore: new Date(0), notAfter: new Date(1_000) });
    const path = await put("both.pem", `${old.cert}${old.key}`);
    const lines: LogLine[] = [];
    const files = new TlsFiles(
      server({ cert_file: path, key_file: path }),
      "tls",
      testSettings("x", "logs", lines).logger,
    );
    await files.open();
    files.close();
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [["warn", "The TLS certificate has expired on Jan  1 00:00:01 1970 GMT"]],
    );
  });

  test("versions, ciphers and curves come to OpenSSL by its own names", async () => {
    const { cert_file, key_file } = await pairOnDisk("names", first);
    const files = new TlsFiles(
      server({
        cert_file,
        key_file,
        min_version: "1.1",
        max_version: "1.2",
        cipher_suites: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
        curve_preferences: ["P384", "X25519"],
      }),
      "tls",
      silentLogger,
    );
    await files.open();
    files.close();
    const { minVersion, maxVersion, ciphers, ecdhCurve } = files.options;
    assert.deepEqual([minVersion, maxVersion, ecdhCurve], ["TLSv1.1", "TLSv1.2", "P-384:X25519"]);
    assert.equal(ciphers, `${opensslCiphers([])}:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0`);
  });
});

interface Listening {
  readonly server: Server;
  readonly port: number;
}

async function listening(files: TlsFiles, mutual = false): Promise<Listening> {
  const made = createServer({ ...files.options, requestCert: mutual, rejectUnauthorized: mutual });
  made.on("tlsClientError", () => undefined);
  made.on("secureConnection", (socket) => socket.on("error", () => undefined).pipe(socket));
  made.listen(0, "127.0.0.1");
  await once(made, "listening");
  const address = made.address();
  assert.ok(typeof address === "object" && address !== null);
  return { server: made, port: address.port };
}

/** Resolves when a byte has come back: only then has a server of TLS 1.3 taken the client's certificate. */
async function call(port: number, context: SecureContext): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", secureContext: context });
  socket.write("x");
  await Promise.race([once(socket, "data"), once(socket, "close").then(() => assert.fail("closed"))]);
  return socket;
}

async function nameServed(port: number): Promise<string> {
  const trusting = new TlsFiles(client({ ca_pem: authority.cert }), "tls", silentLogger);
  await trusting.open();
  const socket = await call(port, trusting.context);
  const subject = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  assert.ok(typeof subject === "string");
  return subject;
}

describe("what is agreed upon", () => {
  const OLD = { minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  const cases: readonly [config: object, client: ConnectionOptions, version: string, more: RegExp][] = [
    [{ min_version: "1.0", max_version: "1.1" }, OLD, "TLSv1.1", /./],
    [{ min_version: "1.3" }, {}, "TLSv1.3", /./],
    [{ max_version: "1.2" }, {}, "TLSv1.2", /./],
    [{ curve_preferences: ["P384"] }, {}, "TLSv1.3", /secp384r1/],
    [
      { cipher_suites: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], max_version: "1.2" },
      {},
      "TLSv1.2",
      /TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256/,
    ],
  ];
  for (const [config, options, version, more] of cases) {
    test(JSON.stringify(config), async () => {
      const files = new TlsFiles(server({ cert_pem: first.cert, key_pem: first.key, ...config }), "tls", silentLogger);
      await files.open();
      const listener = await listening(files);
      const socket = connect({ port: listener.port, host: "localhost", ca: authority.cert, ...options });
      await once(socket, "secureConnect");
      assert.equal(socket.getProtocol(), version);
      assert.match(JSON.stringify([socket.getCipher(), socket.getEphemeralKeyInfo()]), more);
      socket.destroy();
      listener.server.close();
      files.close();
    });
  }
});

describe("changes", () => {
  test("a new certificate is for new connections, a bad one is not taken, and is told of once", async () => {
    const { cert_file, key_file } = await pairOnDisk("turn", first);
    const log = new WaitedLog();
    const config = server({ cert_file, key_file, reload_interval: SOON });
    const files = new TlsFiles(config, "r::tls", log);
    let changed = Promise.withResolvers<void>();
    let listener: Listening | undefined;
    await files.open((options) => {
      listener?.server.setSecureContext(options);
      changed.resolve();
    });
    listener = await listening(files);
    const { port } = listener;
    assert.equal(await nameServed(port), "first");

    const trusting = new TlsFiles(client({ ca_pem: authority.cert }), "tls", silentLogger);
    await trusting.open();
    const kept = await call(port, trusting.context);

    // Half of the change: the key does not belong to it.
    await writeFile(cert_file, second.cert);
    assert.match(
      await log.line(/private key/),
      /those from before stay in use: r::tls::key_file: .* does not have the private key/,
    );
    assert.equal(await nameServed(port), "first");
    await writeFile(key_file, second.key);
    await changed.promise;
    assert.equal(await nameServed(port), "second");

    changed = Promise.withResolvers();
    await rm(key_file);
    await log.line(/ENOENT/);
    assert.equal(await nameServed(port), "second");
    await Promise.all([writeFile(cert_file, first.cert), writeFile(key_file, first.key)]);
    await changed.promise;
    assert.equal(await nameServed(port), "first");

    kept.write("y");
    const [echo]: unknown[] = await once(kept, "data");
    assert.equal(String(echo), "y");
    kept.destroy();
    files.close();
    listener.server.close();
    assert.equal(log.lines.filter((message) => message.includes("ENOENT")).length, 1);
  });

  test("a folder's link that leads elsewhere is a change", async () => {
    const one = await mkdtemp(join(folder, "one-"));
    const two = await mkdtemp(join(folder, "two-"));
    for (const [at, { cert, key }] of [
      [one, first],
      [two, second],
    ] as const) {
      await writeFile(join(at, "tls.crt"), cert);
      await writeFile(join(at, "tls.key"), key);
    }
    // As Kubernetes has it: files -> ..data/file, ..data -> a folder, and that link is replaced.
    const data = join(folder, "..data");
    await symlink(one, data);
    for (const name of ["tls.crt", "tls.key"]) await symlink(join(data, name), join(folder, name));
    const config = { cert_file: join(folder, "tls.crt"), key_file: join(folder, "tls.key"), reload_interval: SOON };
    const files = new TlsFiles(server(config), "tls", silentLogger);
    const changed = Promise.withResolvers<void>();
    await files.open(() => changed.resolve());
    await symlink(two, join(folder, "..tmp"));
    await rename(join(folder, "..tmp"), data);
    await changed.promise;
    assert.equal(files.options.cert, second.cert);
    files.close();
  });

  test("whom a server trusts follows its file, unless that is switched off", async () => {
    for (const follow of [true, false]) {
      const pair = await pairOnDisk(`mutual-${follow}`, first);
      const client_ca_file = await put(`clients-${follow}.pem`, stranger.cert);
      const config = server({ ...pair, client_ca_file, client_ca_file_reload: follow, reload_interval: SOON });
      const files = new TlsFiles(config, "tls", silentLogger);
      let listener: Listening | undefined;
      const changed = Promise.withResolvers<void>();
      await files.open((options) => {
        listener?.server.setSecureContext(options);
        changed.resolve();
      });
      listener = await listening(files, true);
      const { cert, key } = authority.issue();
      const mine = new TlsFiles(client({ ca_pem: authority.cert, cert_pem: cert, key_pem: key }), "tls", silentLogger);
      await mine.open();
      const nobody = new TlsFiles(client({ ca_pem: authority.cert }), "tls", silentLogger);
      await nobody.open();
      const { port } = listener;
      await assert.rejects(call(port, mine.context));
      await assert.rejects(call(port, nobody.context));
      await writeFile(client_ca_file, authority.cert);
      if (!follow) await writeFile(pair.cert_file, `${first.cert}\n`);
      await changed.promise;
      if (follow) (await call(port, mine.context)).destroy();
      else await assert.rejects(call(port, mine.context));
      await assert.rejects(call(port, nobody.context));
      files.close();
      listener.server.close();
    }
  });
});
