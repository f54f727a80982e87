// How a host is called: every call is idempotent, so what failed for a passing
// reason is tried again; what comes back is bounded in bytes and in time.
import type { Code } from "./codes.gen.js";
import { EventSealError, HostError, isCode, type ErrorCode, type ReplicaError } from "./errors.js";
import { highestMaxBytes } from "./module.js";
import type { TrustOptions } from "./proofs.js";

/** How a client talks to its host. */
export interface ClientOptions {
  /** Default: the engine's. */
  fetch?: typeof fetch;
  /** Bearer token. */
  token?: string;
  /** Milliseconds for one attempt of a call, beside a second for every 256 KiB that it sends; default 30,000. */
  timeout?: number;
  /** Attempts in all; default 4. */
  attempts?: number;
  /** Longest wait before the second attempt in milliseconds, doubled for each further one up to 5 s; default 200. */
  backoff?: number;
  /** Most bytes of an event; default 262,144, at most 4,194,304. */
  maxBytes?: number;
  /**
   * The host's keys, as {@link TrustOptions} has them: then every receipt must be
   * signed by one of them and be for the very record that was stored, and proofs
   * must be of its log. From `/log/keys` or, better, from where the host cannot
   * say something else: its operator, a file that was kept.
   */
  hostKeys?: string;
}

/** What one call may differ in. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** As in {@link ClientOptions}. */
  timeout?: number | undefined;
}

/** @internal One request that can be sent again. */
export interface Call {
  method: "GET" | "POST";
  path: string;
  query?: URLSearchParams | undefined;
  body?: string | undefined;
  contentType?: string;
  headers?: Record<string, string>;
  cache?: RequestCache;
  /** Statuses that are not an error, beside 200, 201 and 202. */
  accept?: readonly number[];
}

/** @internal The largest answers that are read: a line with a record in it, a document, a page of records. */
export const maxLine = highestMaxBytes + (64 << 10);
export const maxDocument = 1 << 20;
export const maxPage = 16 << 20; // a host ends a page at 8 MiB and a record
const maxWait = 60_000; // longest Retry-After that is obeyed
const leastRate = (256 << 10) / 1000; // characters that get to the host in a millisecond

/** @internal An answer whose body is read in bounds. Whoever has one closes it. */
export class Answer {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #attempt: Attempt;
  /** Milliseconds that the body of a stream may be silent; 0: the attempt's time counts on. */
  idle = 0;

  constructor(readonly response: Response, readonly server: string, attempt: Attempt) {
    this.#reader = response.body?.getReader();
    this.#attempt = attempt;
  }

  /** The next piece of the body; undefined at its end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.idle > 0) this.#attempt.arm(this.idle);
    try {
      return (await this.#reader?.read())?.value;
    } catch (cause) {
      throw this.#attempt.why ?? this.error("unreachable", true, "the answer broke off", cause);
    } finally {
      if (this.idle > 0) this.#attempt.disarm();
    }
  }

  async bytes(most: number): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (let piece; (piece = await this.read()); ) {
      size += piece.length;
      if (size > most) throw this.error("unexpected_answer", false, `it is larger than ${most} bytes`);
      pieces.push(piece);
    }
    const all = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  /** A JSON object of the answer's bytes, or of some of them. */
  object(b: Uint8Array): Record<string, unknown> {
    let v: unknown;
    try {
      v = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(b));
    } catch (cause) {
      throw this.error("unexpected_answer", false, "it is not JSON", cause);
    }
    if (typeof v !== "object" || v === null || Array.isArray(v)) throw this.error("unexpected_answer", false, "it is not an object");
    return v as Record<string, unknown>;
  }

  async document(most = maxDocument): Promise<Record<string, unknown>> {
    return this.object(await this.bytes(most));
  }

  error(code: ErrorCode, passing: boolean, detail: string, cause?: unknown): HostError {
    return new HostError(code, passing, { server: this.server, status: this.response.status, requestId: this.requestId, detail }, { cause });
  }

  get requestId(): string {
    return this.response.headers.get("x-request-id") ?? "";
  }

  close(): void {
    this.#reader?.cancel().catch(() => {});
    this.#attempt.close();
  }
}

/** The time and the ways to end that one attempt has. */
class Attempt {
  /** What the attempt fails with, once it was ended from here. */
  why: unknown;
  readonly #ends = new AbortController();
  readonly #server: string;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = () => this.#end(this.#signal?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(server: string, timeout: number, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    this.#server = server;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted, { once: true });
    this.arm(timeout);
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  arm(timeout: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(new HostError("timeout", true, { server: this.#server, detail: `nothing came within ${timeout} ms` })), timeout);
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }

  close(): void {
    this.disarm();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#ends.abort();
  }

  #end(reason: unknown): void {
    this.why ??= reason;
    this.#ends.abort();
  }
}

/** @internal Reports whether v is where an answer can begin: "0", a hash, or a position in a host's order. */
export const isPlace = (v: unknown): v is string => typeof v === "string" && /^(0|[0-9a-f]{64}|[0-9a-f]{16}-(\d{1,16}|[0-9a-f]{64}))$/.test(v);

/** @internal The host's refusal that a problem document (RFC 9457) stands for; undefined if it is none. */
export function problemOf(p: Record<string, unknown>, a: Answer): HostError | undefined {
  if (!isCode(p["code"])) return undefined;
  const text = (v: unknown) => (typeof v === "string" ? v.slice(0, 2000) : "");
  const replicas = (Array.isArray(p["replicas"]) ? p["replicas"].slice(0, 64) : []).map((r): ReplicaError => ({ replica: text(r?.replica), error: text(r?.error) }));
  return new HostError(p["code"], isPassing(p["code"]), {
    server: a.server, status: typeof p["status"] === "number" ? p["status"] : a.response.status, requestId: a.requestId || text(p["request_id"]),
    pointer: text(p["pointer"]), detail: text(p["detail"]), replicas, retryAfter: retryAfter(a.response),
    ...(p["code"] === "epoch_changed" && isPlace(p["resume"]) && { resume: p["resume"] }),
  });
}

// The same request can succeed a little later.
const passing: ReadonlySet<Code> = new Set<Code>([
  "insufficient_redundancy", "journal_unavailable", "overloaded", "shutting_down", "timeout", "request_timeout", "rate_limited", "unavailable", "proof_pending", "anchor_pending",
]);
/** @internal */
export const isPassing = (code: Code) => passing.has(code);

// Not from a host: a proxy before it, or another server altogether.
const passingStatus = new Map<number, Code>([[408, "request_timeout"], [429, "rate_limited"], [502, "unavailable"], [503, "unavailable"], [504, "timeout"]]);

/** The header's seconds or date (RFC 9110 §10.2.3) in milliseconds; 0 without one. */
function retryAfter(r: Response): number {
  const v = r.headers.get("retry-after")?.trim();
  if (!v) return 0;
  if (/^\d{1,9}$/.test(v)) return Number(v) * 1000;
  const at = Date.parse(v);
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now());
}

/** @internal Calls one host. */
export class Caller {
  readonly base: URL;
  readonly #o: Required<Omit<ClientOptions, "token" | "maxBytes" | "hostKeys">>;
  readonly #token: string | undefined;

  constructor(url: string | URL, o: ClientOptions) {
    let base: URL | undefined;
    try {
      base = new URL(url);
    } catch {
      // Told below, without what may be a password in it.
    }
    if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash) {
      throw new EventSealError("invalid_argument", "", "the host's URL must be like https://events.example.org, without user, query and fragment");
    }
    this.base = base;
    const fetching = o.fetch ?? globalThis.fetch;
    this.#o = { fetch: (...a) => fetching(...a), timeout: o.timeout ?? 30_000, attempts: o.attempts ?? 4, backoff: o.backoff ?? 200 };
    for (const name of ["timeout", "attempts", "backoff"] as const) {
      if (!(this.#o[name] > 0)) throw new EventSealError("invalid_argument", "", `${name} must be a positive number`);
    }
    // An engine's own error would tell it.
    if (o.token !== undefined && !/^[\x21-\x7e]+$/.test(o.token)) throw new EventSealError("invalid_argument", "", "token has a character that no header takes");
    this.#token = o.token;
  }

  get attempts(): number {
    return this.#o.attempts;
  }

  /**
   * Sends what make says until it is answered for good, and returns what read
   * makes of the answer. It is not sent again after a failure that is final,
   * be it a passing one.
   */
  async do<T>(make: Call | (() => Call), o: CallOptions | undefined, read: (a: Answer) => Promise<T>, final = (_: HostError) => false): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(typeof make === "function" ? make() : make, o, read);
      } catch (e) {
        if (!(e instanceof HostError) || !e.passing || attempt >= this.#o.attempts || final(e)) throw e;
        await this.rest(attempt, e, o?.signal);
      }
    }
  }

  /**
   * Waits between attempts, at most longest milliseconds: what the host asked for, or an evenly spread part of a doubling bound, so that clients that failed
   * together do not come back together.
   */
  rest(attempt: number, e: HostError, signal: AbortSignal | undefined, longest = Infinity): Promise<void> {
    const most = Math.min(this.#o.backoff * 2 ** (attempt - 1), 5000);
    return sleep(Math.min(longest, e.retryAfter > 0 ? Math.min(e.retryAfter, maxWait) + 100 * Math.random() : 1 + most * Math.random()), signal);
  }

  /** One attempt. */
  async once<T>(c: Call, o: CallOptions | undefined, read: (a: Answer) => Promise<T>): Promise<T> {
    const a = await this.open(c, o);
    try {
      return await read(a);
    } finally {
      a.close();
    }
  }

  /** Sends c and returns the answer when its head is there. The caller closes it. */
  async open(c: Call, o: CallOptions | undefined): Promise<Answer> {
    const server = this.base.host;
    const attempt = new Attempt(server, (o?.timeout ?? this.#o.timeout) + Math.ceil((c.body?.length ?? 0) / leastRate), o?.signal);
    let a: Answer | undefined;
    try {
      const response = await this.#o.fetch(this.#address(c), this.#request(c, attempt.signal));
      a = new Answer(response, server, attempt);
      if ([200, 201, 202, ...(c.accept ?? [])].includes(response.status)) return a;
      throw await this.#refusal(a);
    } catch (cause) {
      a?.close();
      attempt.close();
      if (cause instanceof HostError) throw cause;
      throw attempt.why ?? new HostError("unreachable", true, { server, detail: cause instanceof Error ? cause.message : "" }, { cause });
    }
  }

  #address(c: Call): URL {
    const u = new URL(this.base);
    u.pathname = u.pathname.replace(/\/+$/, "") + c.path;
    if (c.query) u.search = c.query.toString();
    return u;
  }

  #request(c: Call, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { ...c.headers };
    if (c.contentType) headers["Content-Type"] = c.contentType;
    if (this.#token) headers["Authorization"] = `Bearer ${this.#token}`;
    // A redirect would hand the token and the event to somebody else.
    const init: RequestInit = { method: c.method, headers, signal, redirect: "manual", credentials: "omit", referrerPolicy: "no-referrer" };
    if (c.body !== undefined) init.body = c.body;
    if (c.cache) init.cache = c.cache;
    return init;
  }

  async #refusal(a: Answer): Promise<unknown> {
    const { status } = a.response;
    if (a.response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === "application/problem+json") {
      const problem = await a.document().then((p) => problemOf(p, a), (e: HostError) => (e.code === "unexpected_answer" ? undefined : Promise.reject(e)));
      if (problem) return problem;
    }
    const code = passingStatus.get(status);
    return new HostError(code ?? "unexpected_answer", code !== undefined, {
      server: a.server, status, requestId: a.requestId, retryAfter: retryAfter(a.response), detail: status ? `it answered ${status}` : "it answered with a redirect",
    });
  }
}

/** Waits ms milliseconds. @throws the signal's reason when it aborts */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((go, stop) => {
    if (signal?.aborted) return stop(signal.reason);
    const aborted = () => {
      clearTimeout(timer);
      stop(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      go();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
