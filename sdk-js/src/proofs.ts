// What a host has signed: receipts, and the proof files that hold one beside
// the host's log. The module judges them; here its answers get their types.
import { invalid, limitOf, type InvalidEvent } from "./core.js";
import { EventSealError, titleOf, type ErrorCode } from "./errors.js";
import { attempt, attemptProof, Field, maxInput, textOf } from "./module.js";
import { snapshot, textOrBytes, type JsonObject, type JsonText } from "./snapshot.js";
import { frozen, type Limit, type SignedEvent } from "./types.js";

/** A host's promise, as it signed it: its RFC 8785 form without `sig` is what `sig` is for. */
export interface SignedReceipt {
  readonly eventseal_receipt: 1;
  /** The event's hash, hex. */
  readonly hash: string;
  /** SHA-256 of the event's record, hex. */
  readonly record_digest: string;
  /** The event's number in the log; it is the leaf of index sequence − 1. */
  readonly sequence: number;
  /** When the host took it in, Unix milliseconds. */
  readonly admitted_at: number;
  /** Counting replicas that held it then, their names, and how many the host requires. */
  readonly durable: number;
  readonly replicas: readonly string[];
  readonly required: number;
  /** The verifier key (C2SP signed-note, Ed25519) of the log that the number is in. */
  readonly log: string;
  /** SIG_K1_… */
  readonly sig: string;
}

/** Whose signatures are trusted. */
export interface TrustOptions {
  /**
   * The keys that are trusted, one a line; blank lines and those that begin with
   * `#` say nothing. A host's `PUB_K1_…`; the verifier key of a log, or of a
   * witness; the lines of a C2SP tlog-policy; or `chain`, a chain's ID and a
   * contract on it, for anchors. What a host serves at
   * `/log/keys` is such a text: it names the host's key and its log. Without a
   * host in it any is as good: then the answer is about what was signed, and not
   * about who signed it.
   */
  keys?: string | undefined;
}

/** A receipt whose signature is right. */
export interface ValidReceipt {
  readonly valid: true;
  readonly hash: string;
  readonly recordDigest: string;
  readonly sequence: number;
  /** Unix milliseconds, by the host's clock. */
  readonly admittedAt: number;
  readonly durable: number;
  readonly replicas: readonly string[];
  readonly required: number;
  /** Who signed it: the host's PUB_K1_…. */
  readonly key: string;
  /** The log's verifier key and its name. */
  readonly log: string;
  readonly origin: string;
  /** Whether `keys` named this host. A log vouches for none: anybody can sign a receipt that names it. */
  readonly trusted: boolean;
}

type ReceiptReport = Omit<ValidReceipt, "valid" | "trusted" | "recordDigest" | "admittedAt"> & { record_digest: string; admitted_at: number };

/** A receipt that is not valid, and why. */
export type InvalidReceipt = Omit<InvalidEvent, "hash">;

/** The answer of {@link verifyReceipt}. */
export type ReceiptVerdict = ValidReceipt | InvalidReceipt;

/**
 * Verifies a host's signed receipt, in any JSON spelling. `valid: true` says that
 * `key` signed it. The key is found from the signature, so that a receipt that was
 * changed is one of somebody else's key: without `keys`, compare `key` with the
 * host's yourself. That it is about an event of yours is for its `hash` and
 * `recordDigest` to show. Never throws for a receipt.
 *
 * @throws EventSealError `invalid_argument` for what is no receipt at all, such as a number, and for keys that are none
 */
export function verifyReceipt(receipt: SignedReceipt | JsonObject | JsonText, options: TrustOptions = {}): ReceiptVerdict {
  return receiptVerdict(receipt, trustOf(options.keys));
}

/** @internal */
export function receiptVerdict(receipt: SignedReceipt | JsonObject | JsonText, { hosts, logs }: Trust): ReceiptVerdict {
  const input = inputOf(receipt, "a receipt");
  if (isRefusal(input)) return input;
  const answer = attempt("verify_receipt", input);
  if (!(answer instanceof Uint8Array)) return invalid(answer);
  const { record_digest: recordDigest, admitted_at: admittedAt, ...rest } = JSON.parse(textOf(answer)) as ReceiptReport;
  if ((logs.length > 0 && !logs.includes(rest.log)) || (hosts.length > 0 && !hosts.includes(rest.key))) return invalid({ code: "untrusted_key", pointer: "" });
  return frozen({ valid: true as const, recordDigest, admittedAt, ...rest, trusted: hosts.length > 0 });
}

/**
 * What is said of one part of a proof: `valid`, that it is not there or not to be
 * judged, or the code of its fault. `not checked`: a part that it is about is wrong.
 */
export type PartVerdict<More extends string = never> = "valid" | More | ErrorCode;

/** What a proof says of a chain. That it is so, only the chain can say. */
export interface ProofAnchor {
  /** The chain's ID, hex, and the account of the contract on it. */
  readonly chainId: string;
  readonly contract: string;
  /** Which of the contract's heads it is, from 1, and how many events that covers. */
  readonly seq: number;
  readonly size: number;
  /** Of the block, RFC 3339. */
  readonly time: string;
  readonly blockNum: number;
  /** Hex. */
  readonly blockId: string;
  readonly transactionId: string;
}

interface AnchorReport extends Pick<ProofAnchor, "contract" | "seq" | "size" | "time"> { block_id: string; block_num: number; chain_id: string; transaction_id: string }

const anchorOf = ({ block_id: blockId, block_num: blockNum, chain_id: chainId, time, transaction_id: transactionId, ...rest }: AnchorReport): ProofAnchor =>
  ({ ...rest, chainId, time: `${time}Z`, blockNum, blockId, transactionId });

/** What each part of a proof is worth. */
export interface ProofParts {
  /** The event, by its author's key. */
  readonly record: PartVerdict;
  /** The host's receipt, by the host's key, for this record. */
  readonly receipt: PartVerdict;
  /** The way from the event to the root of the log's tree. */
  readonly path: PartVerdict<"not checked">;
  /** The head of the log, by the log's key and the host's. */
  readonly checkpoint: PartVerdict<"not checked">;
  /** Of witnesses: `needs policy` where none of their keys is known. */
  readonly cosignatures: PartVerdict<"absent" | "needs policy" | "not checked">;
  /** Whether the keys are trusted: `needs keys` where no host was named. */
  readonly keys: PartVerdict<"needs keys" | "not checked">;
  /** That a head of the log is on a chain: `needs chain` where nothing in the file is wrong, and what is left is for the chain to say. */
  readonly anchor: PartVerdict<"absent" | "needs chain" | "not checked">;
}

/** What a proof shows. Members are absent that are about a part which is wrong. */
export interface ProofReport {
  /** Nothing that is present is wrong. */
  readonly valid: boolean;
  /** The first fault, and its place in the file where there is one. */
  readonly code?: ErrorCode;
  readonly pointer?: string;
  /** One sentence for a person; "" when it is valid. */
  readonly message: string;
  /** Every part is looked at, whatever is wrong with another; absent where the file could not be taken apart. */
  readonly parts?: ProofParts;
  /** The event's hash, type and author. */
  readonly hash?: string;
  readonly type?: string;
  readonly author?: string;
  /** Its number in the log, and how many events the log's head covers. */
  readonly sequence?: number;
  readonly size?: number;
  /** When the host took it in, Unix milliseconds, by the host's clock. */
  readonly admittedAt?: number;
  /** Who signed the receipt: the host's PUB_K1_…. */
  readonly key?: string;
  /** The log's verifier key and its name. */
  readonly log?: string;
  readonly origin?: string;
  /** Valid cosignatures by witnesses that `keys` names. */
  readonly witnesses?: number;
  /** What to ask the chain; where the part is `needs chain`. */
  readonly anchor?: ProofAnchor;
}

/** How {@link verifyProof} judges. maxBytes is for the event in it. */
export interface ProofOptions extends TrustOptions, Limit {}

/** A proof file's content. `log` is a C2SP tlog-proof. */
export interface ProofFile {
  readonly eventseal_proof: 1;
  readonly record: SignedEvent;
  readonly receipt: SignedReceipt;
  readonly log: string;
  /** A head of the log on a chain, or null. */
  readonly anchor: unknown;
}

/**
 * Verifies a proof file, alone and offline: the event, the host's receipt for
 * it, its place in the host's log, what it says of a chain as far as that can be
 * known without one, and that all of these are about each other.
 * Holds the thread for about a millisecond. Never throws for a file.
 *
 * @throws EventSealError `invalid_argument` for what is no file at all, such as a number, and for keys that are none
 */
export function verifyProof(file: ProofFile | JsonObject | JsonText, options: ProofOptions = {}): ProofReport {
  const most = limitOf(options);
  const trust = textOfKeys(options.keys);
  const input = inputOf(file, "a proof");
  if (isRefusal(input)) return input;
  const answer = attemptProof(most, trust, input);
  if (typeof answer !== "string") {
    if (answer.code === "invalid_argument") throw notKeys(answer.pointer);
    return invalid(answer);
  }
  const { code, admitted_at: admittedAt, anchor, ...rest } = JSON.parse(answer) as Omit<ProofReport, "code" | "anchor"> & { code: ErrorCode | ""; admitted_at?: number; anchor?: AnchorReport };
  return frozen({ ...rest, ...(anchor && { anchor: anchorOf(anchor) }), ...(code !== "" && { code }), ...(admittedAt !== undefined && { admittedAt }), message: code === "" ? "" : titleOf(code) });
}

const isRefusal = (x: string | Uint8Array | InvalidEvent): x is InvalidEvent => typeof x === "object" && "valid" in x;

/** A file as the module takes it, or what is wrong with it before the module is asked. */
function inputOf(file: unknown, what: string): string | Uint8Array | InvalidEvent {
  if ((typeof file !== "string" && typeof file !== "object") || file === null) {
    throw new EventSealError("invalid_argument", "", `${what} is an object, JSON text or bytes`);
  }
  try {
    const input = snapshot(file);
    return input.length > mostBytes ? invalid({ code: "too_large", pointer: "" }) : input;
  } catch (e) {
    if (e instanceof EventSealError && e.code !== "not_initialized") return invalid(e);
    throw e;
  }
}

function textOfKeys(keys: string | undefined): Field {
  if (keys !== undefined && (typeof keys !== "string" || keys.length > mostKeys)) throw new EventSealError("invalid_argument", "", `keys are text of at most ${mostKeys} characters`);
  return new Field(textOrBytes(keys ?? "")!);
}

/** The refusal of a trust text, by the pointer to its line. */
const notKeys = (pointer: string) => new EventSealError("invalid_argument", pointer, `line ${pointer.slice(1)} of the keys is none`);

// Of one call, beside the keys.
const mostBytes = maxInput - (128 << 10);
const mostKeys = 64 << 10;

/** @internal What a trust text, which the module has looked at, says of who signs receipts. */
export interface Trust {
  readonly hosts: readonly string[];
  readonly logs: readonly string[];
}

/** @internal @throws EventSealError `invalid_argument` for a text that is none */
export function trustOf(keys: string | undefined): Trust {
  if (keys === undefined) return { hosts: [], logs: [] };
  const answer = attemptProof(0, textOfKeys(keys), "");
  if (typeof answer !== "string" && answer.code === "invalid_argument") throw notKeys(answer.pointer);
  const lines = keys.split("\n").map((line) => line.split(/[ \t]+/).filter((w) => w !== ""));
  const hosts = lines.map(([first]) => first!).filter((w) => w?.startsWith("PUB_K1_"));
  // A bare key with the type of a log's, 1, in its first byte; a witness's begins with another letter.
  const logs = lines.flatMap(([first, second]) => (first === "log" ? [second!] : first !== undefined && second === undefined && /^[^#+][^+]*\+[0-9a-f]{8}\+A/.test(first) ? [first] : []));
  return { hosts, logs };
}
