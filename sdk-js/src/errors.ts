import { codes, type Code } from "./codes.gen.js";

/**
 * Codes that only this SDK gives, for what no module and no host can say:
 * `not_initialized` before `init()`, `unreachable` when a host does not answer,
 * `unexpected_answer` when what answers does not speak as a host does.
 */
export type SdkCode = "not_initialized" | "unreachable" | "unexpected_answer";

/** Every code that an {@link EventSealError} can have. */
export type ErrorCode = Code | SdkCode;

const own: Record<SdkCode, string> = {
  not_initialized: "The module is not loaded yet: await init() first.",
  unreachable: "The host cannot be reached.",
  unexpected_answer: "The answer is not what an Eventseal host sends.",
};

const titles = new Map<string, string>(codes.map((c) => [c.code, c.title]));
const byNumber = new Map<number, Code>(codes.map((c) => [c.number, c.code]));

/** Reports whether text is one of the codes of the module or a host. */
export function isCode(text: unknown): text is Code {
  return typeof text === "string" && titles.has(text);
}

/** One sentence for a person, in English; "" for what is no code. */
export function titleOf(code: ErrorCode): string {
  return titles.get(code) ?? own[code as SdkCode] ?? "";
}

/** The code of a number of the module's ABI. */
export function codeOf(number: number): Code {
  return byNumber.get(number) ?? "internal";
}

/**
 * What is wrong, by its code. The message never holds a private key.
 *
 * Functions throw it for an argument that has the wrong form; whether an event
 * is valid is an answer of {@link verifyEvent}, not an exception.
 */
export class EventSealError extends Error {
  /** The same string as in the module, in Go and in the host's problem documents. */
  readonly code: ErrorCode;
  /** JSON pointer (RFC 6901) of the offending place; "" is the whole. */
  readonly pointer: string;
  /** More about this case, may be "". */
  readonly detail: string;

  constructor(code: ErrorCode, pointer = "", detail = "", options?: ErrorOptions) {
    super(`${titleOf(code)} (${code}${pointer && ` at ${pointer}`})${detail && `: ${detail}`}`, options);
    this.name = "EventSealError";
    this.code = code;
    this.pointer = pointer;
    this.detail = detail;
  }
}

/** What one replica says of an event that it does not hold. */
export interface ReplicaError {
  readonly replica: string;
  readonly error: string;
}

/** What is known of a call to a host that failed. */
export interface HostFailure {
  /** Host and port. */
  readonly server: string;
  /** HTTP status, 0 without an answer. */
  readonly status: number;
  /** Under which the host logged the request, may be "". */
  readonly requestId: string;
  /** Why replicas do not hold the event, with `insufficient_redundancy`. */
  readonly replicas: readonly ReplicaError[];
  /** Milliseconds that the host asked to wait, 0 for none. */
  readonly retryAfter: number;
  /** With `epoch_changed`: the place to go on after, without missing an event; else "". */
  readonly resume: string;
}

/** A call to a host that failed: by its refusal, with the host's code, or on the way. */
export class HostError extends EventSealError implements HostFailure {
  readonly server: string;
  readonly status: number;
  readonly requestId: string;
  readonly replicas: readonly ReplicaError[];
  readonly retryAfter: number;
  readonly resume: string;
  /** Whether the same call can succeed a little later. */
  readonly passing: boolean;

  constructor(code: ErrorCode, passing: boolean, at: Partial<HostFailure> & { pointer?: string; detail?: string }, options?: ErrorOptions) {
    super(code, at.pointer, at.detail, options);
    this.name = "HostError";
    this.passing = passing;
    this.server = at.server ?? "";
    this.status = at.status ?? 0;
    this.requestId = at.requestId ?? "";
    this.replicas = at.replicas ?? [];
    this.retryAfter = at.retryAfter ?? 0;
    this.resume = at.resume ?? "";
  }
}
