import { EventSealError, type ErrorCode } from "./errors.js";
import { ask, askSecret, attempt, bytesOfHex, Field, hexOf, takeField, textOf } from "./module.js";

/** The curves of keys and signatures: secp256k1 and P-256. */
export type Curve = "K1" | "R1";
const curves: readonly Curve[] = ["K1", "R1"];

/**
 * A private key: PVT_K1_…, PVT_R1_… or WIF, as text or as that text's bytes.
 * Bytes can be wiped by their owner after use; strings cannot.
 */
export type PrivateKey = string | Uint8Array;

/** A private key with the public key that belongs to it. */
export interface KeyPair {
  readonly curve: Curve;
  /** PVT_K1_… or PVT_R1_… */
  readonly privateKey: string;
  /** PUB_K1_… or PUB_R1_… */
  readonly publicKey: string;
}

/** A public key taken apart. */
export interface PublicKeyParts {
  readonly curve: Curve;
  /** SEC 1 compressed, 33 bytes. */
  readonly point: Uint8Array;
  /** PUB_K1_… or PUB_R1_… */
  readonly text: string;
  /** EOS…, for K1. */
  readonly legacy?: string;
}

/** The text of a private key as the module takes it. What is no such text is refused without being told. */
export function secretOf(key: PrivateKey): string | Uint8Array {
  if (typeof key === "string" && key.length <= 256) return key;
  if (key instanceof Uint8Array && key.length <= 256) return key;
  if (typeof key === "string" || key instanceof Uint8Array) throw new EventSealError("invalid_private_key");
  throw new EventSealError("invalid_argument", "", "a private key is a string or a Uint8Array of its text");
}

function pairOf(answer: Uint8Array): KeyPair {
  const [text, rest] = takeField(answer.subarray(1));
  return Object.freeze({ curve: curves[answer[0]!]!, privateKey: textOf(text), publicKey: textOf(takeField(rest)[0]) });
}

/**
 * Makes a key pair from the engine's cryptographic random numbers, or from 32
 * random bytes of the caller's.
 *
 * @throws EventSealError `invalid_private_key` for bytes that are no key
 * (about 1 in 2^128 for K1, 1 in 2^32 for R1): draw others
 */
export function generateKeyPair(options: { curve?: Curve; random?: Uint8Array } = {}): KeyPair {
  const curve = curves.indexOf(options.curve ?? "K1");
  if (curve < 0) throw new EventSealError("invalid_argument", "", 'curve is "K1" or "R1"');
  const input = new Uint8Array(33);
  input[0] = curve;
  try {
    if (options.random !== undefined) {
      if (!(options.random instanceof Uint8Array) || options.random.length !== 32) {
        throw new EventSealError("invalid_argument", "", "random must be 32 bytes");
      }
      input.set(options.random, 1);
      return askSecret("key_from_random", [input], pairOf);
    }
    for (;;) {
      crypto.getRandomValues(input.subarray(1));
      try {
        return askSecret("key_from_random", [input], pairOf);
      } catch (e) {
        if (!(e instanceof EventSealError) || e.code !== "invalid_private_key") throw e;
      }
    }
  } finally {
    input.fill(0);
  }
}

/** The pair of a private key, in the new spelling. */
export function keyPairOf(key: PrivateKey): KeyPair {
  return askSecret("private_text", [secretOf(key)], pairOf);
}

/** The public key of a private key, PUB_…. */
export function publicKeyOf(key: PrivateKey): string {
  return parts(ask("public_key", secretOf(key))).text;
}

function parts(answer: Uint8Array): PublicKeyParts {
  const [text, rest] = takeField(answer.subarray(34));
  const legacy = textOf(takeField(rest)[0]);
  const base = { curve: curves[answer[0]!]!, point: answer.slice(1, 34), text: textOf(text) };
  return Object.freeze(legacy === "" ? base : { ...base, legacy });
}

/** Reads PUB_K1_…, PUB_R1_… or EOS…: checksum, and the point is on the curve. */
export function parsePublicKey(text: string): PublicKeyParts {
  return parts(ask("public_text", argument(text, "a public key")));
}

/** The public key of a curve and a compressed point of 33 bytes. */
export function publicKeyFromPoint(curve: Curve, point: Uint8Array): PublicKeyParts {
  return parts(ask("public_of", tagged(curve, point, 33, "point")));
}

function tagged(curve: Curve, bytes: Uint8Array, size: number, name: string): Uint8Array {
  if (!curves.includes(curve) || !(bytes instanceof Uint8Array) || bytes.length !== size) {
    throw new EventSealError("invalid_argument", "", `curve is "K1" or "R1", ${name} has ${size} bytes`);
  }
  const out = new Uint8Array(1 + size);
  out[0] = curves.indexOf(curve);
  out.set(bytes, 1);
  return out;
}

function argument(text: unknown, what: string): string {
  if (typeof text === "string") return text;
  throw new EventSealError("invalid_argument", "", `${what} is a string`);
}

/** The legacy spelling, EOS…, of a K1 key. @throws EventSealError `invalid_public_key` for an R1 key, which has none */
export function toLegacyPublicKey(publicKey: string): string {
  const { legacy } = parsePublicKey(publicKey);
  if (legacy === undefined) throw new EventSealError("invalid_public_key", "", "an R1 key has no legacy spelling");
  return legacy;
}

/** Reads SIG_K1_… or SIG_R1_…: 65 bytes, 31 + recovery id, r, s. */
export function parseSignature(text: string): { readonly curve: Curve; readonly bytes: Uint8Array } {
  const b = ask("signature_text", argument(text, "a signature"));
  return Object.freeze({ curve: curves[b[0]!]!, bytes: b.slice(1) });
}

/** The text of a signature of 65 bytes. */
export function formatSignature(curve: Curve, bytes: Uint8Array): string {
  return textOf(ask("signature_of", tagged(curve, bytes, 65, "a signature")));
}

/** The 32 bytes of a digest that is given as such or in hex. */
function digestOf(digest: string | Uint8Array): Uint8Array {
  const b = digest instanceof Uint8Array && digest.length === 32 ? digest : bytesOfHex(digest, 32);
  if (!b) throw new EventSealError("invalid_argument", "", "a digest is 32 bytes, or 64 lower-case hex digits");
  return b;
}

/** Signs 32 bytes as they are. The same bytes as eosjs and wharfkit make for K1. */
export function signDigest(digest: string | Uint8Array, key: PrivateKey): string {
  return textOf(ask("sign_digest", digestOf(digest), secretOf(key)));
}

/** Tells whether publicKey signed digest, and else why not. */
export function verifyDigest(digest: string | Uint8Array, signature: string, publicKey: string): { readonly valid: boolean; readonly code?: ErrorCode } {
  const answer = attempt("verify_digest", digestOf(digest), new Field(argument(publicKey, "a public key")), argument(signature, "a signature"));
  return Object.freeze(answer instanceof Uint8Array ? { valid: true } : { valid: false, code: answer.code });
}

/** The public key that made a signature, PUB_…. */
export function recoverPublicKey(signature: string, digest: string | Uint8Array): string {
  return parts(ask("recover", digestOf(digest), argument(signature, "a signature"))).text;
}

/** @internal */
export const authorKeyOf = (publicKey: string): string => hexOf(ask("public_text", argument(publicKey, "a public key")).subarray(0, 34));
