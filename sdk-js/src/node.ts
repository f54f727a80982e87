// The entry for Node, Deno and Bun, which read the module from the disk.
import { readFile } from "node:fs/promises";
import { load, type ModuleSource } from "./load.js";

export * from "./api.js";
export { VerifierPool } from "./pool.node.js";

/** As in index.ts. */
export function init(source?: ModuleSource): Promise<void> {
  return load(source, () => readFile(new URL("./eventseal.wasm", import.meta.url)));
}
