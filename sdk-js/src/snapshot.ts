// What a caller hands in, read exactly once, as JSON text. Everything after it
// (hash, signature, what is returned) is about this text, so that a getter, a
// proxy or a later change cannot make a difference between what was shown and
// what is signed.
import { EventSealError } from "./errors.js";
import { maxInput } from "./module.js";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. A member that is undefined is as good as absent. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** What can be handed in as a JSON value: one, or what says by toJSON what it is, such as a Date. */
export type JsonInput = Json | { toJSON(key: string): unknown } | readonly JsonInput[] | JsonInputObject;

/** An object of such values. (TypeScript takes an object of an interface for one when it is spread: `{...ballot}`.) */
export interface JsonInputObject {
  readonly [name: string]: JsonInput | undefined;
}

/** JSON as text or UTF-8 bytes. */
export type JsonText = string | Uint8Array | ArrayBuffer;

// Deeper than anything the module takes; it tells of the depth itself.
const deepest = 1100;

const wellFormed: (s: string) => boolean =
  "isWellFormed" in String.prototype
    ? (s) => (s as unknown as { isWellFormed(): boolean }).isWellFormed()
    : (s) => !/\p{Surrogate}/u.test(s);

/** JSON text or bytes as the module takes them; undefined if input is neither. */
export function textOrBytes(input: unknown): string | Uint8Array | undefined {
  if (typeof input === "string") {
    // An encoder would quietly write U+FFFD for it.
    if (!wellFormed(input)) throw new EventSealError("lone_surrogate", "", "in the text itself");
    return input;
  }
  if (ArrayBuffer.isView(input)) return plainBytes(new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
  if (input instanceof ArrayBuffer || tagOf(input) === "ArrayBuffer") {
    return new Uint8Array(input as ArrayBuffer);
  }
  return undefined;
}

/** Shared memory can change while it is looked at, so that it is copied. */
function plainBytes(b: Uint8Array): Uint8Array {
  return tagOf(b.buffer) === "ArrayBuffer" ? b : b.slice();
}

/**
 * Text, bytes or a value as what the module takes. `at` is the JSON pointer of
 * the value in what is being made.
 */
export function snapshot(input: unknown, at = "", most = maxInput): string | Uint8Array {
  return textOrBytes(input) ?? stringify(input, at, most);
}

/**
 * The JSON text of a value. JSON's own meaning where it has one: toJSON is
 * called, undefined members are absent, −0 is 0, getters are read. What JSON
 * would quietly change or drop is refused with its place: NaN and infinities,
 * bigint, functions, symbols, holes and undefined in arrays, invalid dates,
 * cycles, and objects that are neither plain nor have toJSON, such as a Map.
 */
export function stringify(value: unknown, at = "", most = maxInput): string {
  let room = most;
  const above: object[] = [];
  // Names and indexes on the way to where we are: a pointer is made of them when there is something to tell.
  const path: (string | number)[] = [];

  function refuse(detail: string, code: "invalid_argument" | "number_out_of_range" | "too_large" | "depth_exceeded" = "invalid_argument", cause?: unknown): never {
    const place = path.map((p) => `/${String(p).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    throw new EventSealError(code, code === "too_large" ? "" : at + place, detail, cause === undefined ? undefined : { cause });
  }

  function took(text: string): string {
    room -= text.length;
    if (room < 0) refuse(`more than ${most} bytes`, "too_large");
    return text;
  }

  function write(v: unknown, key: string): string {
    if (typeof v === "object" && v !== null) {
      const toJSON: unknown = (v as { toJSON?: unknown }).toJSON;
      if (typeof toJSON === "function") {
        const from = v;
        v = toJSON.call(from, key);
        if (v === null && tagOf(from) === "Date") refuse("an invalid Date");
      }
    }
    switch (typeof v) {
      case "string":
        return took(JSON.stringify(v));
      case "number":
        if (!Number.isFinite(v)) refuse(`${v} is no JSON number`, "number_out_of_range");
        return took(JSON.stringify(v));
      case "boolean":
        return took(v ? "true" : "false");
      case "object":
        return v === null ? took("null") : compound(v);
      case "bigint":
        return refuse("a bigint is no JSON value; use a number within ±(2^53 − 1), or a string");
      default:
        return refuse(`${typeof v} is no JSON value`);
    }
  }

  function compound(o: object): string {
    if (above.includes(o)) refuse("it contains itself");
    if (above.length >= deepest) refuse("", "depth_exceeded");
    above.push(o);
    const text = Array.isArray(o) ? array(o) : object(o as Record<string, unknown>);
    above.pop();
    return text;
  }

  function array(o: unknown[]): string {
    const n = o.length;
    const items: string[] = [];
    took("[]");
    for (let i = 0; i < n; i++) {
      path.push(i);
      if (i > 0) took(",");
      const item = o[i];
      if (item === undefined) refuse(i in o ? "undefined in an array" : "a hole in an array");
      items.push(write(item, String(i)));
      path.pop();
    }
    return `[${items.join(",")}]`;
  }

  function object(o: Record<string, unknown>): string {
    if (!plain(o)) refuse(`an object of class ${tagOf(o)} is neither a plain object nor has it toJSON`);
    const members: string[] = [];
    took("{}");
    for (const name of Object.keys(o)) {
      path.push(name);
      const member = o[name];
      if (member !== undefined) {
        if (members.length > 0) took(",");
        const head = took(`${JSON.stringify(name)}:`);
        members.push(head + write(member, name));
      }
      path.pop();
    }
    return `{${members.join(",")}}`;
  }

  try {
    return write(value, "");
  } catch (e) {
    // A getter, a trap or a toJSON of the caller's; or its recursion.
    if (e instanceof EventSealError) throw e;
    return refuse("reading it failed", "invalid_argument", e);
  }
}

const tagOf = (v: unknown) => Object.prototype.toString.call(v).slice(8, -1);

/** Reports whether o is a literal's object: of this realm, of another one, or without prototype. */
function plain(o: object): boolean {
  // JSON.rawJSON's objects mean something else to JSON than what they look like.
  if ((JSON as { isRawJSON?: (v: unknown) => boolean }).isRawJSON?.(o)) return false;
  const proto = Object.getPrototypeOf(o) as object | null;
  if (proto === null || proto === Object.prototype) return true;
  return Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, "hasOwnProperty") && Object.hasOwn(proto, "isPrototypeOf");
}
