/**
 * The SDK for pages and workers. `init()` fetches eventseal.wasm from beside
 * this file; bundlers know the pattern and bring it along.
 *
 * @module eventseal
 */
import { integrity } from "./digest.gen.js";
import { load, type ModuleSource } from "./load.js";

export * from "./api.js";
export { VerifierPool } from "./pool.web.js";

/**
 * Loads the module, once, before anything else is called. Without a source it
 * is the one of this package, held to its known digest. With one: its bytes, a
 * compiled module, a Response, or where to fetch it.
 */
export function init(source?: ModuleSource): Promise<void> {
  return load(source, () => fetch(new URL("./eventseal.wasm", import.meta.url), { integrity }));
}
