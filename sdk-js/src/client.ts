import { anchorOf, type Anchor } from "./anchors.js";
import { eventTypes, invalid, limitOf, registerTypes, Slices, verifyEvent, verifyInputs } from "./core.js";
import type { RegisteredType, Verdict } from "./core.js";
import {
  healthOf, isHash, receiptOf, statusOf,
  type Ancestor, type BadEvent, type EventStatus, type Filter, type Health, type Page, type Query, type Receipt, type StoredEvent, type StoreOutcome, type Wait,
} from "./documents.js";
import { EventSealError, HostError, isCode } from "./errors.js";
import { Caller, isPassing, maxLine, maxPage, problemOf, sleep, type Answer, type CallOptions, type ClientOptions } from "./http.js";
import { authorKeyOf } from "./keys.js";
import { lines, LongLine, messages, type StreamState } from "./lines.js";
import { moduleDigest } from "./load.js";
import { ask, hexOf } from "./module.js";
import { batched, inOrder, type Batch } from "./batches.js";
import { Portion } from "./portion.js";
import { receiptVerdict, trustOf, verifyProof, type ProofFile, type ProofReport, type Trust } from "./proofs.js";
import { EventTypes, type EventInput, type VerifiedEvent } from "./types.js";

/** How to store. */
export interface StoreOptions extends CallOptions {
  wait?: Wait | undefined;
}

/** How to go through events that a host serves one after the other. */
export interface FollowOptions extends CallOptions {
  /**
   * Is told what the host served as an event and is none; then the next one
   * follows. Without it, that ends the iteration with a {@link HostError}.
   */
  onBad?: ((bad: BadEvent) => void) | undefined;
}

/** How to follow a host's stream. */
export interface SubscribeOptions extends Filter, FollowOptions {
  /**
   * The place behind which to begin: "0" for the first event, an event's hash, or the `position` of one that the host gave
   * before. What the host has from there on, then what comes. Without it, what comes.
   */
  after?: string | undefined;
  /** Milliseconds of silence after which a connection counts as dead; default 45,000. A host gives a sign of life every 15 s. */
  idle?: number | undefined;
  /** Failed attempts in a row to connect after which it gives up; default: it never does. */
  attempts?: number | undefined;
  /** Is told when the stream is connected, and when it has broken and will be connected again. */
  onState?: ((state: "connected" | "waiting", error?: Error) => void) | undefined;
}

/** How to get a proof. */
export interface ProofCallOptions extends CallOptions {
  /** What to have the text of: the file, or the C2SP tlog-proof in it. Default: json. */
  format?: "json" | "tlog-proof" | undefined;
  /** Until when to wait: until the log covers the event (default), or until a head that covers it is final on the host's chain, too. */
  wait?: "published" | "anchored" | undefined;
  /** Milliseconds to wait for the chain; default 600,000. */
  patience?: number | undefined;
}

/** The answer of {@link EventSealClient.proof}: what is worth keeping, and what was found in it. */
export interface EventProof {
  /** The proof file as the host served it, or the C2SP tlog-proof in it. */
  readonly text: string;
  readonly report: ProofReport;
}

/** The answer of {@link EventSealClient.retrieveEvents}: the verified events by hash, and why the others are missing. */
export class RetrievedEvents extends Map<string, VerifiedEvent> {
  readonly failures = new Map<string, HostError>();
}

const notSent = new EventSealError("internal", "", "not sent"); // until it is

// Bounds of one request; more is cut into such.
const batchSize = { events: 512, bytes: 4 << 20, linger: 20 };
const batchesAhead = 2;
const mostSuspects = 8; // events that may be refused alone without a reason before one passes

interface Sent {
  index: number;
  v: VerifiedEvent;
}

const sizeOf = (t: Sent) => t.v.record.length + 1;

// A request of several events may have failed because of how many they are, or because of one of them.
function tooMuch(e: HostError): boolean {
  if (e.code === "unexpected_answer") return [400, 403, 406, 413, 422].includes(e.status);
  return e.code === "too_large" || e.code === "timeout" || e.code === "request_timeout";
}
const retrieveHashes = 256;

const isPending = (e: unknown): e is HostError => e instanceof HostError && e.code === "anchor_pending";

/**
 * Talks to an Eventseal host and trusts it with nothing: an event is verified
 * before it is handed on. Every call is idempotent, and tried again when it
 * failed for a passing reason. `init()` must have been awaited.
 */
export class EventSealClient {
  readonly #http: Caller;
  readonly #most: number;
  readonly #keys: string | undefined;
  readonly #trust: Trust;
  readonly #portion = new Portion({ items: batchSize.events, bytes: 2 * batchSize.bytes }); // of a batch, whose events may be one larger

  constructor(url: string | URL, options: ClientOptions = {}) {
    this.#http = new Caller(url, options);
    this.#most = limitOf(options);
    this.#trust = trustOf((this.#keys = options.hostKeys));
    if (this.#keys !== undefined && this.#trust.hosts.length === 0) throw new EventSealError("invalid_argument", "", "hostKeys name no host (PUB_K1_…)");
  }

  /**
   * Stores a signed event, which is verified first. When it resolves, the host
   * vouches for what wait asks. Storing an event again is fine. @throws HostError,
   * where the client knows the host's keys, `invalid_receipt`, `signature_mismatch`,
   * `untrusted_key` and the like for a receipt that is not signed as it should
   * be, and `proof_mismatch` for one that is about something else, such as the
   * event under another signature, which is what the host keeps if that came first
   */
  async storeEvent(event: EventInput, options?: StoreOptions): Promise<Receipt> {
    const v = verifyEvent(event, { maxBytes: this.#most });
    if (!v.valid) throw new EventSealError(v.code, v.pointer);
    const call = { method: "POST", path: "/v1/events", query: waiting(options), body: v.record, contentType: "application/json" } as const;
    return this.#http.do(call, options, async (a) => this.#receiptFor(v, await a.document(), a));
  }

  /** A host's answer to a store of v, held against it and, where the host's keys are known, verified. */
  #receiptFor(v: VerifiedEvent, d: Record<string, unknown>, a: Answer): Receipt {
    const r = receiptOf(d);
    if (r?.hash !== v.hash) throw a.error("unexpected_answer", false, "it is not the event's receipt");
    if (this.#keys === undefined) return r;
    // Stored again, it may be signed.
    if (!r.signed) throw a.error(r.unsigned ?? "invalid_receipt", r.unsigned !== undefined && isPassing(r.unsigned), "the event is stored, and the host did not sign its receipt");
    const s = receiptVerdict(r.signed, this.#trust);
    if (!s.valid) throw a.error(s.code, false, "the host's signed receipt");
    if (s.hash !== v.hash || s.recordDigest !== v.recordDigest) throw a.error("proof_mismatch", false, "the host's signed receipt is for another record");
    for (const name of ["sequence", "durable", "required"] as const) {
      if (s[name] !== r[name]) throw a.error("proof_mismatch", false, `the host signed another ${name} than it told`);
    }
    return r;
  }

  /**
   * Stores events as they come, in batches and two of them at once, and yields
   * each one's outcome, in order; the host may take them in in another. An event that the module refuses here is not
   * sent. A request that is too much, for the host or on the way to it, is made
   * again of half of the events, down to one; one that is refused alone while
   * others pass has that as its outcome. It throws when a batch as a whole cannot be stored, or when events
   * does; then some that were not reported may have been stored, and storing
   * all of them again is fine.
   */
  storeEvents(events: Iterable<EventInput> | AsyncIterable<EventInput>, options: StoreOptions = {}): AsyncGenerator<StoreOutcome> {
    return inOrder(
      (signal) => batched(events, batchSize, this.#most, signal), batchesAhead, options.signal, (batch, signal) => this.#storeBatch(batch, { ...options, signal }),
    );
  }

  async #storeBatch(batch: Batch, options: StoreOptions): Promise<StoreOutcome[]> {
    const out: StoreOutcome[] = [];
    let todo: Sent[] = [];
    for await (const v of verifyInputs(batch.inputs, this.#most)) {
      const index = batch.first + out.length;
      if (v.valid) todo.push({ index, v });
      out.push({ index, ...(v.hash !== undefined && { hash: v.hash }), error: v.valid ? notSent : new EventSealError(v.code, v.pointer) });
    }
    for (let attempt = 1; todo.length > 0; attempt++) {
      await this.#storeAll(todo, batch.first, out, options);
      const passing = (i: number) => {
        const { error } = out[i - batch.first]!;
        return error instanceof HostError && error.passing ? error : undefined;
      };
      todo = todo.filter(({ index }) => passing(index));
      if (todo.length === 0 || attempt >= this.#http.attempts) break;
      await this.#http.rest(attempt, passing(todo[0]!.index)!, options.signal);
    }
    return out;
  }

  /** Sends events in their order, in requests of what was seen to pass. */
  async #storeAll(todo: readonly Sent[], first: number, out: StoreOutcome[], options: StoreOptions): Promise<void> {
    let passed = false;
    let silent = 0;
    const suspects: HostError[] = [];
    for (let rest = todo; rest.length > 0; ) {
      const part = this.#portion.take(rest, sizeOf);
      const of = { items: part.length, bytes: part.reduce((n, t) => n + sizeOf(t), 0) };
      const one = part[0]!;
      try {
        await this.#storePart(part, first, out, options);
        this.#portion.passed(of);
        passed = true;
        silent = 0;
        rest = rest.slice(part.length);
      } catch (e) {
        if (!(e instanceof HostError) || !tooMuch(e) || (part.length === 1 && e.passing)) throw e;
        if (part.length > 1) {
          this.#portion.failed(of);
          // Each attempt costs a timeout, so after two the answer is sought with one event.
          if (e.passing && ++silent === 2) this.#portion.failed({ items: 2, bytes: 2 * sizeOf(one) });
          continue;
        }
        this.#portion.blame();
        const code = e.status === 413 || e.code === "too_large" ? "too_large" : "forbidden";
        const { server, status, requestId, detail } = e;
        out[one.index - first] = { index: one.index, hash: one.v.hash, error: new HostError(code, false, { server, status, requestId, detail }) };
        if (code === "forbidden") suspects.push(e);
        // It is the way to the host that refuses all.
        if (suspects.length === mostSuspects && !passed) throw suspects[0]!;
        rest = rest.slice(1);
      }
    }
    if (!passed && suspects[0]) throw suspects[0];
  }

  async #storePart(part: readonly Sent[], first: number, out: StoreOutcome[], options: StoreOptions): Promise<void> {
    await this.#http.do(
      () => ({
        method: "POST", path: "/v1/events:batch", query: waiting(options), contentType: "application/x-ndjson", body: part.map((t) => t.v.record + "\n").join(""),
      }),
      options,
      async (a) => {
        const answers = lineByLine(a);
        const slices = new Slices();
        for (const { index, v } of part) {
          const d = await nextLine(answers, a);
          out[index - first] = { index, hash: v.hash, ...this.#outcome(v, d, a) };
          await slices.rest();
        }
      },
      (e) => part.length > 1 && tooMuch(e),
    );
  }

  /** One line of an answer to a batch. A receipt that does not hold is that event's failure alone. */
  #outcome(v: VerifiedEvent, d: Record<string, unknown>, a: Answer): { receipt: Receipt } | { error: HostError } {
    const problem = problemOf(d, a);
    if (problem) return { error: problem };
    try {
      return { receipt: this.#receiptFor(v, d, a) };
    } catch (e) {
      if (e instanceof HostError && e.code !== "unexpected_answer") return { error: e };
      throw e;
    }
  }

  /**
   * The event of a hash, verified. @throws HostError `not_found` when the host
   * has none, `hash_mismatch` and the like when it serves something else
   */
  async retrieveEvent(hash: string, options?: CallOptions): Promise<VerifiedEvent> {
    const ask = (cache: RequestCache) =>
      this.#http.do({ method: "GET", path: `/v1/events/${hashArgument(hash)}`, cache }, options, async (a) => {
        const bytes = await a.bytes(this.#most);
        const v = verifyEvent(bytes, { maxBytes: this.#most });
        if (!v.valid) throw a.error(v.code, false, "the host served an event that does not verify");
        if (v.hash !== hash) throw a.error("hash_mismatch", false, `the host served event ${v.hash}`);
        if (v.record.length > bytes.length || !same(v.record, bytes)) {
          throw a.error("hash_mismatch", false, "the host served the event in another form than its canonical one");
        }
        return v;
      });
    try {
      return await ask("default");
    } catch (e) {
      // What is wrong may be a copy on the way here, which would be kept for ever.
      if (!(e instanceof HostError) || e.status !== 200 || e.passing) throw e;
      return ask("reload");
    }
  }

  /**
   * The events of many hashes, each verified; those that the host does not
   * have, or serves wrongly, are in the answer's `failures`.
   */
  async retrieveEvents(hashes: Iterable<string>, options?: CallOptions): Promise<RetrievedEvents> {
    const all = [...new Set(Array.from(hashes, hashArgument))];
    const out = new RetrievedEvents();
    for (let first = 0; first < all.length; first += retrieveHashes) {
      // An answer that breaks off is gone on with where it did.
      let rest = all.slice(first, first + retrieveHashes);
      await this.#http.do(
        () => ({ method: "POST", path: "/v1/events:retrieve", contentType: "application/json", body: JSON.stringify({ hashes: rest }) }),
        options,
        async (a) => {
          const answers = lineByLine(a);
          const slices = new Slices();
          while (rest.length > 0) {
            const hash = rest[0]!;
            const d = await nextLine(answers, a);
            const failure = problemOf(d, a);
            const v = failure ?? this.#checked(d["event"], hash);
            if (v instanceof HostError) out.failures.set(hash, v);
            else if (v.valid) out.set(hash, v);
            else out.failures.set(hash, a.error(v.code, false, "the host served an event that does not verify, or another one"));
            rest = rest.slice(1);
            await slices.rest();
          }
        },
      );
    }
    return out;
  }

  /** Verifies what a host served as the event of a hash. */
  #checked(event: unknown, hash: unknown): Verdict {
    if (typeof event !== "object" || event === null) return invalid({ code: "invalid_argument", pointer: "" });
    const v = verifyEvent(event as EventInput, { maxBytes: this.#most });
    return v.valid && v.hash !== hash ? invalid({ code: "hash_mismatch", pointer: "" }, v.hash) : v;
  }

  /** One page of the events that query asks for, each verified and held against query. */
  async queryPage(query: Query = {}, options?: CallOptions): Promise<Page> {
    try {
      return await this.#page(query, options);
    } catch (e) {
      if (!(e instanceof HostError) || !e.resume) throw e;
      return { ...(await this.#page({ ...query, cursor: undefined, after: e.resume }, options)), reordered: true };
    }
  }

  async #page(query: Query, options: CallOptions | undefined): Promise<Page> {
    const matches = matcher(query);
    return this.#http.do({ method: "GET", path: "/v1/events", query: parameters({ ...query }) }, options, async (a) => {
      const d = await a.document(maxPage);
      const events: StoredEvent[] = [];
      const bad: BadEvent[] = [];
      const limit = query.limit ?? 100;
      if (!Array.isArray(d["events"]) || d["events"].length > limit) throw a.error("unexpected_answer", false, `a page has an array of at most ${limit} events`);
      const slices = new Slices();
      for (const item of d["events"] as unknown[]) {
        const e = this.#stored(item, matches, `${d["epoch"]}-${docOf(item)["sequence"]}`);
        if ("verified" in e) events.push(e);
        else bad.push(e);
        await slices.rest();
      }
      return {
        events, bad,
        ...(typeof d["next_cursor"] === "string" && d["next_cursor"] !== "" && { nextCursor: d["next_cursor"] }),
        ...(typeof d["count"] === "number" && { count: d["count"] }),
      };
    });
  }

  #stored(item: unknown, matches: (v: VerifiedEvent) => boolean, position: string): StoredEvent | BadEvent {
    const d = docOf(item);
    const sequence = Number.isSafeInteger(d["sequence"]) ? { sequence: d["sequence"] as number } : undefined;
    const { code } = docOf(d["problem"]); // no good copy can be had now
    const v = d["event"] === undefined && isCode(code) ? invalid({ code, pointer: "" }) : this.#checked(d["event"], d["hash"]);
    if (v.valid && sequence && matches(v)) return { ...sequence, position, admittedAt: typeof d["admitted_at"] === "string" ? d["admitted_at"] : "", verified: v };
    return {
      ...sequence, ...(typeof d["hash"] === "string" && { hash: d["hash"].slice(0, 64) }),
      verdict: v.valid ? invalid({ code: "invalid_parameter", pointer: "" }, v.hash) : v,
    };
  }

  /**
   * Every event that query asks for, page by page; `limit` is the size of a page. None is missed; some may come twice
   * where the host's order becomes another one meanwhile.
   */
  async *queryEvents(query: Query = {}, options: FollowOptions = {}): AsyncGenerator<StoredEvent> {
    const seen = new Set<string>();
    for (let { cursor, after } = query; ; after = undefined) {
      const page = await this.queryPage({ ...query, cursor, after }, options);
      for (const bad of page.bad) report(bad, options, this.#http.base.host);
      yield* page.events;
      if (page.nextCursor === undefined) return;
      if (seen.has(page.nextCursor) || (page.events.length === 0 && page.bad.length === 0)) {
        throw new HostError("unexpected_answer", false, { server: this.#http.base.host, status: 200, detail: "its pages do not come to an end" });
      }
      seen.add((cursor = page.nextCursor));
    }
  }

  /**
   * Events as the host takes them in, each verified. It connects again by
   * itself and goes on behind the last event: none is missed, and none comes
   * twice, unless the host's order has become another one (its journal was
   * rebuilt, restored or rolled back): then it goes on from where none is missed,
   * and some may come again. Ends when signal aborts (with its reason) or the
   * loop is left. @throws HostError `not_found` when after is a hash that the host does not have
   */
  async *subscribe(options: SubscribeOptions = {}): AsyncGenerator<StoredEvent> {
    const { idle = 45_000, attempts = Infinity, onState, signal } = options;
    const matches = matcher(options);
    const state: StreamState = { id: "", retry: 0 };
    let { after } = options;
    for (let failures = 0; ; ) {
      let failure: HostError;
      try {
        // The host says first where it begins: a place to come back to, should it break off before the first event.
        const place = state.id || after;
        const query = parameters({ type: options.type, author: options.author, parent: options.parent, after: place });
        const a = await this.#http.open({ method: "GET", path: "/v1/stream", query, cache: "no-store", headers: { Accept: "text/event-stream" } }, options);
        let last = numberOf(place);
        try {
          if (!a.response.headers.get("content-type")?.startsWith("text/event-stream")) throw a.error("unexpected_answer", false, "it is no event stream");
          const slices = new Slices();
          a.idle = idle;
          onState?.("connected");
          failure = a.error("unreachable", true, "the stream ended");
          for await (const m of messages(() => a.read(), maxLine, state)) {
            if (m.event === "dropped" || m.event === "closing") {
              failure = a.error(m.event === "dropped" ? "overloaded" : "shutting_down", true, "");
              break;
            }
            if (m.event !== "event") continue;
            const e = this.#stored(a.object(new TextEncoder().encode(m.data)), matches, state.id);
            if (e.sequence !== undefined && e.sequence <= last) continue;
            last = e.sequence ?? last;
            failures = 0;
            if ("verified" in e) yield e;
            else report(e, options, a.server);
            await slices.rest();
          }
        } catch (e) {
          if (e instanceof LongLine) throw a.error("unexpected_answer", false, e.message);
          throw e;
        } finally {
          a.close();
        }
      } catch (e) {
        if (!(e instanceof HostError) || !(e.passing || e.resume)) throw e;
        failure = e;
        if (e.resume) [state.id, after] = ["", e.resume];
      }
      if (++failures >= attempts) throw failure;
      onState?.("waiting", failure);
      if (failures > 1 || !(failure.code === "overloaded" || failure.resume)) {
        await sleep(Math.min(state.retry, 30_000) + 100 * Math.random(), signal);
        await this.#http.rest(Math.min(failures, 8), failure, signal);
      }
    }
  }

  /** What the host knows of an event and its copies. @throws HostError `not_found` */
  async status(hash: string, options?: CallOptions): Promise<EventStatus> {
    return this.#http.do({ method: "GET", path: `/v1/events/${hashArgument(hash)}/status` }, options, async (a) => {
      const s = statusOf(await a.document());
      if (s?.hash !== hash) throw a.error("unexpected_answer", false, "it is not the event's status");
      return s;
    });
  }

  /**
   * One file that proves the event, and that the host took it in, offline and
   * for ever; verified here, with the host's keys where the client knows them.
   * An event that was just stored is waited for, as `attempts` says; with `wait:
   * "anchored"` the chain is, too, until `patience` or the signal ends it.
   *
   * @throws HostError `not_found`, also where the host anchors nothing and is to be waited for; `proof_pending`, `anchor_pending`; the code of what is
   * wrong with what the host served; `log_stopped`
   */
  async proof(hash: string, options: ProofCallOptions = {}): Promise<EventProof> {
    const { format, wait, patience = 600_000 } = options;
    const anchored = wait === "anchored";
    const call = { method: "GET", path: `/v1/events/${hashArgument(hash)}/proof`, query: anchored ? parameters({ wait }) : undefined } as const;
    const ask = () =>
      this.#http.do(call, options, async (a) => {
        const bytes = await a.bytes(maxPage);
        const report = verifyProof(bytes, { keys: this.#keys, maxBytes: this.#most });
        if (!report.valid) throw a.error(report.code ?? "invalid_proof", false, "the host served a proof that does not hold");
        if (report.hash !== hash) throw a.error("hash_mismatch", false, `the host served the proof of event ${report.hash}`);
        if (anchored && report.parts?.anchor === "absent") throw a.error("unexpected_answer", false, "the proof has no anchor");
        const text = new TextDecoder().decode(bytes);
        return { text: format === "tlog-proof" ? (JSON.parse(text) as ProofFile).log : text, report };
      }, isPending);
    const end = performance.now() + patience;
    for (let looks = 1; ; looks++) {
      try {
        return await ask();
      } catch (e) {
        const left = end - performance.now();
        if (!isPending(e) || left <= 0) throw e;
        await this.#http.rest(Math.min(looks, 8), e, options.signal, left);
      }
    }
  }

  /**
   * The text of the host's keys, as `hostKeys` and `keys` take it: its log's
   * verifier key and its own. It is the host's word: who takes it once and
   * keeps it sees when the host becomes another.
   */
  async hostKeys(options?: CallOptions): Promise<string> {
    return this.#http.do({ method: "GET", path: "/log/keys" }, options, async (a) => {
      const text = new TextDecoder().decode(await a.bytes(4096));
      try {
        const { hosts, logs } = trustOf(text);
        if (hosts.length > 0 && logs.length > 0) return text;
      } catch {
        // Then it has no keys either.
      }
      throw a.error("unexpected_answer", false, "it has no keys");
    });
  }

  /** What an event stands on: its parents, theirs, and so on, each verified and each named by one that was. */
  async ancestors(hash: string, options: CallOptions & { limit?: number } = {}): Promise<{ events: Ancestor[]; truncated: boolean }> {
    const named = new Set((await this.retrieveEvent(hash, options)).event.parents);
    const call = { method: "GET", path: `/v1/events/${hash}/ancestors`, query: parameters({ limit: options.limit }) } as const;
    return this.#http.do(call, options, async (a) => {
      const d = await a.document(maxPage);
      const events: Ancestor[] = [];
      let truncated = d["truncated"] === true;
      const slices = new Slices();
      let gap = false; // the host has an event and no good copy of it: what is above it cannot be told
      for (const item of Array.isArray(d["events"]) ? d["events"].map(docOf) : []) {
        const h = item["hash"];
        if (isHash(h) && !named.has(h) && gap) {
          truncated = true;
          continue;
        }
        if (!isHash(h) || !named.has(h)) throw a.error("unexpected_answer", false, "it names an event that is no ancestor");
        const depth = Number.isSafeInteger(item["depth"]) ? (item["depth"] as number) : 0;
        if (item["event"] === undefined) {
          events.push({ hash: h, depth });
          gap ||= item["missing"] !== true;
          continue;
        }
        const v = this.#checked(item["event"], h);
        if (!v.valid) throw a.error(v.code, false, "the host served an event that does not verify");
        for (const p of v.event.parents) named.add(p);
        events.push({ hash: h, depth, verified: v });
        await slices.rest();
      }
      return { events, truncated };
    });
  }

  /** The host's health; that it says it is not healthy is no error. */
  async healthCheck(options?: CallOptions): Promise<Health> {
    return this.#http.do({ method: "GET", path: "/v1/health", accept: [503], cache: "no-store" }, options, async (a) => {
      const d = await a.document();
      const problem = problemOf(d, a);
      if (problem) throw problem;
      return healthOf(d, a.response.status === 200);
    });
  }

  /** What the host has put on its chain, and how that goes on. @throws HostError `not_found` where it anchors nothing */
  async anchor(options?: CallOptions): Promise<Anchor> {
    return this.#http.do({ method: "GET", path: "/v1/anchor", cache: "no-store" }, options, async (a) => {
      const anchor = anchorOf(await a.document());
      if (!anchor) throw a.error("unexpected_answer", false, "it is not the state of an anchor");
      return anchor;
    });
  }

  /** The event types that the host takes. */
  async types(options?: CallOptions): Promise<RegisteredType[]> {
    return this.#http.do({ method: "GET", path: "/v1/types" }, options, async (a) => {
      const { types } = (await a.document()) as { types?: unknown };
      const list = Array.isArray(types) ? (types as RegisteredType[]) : [];
      if (list.length === 0 || !list.every((t) => typeof t?.name === "string" && Number.isSafeInteger(t.code))) throw a.error("unexpected_answer", false, "it has no types");
      return list.map(({ name, code }) => ({ name, code }));
    });
  }

  /** Makes the types that the host takes beside the built-in ones known here, in place of those registered before; returns all. */
  async learnTypes(options?: CallOptions): Promise<RegisteredType[]> {
    registerTypes((await this.types(options)).filter((t) => !Object.hasOwn(EventTypes, t.name)));
    return eventTypes();
  }

  /** Reports whether the module that the host serves, and says it runs, is byte for byte the one that runs here. */
  async moduleMatches(options?: CallOptions): Promise<boolean> {
    const here = await moduleDigest();
    return this.#http.do({ method: "GET", path: "/v1/module.wasm" }, options, async (a) => hexOf(ask("sha256", await a.bytes(4 << 20))) === here);
  }
}

const docOf = (v: unknown) => (typeof v === "object" && v !== null ? v : {}) as Record<string, unknown>;

function hashArgument(hash: unknown): string {
  if (isHash(hash)) return hash;
  throw new EventSealError("invalid_argument", "", "an event's hash is 64 lower-case hex digits");
}

function same(text: string, bytes: Uint8Array): boolean {
  const b = new TextEncoder().encode(text);
  return b.length === bytes.length && b.every((x, i) => x === bytes[i]);
}

async function* lineByLine(a: Answer): AsyncGenerator<Uint8Array> {
  try {
    for await (const line of lines(() => a.read(), maxLine)) if (line.length > 0) yield line;
  } catch (e) {
    throw e instanceof LongLine ? a.error("unexpected_answer", false, e.message) : e;
  }
}

async function nextLine(answers: AsyncGenerator<Uint8Array>, a: Answer): Promise<Record<string, unknown>> {
  const line = await answers.next();
  if (line.done) throw a.error("unreachable", true, "the answer broke off");
  return a.object(line.value);
}

/** The sequence number of a position; -1 for another place. */
const numberOf = (place: string | undefined) => Number(/-(\d{1,16})$/.exec(place ?? "")?.[1] ?? -1);

function waiting(o: StoreOptions | undefined): URLSearchParams | undefined {
  return o?.wait === undefined ? undefined : parameters({ wait: o.wait });
}

function parameters(of: Record<string, string | number | boolean | readonly string[] | undefined>): URLSearchParams {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(of)) {
    for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined && v !== false) out.append(name, String(v));
  }
  return out;
}

const listOf = (v: string | readonly string[] | undefined) => (v === undefined ? undefined : typeof v === "string" ? [v] : [...v]);

/** Holds an event against what was asked for. */
function matcher(q: Query): (v: VerifiedEvent) => boolean {
  const types = listOf(q.type);
  const authors = listOf(q.author)?.map(authorKeyOf);
  const parents = listOf(q.parent)?.map(hashArgument);
  return ({ event, authorKey }) =>
    (!types || types.includes(event.type)) && (!authors || authors.includes(authorKey)) && (!parents || event.parents.some((p) => parents.includes(p))) &&
    event.created_at >= (q.since ?? 0) && event.created_at <= (q.until ?? Infinity);
}

function report(bad: BadEvent, o: FollowOptions, server: string): void {
  if (o.onBad) return o.onBad(bad);
  throw new HostError(bad.verdict.code, false, { server, status: 200, detail: `event ${bad.hash ?? "without a hash"}, as the host served it` });
}
