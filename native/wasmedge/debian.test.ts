import assert from "node:assert/strict";
import { test } from "node:test";
import { sourcesOf } from "./debian.ts";

const HOST = "http://packages.example/debian";

test("sources as paragraphs: what is Debian's, for the other release", () => {
  const text = `# A comment
Types: deb deb-src
URIs: ${HOST}
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: ${HOST}-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://elsewhere.example/
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/
Suites: bookworm
Components: main

Types: deb-src
URIs: ${HOST}
Suites: bookworm
Components: main
`;
  assert.equal(
    sourcesOf("trixie", [{ paragraphs: true, text }]),
    `types: deb
uris: ${HOST}
suites: trixie trixie-updates
components: main
signed-by: 
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

types: deb
uris: ${HOST}-security
suites: trixie-security
components: main
signed-by: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  );
});

test("sources as lines", () => {
  const text = `# deb ${HOST} bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] ${HOST} stable main contrib
deb-src ${HOST} stable main
deb ${HOST} trixie-updates main
deb http://elsewhere.example/ focal main
`;
  assert.equal(
    sourcesOf("trixie", [{ paragraphs: false, text }]),
    `types: deb
uris: ${HOST}
suites: trixie
signed-by: /usr/share/keyrings/debian.gpg
components: main

types: deb
uris: ${HOST}
suites: trixie-updates
components: main
`,
  );
});

test("a machine with other packages has none", () => {
  const text = "deb http://archive.example/ubuntu noble main\n";
  assert.equal(sourcesOf("trixie", [{ paragraphs: false, text }]), "");
  assert.equal(sourcesOf("trixie", []), "");
});
