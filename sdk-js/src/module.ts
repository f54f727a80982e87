// eventseal.wasm in this engine: its one instance, its input buffer and its
// answers, as wasm/ABI.md has them. Nothing of the instance's memory is kept
// across calls: memory may grow, which detaches every view of it.
import type { Code } from "./codes.gen.js";
import { codeOf, EventSealError } from "./errors.js";

/** The version of the ABI that this SDK speaks. */
export const abiVersion = 1;

/** Most bytes of one call (wasm/module/main.go). */
export const maxInput = (8 << 20) + (64 << 10);

/** Most events of one batch. */
export const batchEvents = 1024;

/** Limits of an event in bytes: the default and the most. */
export const defaultMaxBytes = 256 << 10;
export const highestMaxBytes = 4 << 20;

type Plain = "canonicalize" | "public_key" | "public_text" | "public_of" | "private_text" | "key_from_random" | "signature_text"
  | "signature_of" | "sign_digest" | "verify_digest" | "recover" | "inclusion" | "sha256" | "register_types" | "verify_receipt";
type Judging = "create" | "name" | "sign" | "verify" | "verify_batch" | "verify_proof";

type Exports = Record<Plain, (size: number) => number> & Record<Judging, (size: number, maxBytes: number) => number> & {
  memory: WebAssembly.Memory;
  _initialize(): void;
  abi_version(): number;
  version(): number;
  input(size: number): number;
  types(): number;
  erase(): void;
};

/** Bytes as the module takes them: text is written as UTF-8, a field behind its length. */
export type Part = string | Uint8Array | Field;

/** A part behind its 4-byte length. */
export class Field {
  constructor(readonly data: string | Uint8Array) {}
}

/** What the module refuses. */
export interface Refused {
  readonly code: Code;
  readonly pointer: string;
}

/** What the module found in an event that it does not refuse. */
export interface Found {
  readonly code?: undefined;
  readonly typeCode: number;
  readonly hash: string;
  readonly recordDigest: string;
  /** Curve and compressed point, hex. */
  readonly authorKey: string;
  /** The canonical form: the record, or the preimage of an unsigned event. */
  readonly text: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

let compiled: WebAssembly.Module | undefined;
let exports: Exports | undefined;
let registered: readonly Part[] = [];

function instantiate(module: WebAssembly.Module): Exports {
  const x = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
  if (typeof x.abi_version !== "function" || typeof x._initialize !== "function") {
    throw new EventSealError("invalid_argument", "", "this is not eventseal.wasm");
  }
  x._initialize();
  if (x.abi_version() !== abiVersion) {
    throw new EventSealError("invalid_argument", "", `the module has version ${x.abi_version()} of the ABI; this SDK speaks ${abiVersion}`);
  }
  // The youngest of the exports that are called here.
  if (typeof x.verify_proof !== "function") throw new EventSealError("invalid_argument", "", "this eventseal.wasm is older than the SDK");
  return x;
}

/** Makes module the one that every function of the SDK asks. */
export function install(module: WebAssembly.Module): void {
  const fresh = instantiate(module);
  compiled = module;
  exports = fresh;
  registered = [];
}

export function installed(): WebAssembly.Module | undefined {
  return compiled;
}

function ready(): Exports {
  if (!exports) throw new EventSealError("not_initialized");
  return exports;
}

/**
 * Calls the module. It has no way to fail but running out of its memory; then
 * its state is unknown, so that the instance is thrown away and a new one
 * made: the next call works.
 */
function guarded<T>(call: (x: Exports) => T): T {
  const x = ready();
  try {
    return call(x);
  } catch (cause) {
    if (cause instanceof EventSealError) throw cause;
    exports = undefined;
    new Uint8Array(x.memory.buffer).fill(0); // it may have stopped with a key in it
    if (compiled) exports = instantiate(compiled);
    if (registered.length > 0) ask("register_types", ...registered);
    throw new EventSealError("internal", "", "the module stopped; it was started anew", { cause });
  }
}

const dataOf = (p: Part) => (p instanceof Field ? p.data : p);

/** Writes parts into the input buffer and returns their length. */
function put(x: Exports, parts: readonly Part[]): number {
  // Short text is encoded in place, into room for the longest that it can
  // become: so a private key has no copy outside of the module.
  let most = 0;
  const ready = parts.map((p) => {
    let data = dataOf(p);
    if (typeof data === "string" && data.length > 64 << 10) data = encoder.encode(data);
    most += 4 + data.length * (typeof data === "string" ? 3 : 1);
    return data;
  });
  const at = x.input(most) >>> 0;
  if (at === 0) throw new EventSealError("too_large", "", `a call takes ${maxInput} bytes`);
  const memory = x.memory.buffer;
  const numbers = new DataView(memory);
  let end = at;
  parts.forEach((p, i) => {
    const data = ready[i]!;
    const start = p instanceof Field ? end + 4 : end;
    let size = data.length;
    if (typeof data === "string") size = encoder.encodeInto(data, new Uint8Array(memory, start, 3 * data.length)).written;
    else new Uint8Array(memory, start, size).set(data);
    if (p instanceof Field) numbers.setUint32(end, size, true);
    end = start + size;
  });
  return end - at;
}

/** A copy of a run of bytes, whose address and length stand at `at`. */
function bytesAt(x: Exports, numbers: DataView, at: number): Uint8Array {
  return new Uint8Array(x.memory.buffer, numbers.getUint32(at, true), numbers.getUint32(at + 4, true)).slice();
}

function textAt(x: Exports, numbers: DataView, at: number): string {
  return decoder.decode(new Uint8Array(x.memory.buffer, numbers.getUint32(at, true), numbers.getUint32(at + 4, true)));
}

function result(x: Exports, at: number): Uint8Array | Refused {
  const numbers = new DataView(x.memory.buffer);
  const number = numbers.getUint32(at, true);
  if (number !== 0) return { code: codeOf(number), pointer: textAt(x, numbers, at + 4) };
  return bytesAt(x, numbers, at + 4);
}

/** Calls an operation that answers with bytes; returns what it refuses. */
export function attempt(op: Plain, ...parts: Part[]): Uint8Array | Refused {
  return guarded((x) => result(x, x[op](put(x, parts)) >>> 0));
}

/** Calls an operation that answers with bytes; throws what it refuses. */
export function ask(op: Plain, ...parts: Part[]): Uint8Array {
  const answer = attempt(op, ...parts);
  if (answer instanceof Uint8Array) return answer;
  throw new EventSealError(answer.code, answer.pointer);
}

/** As {@link ask}, for an answer that holds a private key: read takes what it needs, then all of it is wiped. */
export function askSecret<T>(op: "private_text" | "key_from_random", parts: Part[], read: (answer: Uint8Array) => T): T {
  const answer = guarded((x) => {
    try {
      return result(x, x[op](put(x, parts)) >>> 0);
    } finally {
      x.erase();
    }
  });
  if (!(answer instanceof Uint8Array)) throw new EventSealError(answer.code, answer.pointer);
  try {
    return read(answer);
  } finally {
    answer.fill(0);
  }
}

/** Has a proof verified; returns the report on it, JSON, or why it could not be taken apart. */
export function attemptProof(maxBytes: number, ...parts: Part[]): string | Refused {
  return guarded((x) => {
    const at = x.verify_proof(put(x, parts), maxBytes) >>> 0;
    const numbers = new DataView(x.memory.buffer);
    const text = textAt(x, numbers, at + 4);
    return text.startsWith("{") ? text : { code: codeOf(numbers.getUint32(at, true)), pointer: text };
  });
}

/** Calls an operation on one event. */
export function judge(op: "create" | "name" | "sign" | "verify", maxBytes: number, ...parts: Part[]): Found | Refused {
  return guarded((x) => verdict(x, new DataView(x.memory.buffer), x[op](put(x, parts), maxBytes) >>> 0));
}

/** Verifies up to 1,024 events in one call. */
export function judgeAll(maxBytes: number, events: readonly (string | Uint8Array)[]): (Found | Refused)[] {
  return guarded((x) => {
    const at = x.verify_batch(put(x, events.map((e) => new Field(e))), maxBytes) >>> 0;
    const numbers = new DataView(x.memory.buffer);
    const number = numbers.getUint32(at, true);
    if (number !== 0) throw new EventSealError(codeOf(number));
    const first = numbers.getUint32(at + 4, true);
    return events.map((_, i) => verdict(x, numbers, first + 168 * i));
  });
}

function verdict(x: Exports, before: DataView, at: number): Found | Refused {
  const numbers = before.buffer === x.memory.buffer ? before : new DataView(x.memory.buffer);
  const number = numbers.getUint32(at, true);
  if (number !== 0) return { code: codeOf(number), pointer: textAt(x, numbers, at + 156) };
  return {
    typeCode: numbers.getUint32(at + 4, true),
    hash: hexOf(new Uint8Array(x.memory.buffer, at + 16, 32)),
    recordDigest: hexOf(new Uint8Array(x.memory.buffer, at + 48, 32)),
    authorKey: hexOf(new Uint8Array(x.memory.buffer, at + 80, 34)),
    text: textAt(x, numbers, at + 116),
  };
}

/** Replaces the registered types; all of them or, when one is refused, none. */
export function register(types: readonly { name: string; code: number }[]): void {
  const parts = types.flatMap((t) => [uint32(t.code), new Field(t.name)]);
  registered = [];
  ask("register_types", ...parts);
  registered = parts;
}

/** Every type that the module knows. */
export function knownTypes(): { name: string; code: number }[] {
  const b = guarded((x) => result(x, x.types() >>> 0)) as Uint8Array;
  const out = [];
  for (let r = b; r.length > 0; ) {
    const code = new DataView(r.buffer, r.byteOffset).getUint32(0, true);
    const [name, rest] = takeField(r.subarray(4));
    out.push({ name: decoder.decode(name), code });
    r = rest;
  }
  return out;
}

/** The module's release, such as "0.1.0". */
export function moduleVersion(): string {
  return decoder.decode(guarded((x) => result(x, x.version() >>> 0)) as Uint8Array);
}

/** The first field of b and what follows it. */
export function takeField(b: Uint8Array): [Uint8Array, Uint8Array] {
  const size = new DataView(b.buffer, b.byteOffset).getUint32(0, true);
  return [b.subarray(4, 4 + size), b.subarray(4 + size)];
}

export function textOf(b: Uint8Array): string {
  return decoder.decode(b);
}

function uint32(n: number): Uint8Array {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setUint32(0, n, true);
  return b;
}

export function uint64(n: number | bigint): Uint8Array {
  const b = new Uint8Array(8);
  new DataView(b.buffer).setBigUint64(0, BigInt(n), true);
  return b;
}

const digits = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

export function hexOf(b: Uint8Array): string {
  let s = "";
  for (let i = 0; i < b.length; i++) s += digits[b[i]!]!;
  return s;
}

/** The bytes of size bytes in lower-case hex; undefined if text is anything else. */
export function bytesOfHex(text: unknown, size: number): Uint8Array | undefined {
  if (typeof text !== "string" || text.length !== 2 * size || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: size }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
