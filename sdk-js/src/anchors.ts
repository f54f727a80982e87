// What a host says of what it has put on a chain: forms checked, nothing in it
// trusted. What is on a chain is for the chain to say.

const states = ["queued", "submitted", "included", "final", "failed"] as const;

/**
 * How far something has come on its way to the chain. `queued`: it is due, or
 * waits for its copies; `submitted`: its transaction is kept, and may have been
 * sent; `included`: in a block that the chain may drop yet; `final`: in one that
 * it cannot; `failed`: the chain refuses it. "": the host does not say.
 */
export type AnchorState = (typeof states)[number] | "";

/** An event that goes to the chain by itself. */
export interface AnchoredEvent {
  readonly sequence: number;
  readonly hash: string;
  /** The type code that the chain has. */
  readonly code: number;
  /** Which of the contract's events it is; 0: it has no number yet. */
  readonly number: number;
}

/** What one transaction puts on the chain: a head of the log, or single events. */
export interface AnchorPost {
  readonly kind: "head" | "events";
  readonly state: AnchorState;
  /** Why it has failed, or what a queued one waits for. */
  readonly reason?: string;
  /** Which of the contract's heads it is, or which of its events the first one is; 0: it has no number yet. */
  readonly number: number;
  /** How many of the contract's numbers it takes. */
  readonly count: number;
  /** Of a head: how many events it covers, and the root of their tree, hex. */
  readonly size?: number;
  readonly root?: string;
  readonly events: readonly AnchoredEvent[];
  /** Hex, as are the ids of blocks. */
  readonly transactionId?: string;
  readonly blockNum?: number;
  readonly blockId?: string;
  /** Times are RFC 3339. That of the block is the chain's, the others are the host's. */
  readonly blockTime?: string;
  readonly queuedAt?: string;
  readonly submittedAt?: string;
  readonly finalAt?: string;
}

/** An event that is not in enough places, or cannot be read, for longer than the host waits: what else there is goes on without it. */
export interface StuckEvent {
  readonly sequence: number;
  /** "" where the host cannot read it. */
  readonly hash: string;
  readonly why: string;
}

/** How a host's anchor is, as its health tells. */
export interface AnchorHealth {
  /** `off`, `starting`, `anchoring`, `waiting`, `stopped`. */
  readonly state: string;
  /** In words; "" while all is well. */
  readonly why: string;
  /** Events that no final head covers. */
  readonly backlog: number;
  /** Events that are to go to the chain by themselves and are not final there. */
  readonly eventsBacklog: number;
  /** When a post was last found to be final. */
  readonly lastFinalAt?: string;
  readonly stuck: readonly StuckEvent[];
}

/** How the posts of one kind stand. */
export interface AnchorKind {
  readonly state: string;
  readonly why: string;
  /** The last number that the contract has given, as the host last saw it. */
  readonly number: number;
  /** Events that no final post of the kind covers. */
  readonly backlog: number;
  /** What is due next. */
  readonly queued: AnchorPost | null;
  /** The newest that is final. */
  readonly final: AnchorPost | null;
}

/** What a wallet is asked to sign and to send, where the host has no key. */
export interface AnchorRequest {
  readonly kind: "head" | "events";
  /** A signing request (EEP-7), `esr://…`, to be opened in a wallet. */
  readonly uri: string;
  readonly post: AnchorPost | null;
}

/** The answer of {@link EventSealClient.anchor}. */
export interface Anchor {
  /** The worse one of the kinds'. */
  readonly state: string;
  readonly why: string;
  /** "" until a node of the chain has told it. */
  readonly chainId: string;
  readonly contract: string;
  readonly permission: string;
  /** `key`, or `wallet`: the host has no key, and `requests` are for who has. */
  readonly signer: string;
  readonly heads: AnchorKind;
  /** Null where single events are not anchored. */
  readonly events: AnchorKind | null;
  readonly lastFinalAt?: string;
  readonly stuck: readonly StuckEvent[];
  readonly requests: readonly AnchorRequest[];
  /** The newest of both kinds, the newest first. */
  readonly posts: readonly AnchorPost[];
}

/** What a host has put on its chain of one event. */
export interface EventAnchor {
  /** That of `single` where single events are anchored, else that of `head`. */
  readonly state: AnchorState;
  /** The smallest final head that covers it, else the one that is to. */
  readonly head: AnchorPost | null;
  /** What has the event by itself, as the only one of `events`. */
  readonly single: AnchorPost | null;
}

type Doc = Record<string, unknown>;
const isDoc = (v: unknown): v is Doc => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v: unknown) => (typeof v === "string" ? v.slice(0, 2000) : "");
const natural = (v: unknown) => (typeof v === "number" && Number.isSafeInteger(v) && v >= 0 ? v : 0);
const docs = (v: unknown) => (Array.isArray(v) ? v.slice(0, 1024).filter(isDoc) : []);
const digest = (v: unknown) => (typeof v === "string" && /^[0-9a-f]{64}$/.test(v) ? v : "");
const time = (v: unknown) => (typeof v === "string" && v.length < 40 && !Number.isNaN(Date.parse(v)) ? v : "");
const stateOf = (v: unknown): AnchorState => states.find((s) => s === v) ?? "";
const kindOf = (d: Doc) => (d["kind"] === "events" ? "events" : "head");

/** Those of members that say something. */
const some = <T extends object>(members: T): { [k in keyof T]?: T[k] } => Object.fromEntries(Object.entries(members).filter(([, v]) => v)) as { [k in keyof T]?: T[k] };

const anchoredEventOf = (d: Doc): AnchoredEvent => ({ sequence: natural(d["sequence"]), hash: digest(d["hash"]), code: natural(d["code"]), number: natural(d["number"]) });

function postOf(d: Doc): AnchorPost {
  const kind = kindOf(d);
  return {
    kind, state: stateOf(d["state"]), number: natural(d["number"]), count: natural(d["count"]), events: docs(d["events"]).map(anchoredEventOf),
    ...some({
      reason: text(d["reason"]), size: natural(d["size"]), root: digest(d["root"]), transactionId: digest(d["transaction_id"]), blockNum: natural(d["block_num"]), blockId: digest(d["block_id"]),
      blockTime: time(d["block_time"]), queuedAt: time(d["queued_at"]), submittedAt: time(d["submitted_at"]), finalAt: time(d["final_at"]),
    }),
  };
}

const maybePost = (v: unknown) => (isDoc(v) ? postOf(v) : null);
const stuckOf = (v: unknown): StuckEvent[] => docs(v).map((s) => ({ sequence: natural(s["sequence"]), hash: digest(s["hash"]), why: text(s["why"]) }));

/** @internal Health's part about the anchor; undefined where it has none. */
export function anchorHealthOf(v: unknown): AnchorHealth | undefined {
  if (!isDoc(v) || text(v["state"]) === "") return undefined;
  return { state: text(v["state"]), why: text(v["why"]), backlog: natural(v["backlog"]), eventsBacklog: natural(v["events_backlog"]), ...some({ lastFinalAt: time(v["last_final_at"]) }), stuck: stuckOf(v["stuck"]) };
}

const anchorKindOf = (d: Doc): AnchorKind => ({
  state: text(d["state"]), why: text(d["why"]), number: natural(d["number"]), backlog: natural(d["backlog"]), queued: maybePost(d["queued"]), final: maybePost(d["final"]),
});

/** @internal The document of GET /v1/anchor; undefined if v is none. */
export function anchorOf(v: unknown): Anchor | undefined {
  if (!isDoc(v) || text(v["state"]) === "" || !isDoc(v["heads"])) return undefined;
  return {
    state: text(v["state"]), why: text(v["why"]), chainId: digest(v["chain_id"]), contract: text(v["contract"]), permission: text(v["permission"]), signer: text(v["signer"]),
    heads: anchorKindOf(v["heads"]), events: isDoc(v["events"]) ? anchorKindOf(v["events"]) : null, ...some({ lastFinalAt: time(v["last_final_at"]) }), stuck: stuckOf(v["stuck"]),
    requests: docs(v["requests"]).map((r) => ({ kind: kindOf(r), uri: typeof r["uri"] === "string" ? r["uri"] : "", post: maybePost(r["post"]) })), posts: docs(v["posts"]).map(postOf),
  };
}

/** @internal A status's part about the anchor; null where there is none. */
export function eventAnchorOf(v: unknown): EventAnchor | null {
  return isDoc(v) ? { state: stateOf(v["state"]), head: maybePost(v["head"]), single: maybePost(v["single"]) } : null;
}
