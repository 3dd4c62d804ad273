import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { wat } from "./wat.ts";

/** The world of a processor, as authors of plugins have it. */
const WORLD = readFileSync(fileURLToPath(import.meta.resolve("@otelwasm/sdk/wit/plugin.wit")), "utf8");

/** A world, and the core module of a component in it, in the text format. */
interface ComponentText {
  readonly module: string;
  /** Default: the world of a processor. */
  readonly wit?: string;
  /** Default: `processor`. */
  readonly world?: string;
}

/** What a compiler makes: a core module that says what world it is for. @throws Error with what is wrong with the text */
export function moduleForWorld({ module, wit = WORLD, world = "processor" }: ComponentText): Promise<Uint8Array> {
  return componentEmbed({ binary: wat(module), witSource: wit, world });
}

/** @throws Error with what is wrong with the text, or where the module does not fit the world */
export async function component(text: ComponentText): Promise<Uint8Array> {
  return componentNew(await moduleForWorld(text), []);
}
