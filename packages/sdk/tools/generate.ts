// Writes the guest's accessors for OTLP's messages from the .proto files: `npm run generate` at the repository's root.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { emitFile } from "./emit.ts";

/** The .proto files whose messages plugins see, without folder and version. */
const FILES = ["common", "resource", "trace", "metrics", "logs"];
const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** @returns the content of each generated file by its path below the repository's root */
export async function generateSdk(): Promise<Map<string, string>> {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(repository, "proto", target);
  await root.load(
    FILES.map((name) => `opentelemetry/proto/${name}/v1/${name}.proto`),
    { alternateCommentMode: true },
  );
  root.resolveAll();
  const files = new Map<string, string>();
  for (const name of FILES) {
    const namespace = root.lookup(`opentelemetry.proto.${name}.v1`);
    if (!(namespace instanceof protobuf.Namespace)) throw new Error(`${name}.proto has no namespace`);
    files.set(`packages/sdk/assembly/generated/${name}.ts`, emitFile(name, namespace));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, content] of await generateSdk()) writeFileSync(join(repository, path), content);
}

/** @returns the paths of generated files whose checked-in content differs from what {@link generateSdk} answers now */
export async function staleFiles(): Promise<string[]> {
  const files = await generateSdk();
  return [...files]
    .filter(([path, content]) => readFileSync(join(repository, path), "utf8") !== content)
    .map(([path]) => path);
}
