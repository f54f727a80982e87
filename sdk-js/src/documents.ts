// What a host says, as this SDK hands it on: names in camel case, forms checked,
// nothing in it trusted. What is a record was verified.
import { anchorHealthOf, eventAnchorOf, type AnchorHealth, type EventAnchor } from "./anchors.js";
import type { Code } from "./codes.gen.js";
import { isCode, type ReplicaError } from "./errors.js";
import type { SignedReceipt } from "./proofs.js";
import { frozen, type VerifiedEvent } from "./types.js";
import type { InvalidEvent, RegisteredType } from "./core.js";

/** One replica's outcome: where it holds the event, or why not, or neither yet. */
export interface Location {
  readonly replica: string;
  readonly kind: string;
  /** Whether it counts towards the required redundancy. */
  readonly counts: boolean;
  readonly location?: string;
  readonly error?: string;
}

/** The host's answer to a stored event. */
export interface Receipt {
  readonly hash: string;
  /** Names the order in which the event has its sequence number. */
  readonly epoch: string;
  readonly sequence: number;
  /** False: it was stored before. */
  readonly created: boolean;
  /** Counting replicas that hold it. */
  readonly durable: number;
  readonly required: number;
  readonly locations: readonly Location[];
  /**
   * The same as the host signed it, to be kept: it proves the promise. Verified
   * when the client knows the host's keys, and else as the host gave it; absent
   * where the host signs none.
   */
  readonly signed?: SignedReceipt;
  /** Why there is no `signed` of a host that signs receipts. */
  readonly unsigned?: Code;
}

/** When a store is answered: at the quorum (default), when all replicas have it, or when the journal has it. */
export type Wait = "quorum" | "all" | "journal";

/** The outcome of one event of {@link EventSealClient.storeEvents}. */
export type StoreOutcome =
  | { readonly index: number; readonly hash: string; readonly receipt: Receipt; readonly error?: undefined }
  | { readonly index: number; readonly hash?: string; readonly receipt?: undefined; readonly error: Error };

/** An event as the host has it: verified here, with its place there. */
export interface StoredEvent {
  readonly sequence: number;
  /** Its place in the host's order, to go on after. */
  readonly position: string;
  /** When the host took it in (RFC 3339). */
  readonly admittedAt: string;
  readonly verified: VerifiedEvent;
}

/** What a host served as an event and is none, or not one that was asked for. */
export interface BadEvent {
  readonly sequence?: number;
  /** What the host says its hash is. */
  readonly hash?: string;
  readonly verdict: InvalidEvent;
}

/** Which events: several values of one member are OR, different members AND. */
export interface Filter {
  type?: string | readonly string[] | undefined;
  /** In any spelling of the key. */
  author?: string | readonly string[] | undefined;
  parent?: string | readonly string[] | undefined;
}

/** A question to {@link EventSealClient.queryPage}. */
export interface Query extends Filter {
  /** Least and greatest created_at, Unix seconds. */
  since?: number | undefined;
  until?: number | undefined;
  /** By sequence; default desc, newest first. */
  order?: "asc" | "desc" | undefined;
  /** Events of a page, 1 to 1,000; default 100. */
  limit?: number | undefined;
  /** From the page before. */
  cursor?: string | undefined;
  /** Without a cursor: begin behind this place, in the order of the answer: an event's hash, or a `position`. */
  after?: string | undefined;
  /** Also tell how many there are in all. */
  count?: boolean | undefined;
}

/** A page of events. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** What the host served and does not verify, or does not match: a host's fault or lie. */
  readonly bad: readonly BadEvent[];
  /** Where the next page begins; absent at the end. */
  readonly nextCursor?: string;
  readonly count?: number;
  /**
   * The place or cursor was of an order that the host does not have any more (its
   * journal was rebuilt, restored or rolled back): the page begins where nothing is
   * missed, and events may be in it that earlier pages had.
   */
  readonly reordered?: true;
}

/** What the host tells of an event and its copies. */
export interface EventStatus {
  readonly hash: string;
  /** Names the order in which the event has its sequence number. */
  readonly epoch: string;
  readonly sequence: number;
  readonly type: string;
  readonly authorPubkey: string;
  readonly createdAt: number;
  readonly admittedAt: string;
  readonly parents: readonly string[];
  readonly durable: number;
  readonly required: number;
  /** How the event stands by all of its copies; lost: nobody has a good one. "": the host does not say. */
  readonly standing: "pending" | "durable" | "degraded" | "lost" | "";
  readonly replicas: readonly ReplicaCopy[];
  /** Null until the event is archived. */
  readonly archive: unknown;
  /** Null where the host anchors nothing. */
  readonly anchor: EventAnchor | null;
}

const copyStates = ["stored", "owed", "missing", "damaged", "foreign", "absent"] as const;
export type CopyState = (typeof copyStates)[number];
const standings = ["pending", "durable", "degraded", "lost"] as const;

/** One replica's copy of an event. */
export interface ReplicaCopy {
  readonly replica: string;
  readonly kind: string;
  readonly counts: boolean;
  /** Missing and damaged: it was looked for, and is owed. Foreign: the event under another valid signature. */
  readonly state: CopyState;
  readonly location?: string;
  readonly attempts?: number;
  readonly lastError?: string;
  readonly updatedAt?: string;
}

/** An ancestor of an event, by its distance; missing where the host has none. */
export interface Ancestor {
  readonly hash: string;
  readonly depth: number;
  readonly verified?: VerifiedEvent;
}

/** The host's health. `document` is all that it says. */
export interface Health {
  readonly healthy: boolean;
  readonly status: string;
  readonly working: number;
  readonly required: number;
  /** How its anchor is; absent where it says nothing of one. */
  readonly anchor?: AnchorHealth;
  readonly document: Readonly<Record<string, unknown>>;
}

export type { RegisteredType, ReplicaError };

type Doc = Record<string, unknown>;
const isDoc = (v: unknown): v is Doc => typeof v === "object" && v !== null && !Array.isArray(v);
const string = (v: unknown) => (typeof v === "string" ? v : "");
const natural = (v: unknown) => (typeof v === "number" && Number.isSafeInteger(v) && v >= 0 ? v : 0);
const docs = (v: unknown) => (Array.isArray(v) ? v.filter(isDoc) : []);

/** Members of d under new names, those that d has. */
function some<T extends string>(d: Doc, names: Record<string, T>, types: readonly string[] = ["string", "number"]): { [k in T]?: never } {
  const out: Doc = {};
  for (const [from, to] of Object.entries(names)) if (types.includes(typeof d[from])) out[to] = d[from];
  return out as { [k in T]?: never };
}

/** A receipt; undefined if d is none. */
export function receiptOf(d: Doc): Receipt | undefined {
  if (!isHash(d["hash"])) return undefined;
  return {
    hash: d["hash"], epoch: string(d["epoch"]), sequence: natural(d["sequence"]), created: d["created"] === true, durable: natural(d["durable"]), required: natural(d["required"]),
    locations: docs(d["locations"]).map((l) => ({
      replica: string(l["replica"]), kind: string(l["kind"]), counts: l["counts"] === true, ...some(l, { location: "location", error: "error" }),
    })),
    ...(isDoc(d["signed"]) && { signed: frozen(d["signed"] as unknown as SignedReceipt) }),
    ...(isCode(d["unsigned"]) && { unsigned: d["unsigned"] }),
  };
}

/** A status; undefined if d is none. */
export function statusOf(d: Doc): EventStatus | undefined {
  if (!isHash(d["hash"])) return undefined;
  return {
    hash: d["hash"], epoch: string(d["epoch"]), sequence: natural(d["sequence"]), type: string(d["type"]), authorPubkey: string(d["author_pubkey"]), createdAt: natural(d["created_at"]),
    admittedAt: string(d["admitted_at"]), parents: Array.isArray(d["parents"]) ? d["parents"].filter(isHash) : [], durable: natural(d["durable"]),
    required: natural(d["required"]), standing: standings.find((s) => s === d["standing"]) ?? "", archive: d["archive"] ?? null, anchor: eventAnchorOf(d["anchor"]),
    replicas: docs(d["replicas"]).map((r) => ({
      replica: string(r["replica"]), kind: string(r["kind"]), counts: r["counts"] === true,
      state: copyStates.find((s) => s === r["state"]) ?? "absent",
      ...some(r, { location: "location", attempts: "attempts", last_error: "lastError", updated_at: "updatedAt" }),
    })),
  };
}

export function healthOf(d: Doc, healthy: boolean): Health {
  const anchor = anchorHealthOf(d["anchor"]);
  return {
    healthy: healthy && d["healthy"] !== false, status: string(d["status"]), working: natural(d["working"]), required: natural(d["required"]), ...(anchor && { anchor }), document: d,
  };
}

export function isHash(v: unknown): v is string {
  return typeof v === "string" && /^[0-9a-f]{64}$/.test(v);
}
