import { EventSealError } from "./errors.js";
import { ask, hexOf, install, installed } from "./module.js";

/** Where the module comes from: its bytes, compiled, or where to fetch it. */
export type ModuleSource = WebAssembly.Module | Uncompiled;
/** The module before it is compiled, or where it is. */
export type Uncompiled = Uint8Array | ArrayBuffer | Response | URL | string;

const mostBytes = 4 << 20;

let bytes: Uint8Array | undefined;
let digest: Promise<string> | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads the module once; calls at the same time share the work, later ones do
 * nothing unless they name a source. A failed load can be tried again.
 */
export function load(source: ModuleSource | undefined, standard: () => Promise<ModuleSource> | ModuleSource): Promise<void> {
  if (source === undefined && loading) return loading;
  const run = (async () => use(source ?? (await standard())))();
  loading = run;
  run.catch(() => {
    if (loading === run) loading = undefined;
  });
  return run;
}

async function use(source: ModuleSource): Promise<void> {
  if (source instanceof WebAssembly.Module) {
    install(source);
    bytes = digest = undefined;
    return;
  }
  const b = await bytesOf(source as Uncompiled);
  // A copy: what is told of the bytes later is of those that were compiled.
  const own = b.slice();
  const compiled = await WebAssembly.compile(own).catch((cause: unknown) => {
    throw new EventSealError("invalid_argument", "", "this is not eventseal.wasm", { cause });
  });
  install(compiled);
  bytes = own;
  digest = undefined;
}

async function bytesOf(source: Uncompiled): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) return source.slice();
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const r = source instanceof Response ? source : await fetch(source);
  if (!r.ok) throw new EventSealError("unreachable", "", `the module's address answered ${r.status}`);
  const b = new Uint8Array(await r.arrayBuffer());
  if (b.length > mostBytes) throw new EventSealError("too_large", "", "this is not eventseal.wasm");
  return b;
}

/** SHA-256 of the module that runs, hex. @throws EventSealError when init was given a compiled module, whose bytes nobody has */
export function moduleDigest(): Promise<string> {
  if (!installed()) return Promise.reject(new EventSealError("not_initialized"));
  if (!bytes) return Promise.reject(new EventSealError("invalid_argument", "", "init was given a compiled module, not its bytes"));
  return (digest ??= sha256(bytes as Uint8Array<ArrayBuffer>));
}

// crypto.subtle is missing in a page that is not served securely.
async function sha256(b: Uint8Array<ArrayBuffer>): Promise<string> {
  if (globalThis.crypto?.subtle) return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", b)));
  return hexOf(ask("sha256", b));
}
