import { EventSealError, titleOf, type ErrorCode } from "./errors.js";
import {
  batchEvents, bytesOfHex, defaultMaxBytes, Field, highestMaxBytes, judge, judgeAll, knownTypes, maxInput, register, textOf, ask, attempt, uint64,
  type Found, type Refused,
} from "./module.js";
import { secretOf, type PrivateKey } from "./keys.js";
import { signatureOf, type Signer } from "./signer.js";
import { snapshot, stringify, textOrBytes, type JsonInput, type JsonInputObject, type JsonObject, type JsonText } from "./snapshot.js";
import { frozen, sealed, VerifiedEvent, type CreatedEvent, type EventInput, type EventType, type Limit, type SignedEvent, type UnsignedEvent } from "./types.js";

/** An event that is not valid, and why. */
export interface InvalidEvent {
  readonly valid: false;
  /** The first fault, in the order of wasm/ABI.md. */
  readonly code: ErrorCode;
  /** JSON pointer of the fault where there is one, else "". */
  readonly pointer: string;
  /** One sentence for a person. */
  readonly message: string;
  /** The hash of what was claimed, where all but the signature is in order. */
  readonly hash?: string;
}

/** The answer of {@link verifyEvent}. */
export type Verdict = VerifiedEvent | InvalidEvent;

/** How {@link createEvent} makes an event. */
export interface CreateOptions extends Limit {
  /** Unix seconds; default: now. */
  createdAt?: number;
}

export function limitOf(o: Limit | undefined): number {
  const n = o?.maxBytes ?? defaultMaxBytes;
  if (!Number.isSafeInteger(n) || n < 1 || n > highestMaxBytes) {
    throw new EventSealError("invalid_argument", "", `maxBytes must be an integer from 1 to ${highestMaxBytes}`);
  }
  return n;
}

/**
 * Makes an unsigned event and what a signature of it is for. body, parents and
 * proofs are read once, here; body and proofs may also be JSON text, which is
 * then held to the same strictness as a whole event. Without proofs the event
 * has none.
 *
 * @throws EventSealError naming what is wrong with the event, and where
 */
export function createEvent(
  type: EventType, body: JsonInputObject | JsonText, authorPubkey: string, parents: readonly string[] = [], proofs?: JsonInputObject | JsonText, options?: CreateOptions,
): CreatedEvent {
  const most = limitOf(options);
  const createdAt = options?.createdAt ?? Math.floor(Date.now() / 1000);
  if (!Number.isSafeInteger(createdAt) || createdAt < 0) throw new EventSealError("invalid_field", "/created_at", "Unix seconds, from 0 to 2^53 − 1");
  const parts = [
    uint64(createdAt), new Field(text(type, "type", "/type")), new Field(text(authorPubkey, "authorPubkey", "/author_pubkey")),
    new Field(stringify(parents, "/parents", most)), new Field(snapshot(body, "/body", most)),
  ];
  if (proofs !== undefined) parts.push(new Field(snapshot(proofs, "/proofs", most)));
  return created(found(judge("create", most, ...parts)));
}

function text(value: unknown, name: string, pointer: string): string {
  if (typeof value !== "string") throw new EventSealError("invalid_field", pointer, `${name} must be a string`);
  return textOrBytes(value) as string;
}

function found(v: Found | Refused): Found {
  if (v.code !== undefined) throw new EventSealError(v.code, v.pointer);
  return v;
}

function created(v: Found): CreatedEvent {
  return Object.freeze({
    event: frozen(JSON.parse(v.text)) as UnsignedEvent,
    canonical: v.text,
    hash: v.hash,
    hashBytes: bytesOfHex(v.hash, 32)!,
  });
}

/** What is to be signed: the answer of {@link createEvent}, or an unsigned event in any form. */
export type Signable = CreatedEvent | UnsignedEvent | JsonObject | JsonText;

/**
 * Signs an event. With a private key the signature is made in the module and
 * the answer comes at once; a {@link Signer} is asked for it, and what it
 * answers is verified before it is accepted.
 *
 * @returns the signed event, deep-frozen, as its record says it
 * @throws EventSealError `hash_mismatch` when the parts of a CreatedEvent are
 * not about one event, `key_mismatch` when the key is not the author's
 */
export function signEvent(event: Signable, key: PrivateKey, options?: Limit): SignedEvent;
export function signEvent(event: Signable, signer: Signer, options?: Limit): Promise<SignedEvent>;
export function signEvent(event: Signable, key: PrivateKey | Signer, options?: Limit): SignedEvent | Promise<SignedEvent> {
  if (isSigner(key)) return signedBy(event, key, limitOf(options));
  const most = limitOf(options);
  const v = found(judge("sign", most, new Field(secretOf(key)), signable(event, most)));
  return frozen(JSON.parse(v.text) as SignedEvent);
}

const isSigner = (key: unknown): key is Signer => typeof key === "object" && key !== null && !ArrayBuffer.isView(key);

/** Lets a signer sign, and verifies the whole of what comes of it. */
async function signedBy(event: Signable, signer: Signer, most: number): Promise<SignedEvent> {
  const c = created(found(judge("name", most, signable(event, most))));
  if ("sig" in c.event) throw new EventSealError("invalid_field", "/sig", "the event is signed already");
  const sig = await signatureOf(c, signer);
  const v = found(judge("verify", most, `${c.canonical.slice(0, -1)},"sig":${JSON.stringify(sig)}}`));
  if (v.hash !== c.hash) throw new EventSealError("hash_mismatch");
  return frozen(JSON.parse(v.text) as SignedEvent);
}

/** The text of what is to be signed, once it is certain that all parts of a CreatedEvent say the same. */
function signable(input: Signable, most: number): string | Uint8Array {
  const given = textOrBytes(input);
  if (given !== undefined) return given;
  if (typeof input !== "object" || input === null) throw new EventSealError("invalid_argument", "", "an event is an object, JSON text or bytes");
  const { canonical, hash, event } = input as Partial<CreatedEvent>;
  if (canonical === undefined && hash === undefined) return stringify(input, "", most);
  const shown = textOrBytes(canonical);
  if (typeof shown !== "string") throw new EventSealError("invalid_argument", "/canonical", "it must be text");
  const v = found(judge("name", most, shown));
  if (v.text !== shown || v.hash !== hash) throw new EventSealError("hash_mismatch", "/canonical", "canonical is not the canonical form of hash");
  if (event !== undefined && found(judge("name", most, stringify(event, "/event", most))).hash !== hash) {
    throw new EventSealError("hash_mismatch", "/event", "event is not what was created");
  }
  return shown;
}

/**
 * Verifies a signed event in any form: one answer, never a mark on what was
 * handed in. `valid: true` comes with a new, deep-frozen copy of the event.
 *
 * @throws EventSealError `invalid_argument` for what is no event at all, such
 * as a number
 */
export function verifyEvent(event: EventInput, options?: Limit): Verdict {
  const most = limitOf(options);
  const input = eventInput(event, most);
  if (!isInput(input)) return input;
  return verdictOf(judge("verify", most, input), input, most);
}

/** An event as the module takes it. */
export type Input = string | Uint8Array;
export const isInput = (x: Input | InvalidEvent): x is Input => typeof x === "string" || x instanceof Uint8Array;

/** What the module is asked about, or what is wrong with it before it could be asked. */
export function eventInput(event: EventInput, most: number): Input | InvalidEvent {
  if ((typeof event !== "string" && typeof event !== "object") || event === null) {
    throw new EventSealError("invalid_argument", "", "an event is an object, JSON text or bytes");
  }
  try {
    const input = VerifiedEvent.is(event) ? event.record : snapshot(event, "", most);
    if (input.length > most) return invalid({ code: "too_large", pointer: "" });
    // A copy: whoever reads events into one buffer fills it anew while this one waits for its turn.
    return typeof input === "string" ? input : input.slice();
  } catch (e) {
    if (e instanceof EventSealError && e.code !== "not_initialized") return invalid(e);
    throw e;
  }
}

const aboutSignature: readonly string[] = ["invalid_signature", "noncanonical_signature", "signature_mismatch", "invalid_public_key"];

export function verdictOf(v: Found | Refused, input: Input, most: number): Verdict {
  if (v.code === undefined) return sealed(v);
  if (!aboutSignature.includes(v.code)) return invalid(v);
  const claimed = judge("name", most, input);
  return invalid(v, claimed.code === undefined ? claimed.hash : undefined);
}

export function invalid(v: { code: ErrorCode; pointer: string }, hash?: string): InvalidEvent {
  const base = { valid: false as const, code: v.code, pointer: v.pointer, message: titleOf(v.code) };
  return Object.freeze(hash === undefined ? base : { ...base, hash });
}

/**
 * Verifies many events in few calls, which is faster than one by one. It
 * holds the thread for some 50 µs an event: see verifyStream and VerifierPool
 * for large numbers in a page.
 */
export function verifyMany(events: Iterable<EventInput>, options?: Limit): Verdict[] {
  const out: Verdict[] = [];
  for (const group of groups(events, limitOf(options), batchEvents)) out.push(...verifyGroup(group, limitOf(options)));
  return out;
}

export function verifyGroup(group: readonly (Input | InvalidEvent)[], most: number): Verdict[] {
  const asked = group.filter(isInput);
  const answers = judgeAll(most, asked);
  let next = 0;
  return group.map((input) => (isInput(input) ? verdictOf(answers[next++]!, input, most) : input));
}

/** Cuts events into what one call takes. */
export function* groups(events: Iterable<EventInput>, most: number, count: number): Generator<(Input | InvalidEvent)[]> {
  let group: (Input | InvalidEvent)[] = [];
  let size = 0;
  for (const event of events) {
    const input = eventInput(event, most);
    const n = isInput(input) ? callSize(input) : 0;
    if (group.length > 0 && (group.length === count || size + n > maxInput)) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(input);
    size += n;
  }
  if (group.length > 0) yield group;
}

/** The most bytes that an input can take in a call. */
const callSize = (input: Input) => 4 + input.length * (typeof input === "string" ? 3 : 1);

/** Verifies what was read already, a few at a time, with rests. */
export async function* verifyInputs(inputs: readonly (Input | InvalidEvent)[], most: number, slices = new Slices()): AsyncGenerator<Verdict> {
  for (let first = 0; first < inputs.length; ) {
    let size = 0;
    let end = first;
    do {
      const input = inputs[end++]!;
      size += isInput(input) ? callSize(input) : 0;
    } while (end < inputs.length && end < first + stepEvents && size < stepBytes);
    yield* verifyGroup(inputs.slice(first, end), most);
    first = end;
    await slices.rest();
  }
}

// What is verified between two looks at the clock. An event of the R1 curve
// takes some 1 ms here, twenty times one of K1, and on a phone several.
const stepEvents = 4;
const stepBytes = 64 << 10;

/** Long work in a page, cut by the clock: how long an event takes is the machine's and the event's to say. */
export class Slices {
  #began = performance.now();

  /** Lets whatever else waits in the event loop run, which a promise alone does not, once the work has had its milliseconds. */
  async rest(): Promise<void> {
    if (performance.now() - this.#began < 8) return;
    await new Promise((go) => setTimeout(go, 0));
    this.#began = performance.now();
  }
}

/** Reports whether a signed event is valid; the sketch's name for {@link verifyEvent}. */
export function verifyEventSignature(event: EventInput, options?: Limit): boolean {
  return verifyEvent(event, options).valid;
}

/** Reports whether event is valid and the event of this hash. */
export function validateEventHash(event: EventInput, hash: string, options?: Limit): boolean {
  const v = verifyEvent(event, options);
  return v.valid && v.hash === hash;
}

/**
 * The RFC 8785 form of a value, or of a JSON text: a string is text, so that
 * the form of a string is `canonicalize(JSON.stringify(s))`.
 */
export function canonicalize(value: JsonInput | JsonText): string {
  return textOf(ask("canonicalize", snapshot(value)));
}

/**
 * The hash of an event, signed or not: its form is checked, its key and
 * signature are not.
 */
export function hashEvent(event: EventInput, options?: Limit): string {
  const most = limitOf(options);
  return found(judge("name", most, VerifiedEvent.is(event) ? event.record : snapshot(event, "", most))).hash;
}

/** An RFC 9162 inclusion proof of an event in a tree of event hashes. */
export interface InclusionProof {
  /** The event's hash, hex. */
  readonly hash: string;
  /** The tree's root, hex. */
  readonly root: string;
  /** The event's place in the tree, from 0. */
  readonly index: number;
  /** Number of events in the tree. */
  readonly size: number;
  /** Hashes beside the way from the event to the root, from below, hex. */
  readonly path: readonly string[];
}

/** Reports whether the proof leads from its event to its root. False for a malformed one. */
export function verifyInclusion(proof: InclusionProof): boolean {
  const { hash, root, index, size, path } = proof;
  const nodes = Array.isArray(path) && path.length <= 64 ? path.map((p) => bytesOfHex(p, 32)) : [undefined];
  const all = [bytesOfHex(hash, 32), bytesOfHex(root, 32), ...nodes];
  if (all.includes(undefined) || !natural(index) || !natural(size)) return false;
  const [h, r, ...p] = all as Uint8Array[];
  return attempt("inclusion", h!, r!, uint64(index), uint64(size), ...p) instanceof Uint8Array;
}

const natural = (n: unknown) => typeof n === "number" && Number.isSafeInteger(n) && n >= 0;

/** SHA-256 by the module, hex. */
export function sha256(data: string | Uint8Array | ArrayBuffer): string {
  const input = textOrBytes(data);
  if (input === undefined) throw new EventSealError("invalid_argument", "", "data is text or bytes");
  return Array.from(ask("sha256", input), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** A type and its on-chain code. */
export interface RegisteredType {
  readonly name: string;
  readonly code: number;
}

/**
 * Makes further types known, such as a host's; they replace those registered
 * before. @throws EventSealError `invalid_argument`, and then none is
 */
export function registerTypes(types: Iterable<RegisteredType>): void {
  const list = Array.from(types, ({ name, code }) => ({ name: text(name, "name", "/name"), code }));
  for (const { code } of list) {
    if (!natural(code) || code > 0xffffffff) throw new EventSealError("invalid_argument", "", "a type's code is an integer of 32 bits");
  }
  register(list);
}

/** Every type that the module knows now, the built-in ones first. */
export function eventTypes(): RegisteredType[] {
  return knownTypes();
}
