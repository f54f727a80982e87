/**
 * The SDK with the module inside: one more import and nothing to serve beside
 * it, for some 30 KB more on the wire than the file.
 *
 * @module eventseal/inline
 */
import { deflated } from "./embedded.gen.js";
import { load, type ModuleSource } from "./load.js";

export * from "./api.js";
export { VerifierPool } from "./pool.web.js";

/** Loads the module, once, before anything else is called: the one inside, or source. */
export function init(source?: ModuleSource): Promise<void> {
  return load(source, () => {
    const packed = Uint8Array.from(atob(deflated), (c) => c.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")));
  });
}
