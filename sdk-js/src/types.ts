import type { Json, JsonObject } from "./snapshot.js";

/** The event types that every module knows, with their on-chain codes. */
export const EventTypes = {
  CREATE_RELEASE_BUNDLE: 21,
  CREATE_GROUP: 22,
  ADD_MEMBER: 23,
  REMOVE_MEMBER: 24,
  ADD_CLAIM: 30,
  EDIT_CLAIM: 31,
  DELETE_CLAIM: 32,
  VOTE: 40,
  LIKE: 41,
  DISCUSS: 42,
  FINALIZE: 50,
  DISTRIBUTE_REWARDS: 51,
  MERGE_NODE: 60,
  SPLIT_NODE: 61,
} as const;

/** The name of a type: a known one, or one that was registered. */
export type EventType = keyof typeof EventTypes | (string & {});

/** An event before it is signed. */
export interface UnsignedEvent {
  readonly v: 1;
  readonly type: EventType;
  /** PUB_K1_…, PUB_R1_… or legacy EOS…, as the author spelt it. */
  readonly author_pubkey: string;
  /** Unix seconds. */
  readonly created_at: number;
  /** Hashes of other events: 64 lower-case hex digits each, at most 256. */
  readonly parents: readonly string[];
  readonly body: { readonly [name: string]: Json };
  /** Absent and {} are different events. */
  readonly proofs?: { readonly [name: string]: Json };
}

/** An event with its signature. That it has one says nothing of whether it is valid. */
export interface SignedEvent extends UnsignedEvent {
  /** SIG_K1_… or SIG_R1_… */
  readonly sig: string;
}

/** What {@link createEvent} makes: the exact bytes that a signature is for. */
export interface CreatedEvent {
  /** What canonical says, as a deep-frozen object. */
  readonly event: UnsignedEvent;
  /** The preimage: RFC 8785 form of the event without signature. Show this to the person who signs. */
  readonly canonical: string;
  /** SHA-256 of canonical, hex: the event's identity. */
  readonly hash: string;
  /** The same 32 bytes; a copy of the caller's own. */
  readonly hashBytes: Uint8Array;
}

/** A limit other than the default. */
export interface Limit {
  /** Most bytes of an event, as it comes and in canonical form. Default 262,144, at most 4,194,304. */
  maxBytes?: number;
}

/** An event in any form: an object, JSON text, its UTF-8 bytes, or what verification made of it. */
export type EventInput = VerifiedEvent | JsonObject | SignedEvent | UnsignedEvent | string | Uint8Array | ArrayBuffer;

export type { Json, JsonObject };

/** @internal What verification found. */
export interface Findings {
  readonly hash: string;
  readonly recordDigest: string;
  readonly typeCode: number;
  readonly authorKey: string;
  readonly text: string;
}

const key = Symbol("verified");
let make: (from: Findings) => VerifiedEvent;

/**
 * An event that was verified here: form, author, signature and hash. Only the
 * verifying functions make one, from a copy of what they verified, and it is
 * deep-frozen: it cannot come to say something else. A copy by spread or
 * structuredClone is no VerifiedEvent.
 */
export class VerifiedEvent {
  readonly #sealed = true;
  readonly valid = true;
  /** SHA-256 of the preimage, hex. */
  readonly hash: string;
  /** SHA-256 of record, hex. */
  readonly recordDigest: string;
  /** On-chain code of the type. */
  readonly typeCode: number;
  /** Curve (00 K1, 01 R1) and compressed point of the author's key, hex: the same for every spelling of the key. */
  readonly authorKey: string;
  /** The canonical text of the signed event: the bytes that are stored and served. */
  readonly record: string;
  /** The event as record says it, deep-frozen. */
  readonly event: SignedEvent;

  static {
    make = (from) => new VerifiedEvent(key, from);
  }

  private constructor(by: typeof key, from: Findings) {
    if (by !== key) throw new TypeError("only verification makes a VerifiedEvent");
    this.hash = from.hash;
    this.recordDigest = from.recordDigest;
    this.typeCode = from.typeCode;
    this.authorKey = from.authorKey;
    this.record = from.text;
    this.event = frozen(JSON.parse(from.text) as SignedEvent);
    Object.freeze(this);
  }

  /** Reports whether x is a VerifiedEvent that verification made, and not something that looks like one. */
  static is(x: unknown): x is VerifiedEvent {
    return typeof x === "object" && x !== null && #sealed in x && x.#sealed;
  }
}

/** @internal */
export const sealed = (from: Findings): VerifiedEvent => make(from);

/** Freezes a value of JSON.parse, all the way down, and returns it. */
export function frozen<T>(v: T): T {
  if (typeof v === "object" && v !== null) {
    for (const member of Object.values(v)) frozen(member);
    Object.freeze(v);
  }
  return v;
}
