// Properties against the libraries that people come from: the same hashes, the
// same K1 signatures, and each accepts what the other made.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "./test.mjs";
import { Checksum256, PrivateKey, PublicKey, Signature } from "@wharfkit/antelope";
import canonicalizeNpm from "canonicalize";
import fc from "fast-check";
import { canonicalize as jsonCanonicalize } from "json-canonicalize";
import {
  canonicalize, createEvent, EventTypes, eventTypes, generateKeyPair, keyPairOf, publicKeyOf, recoverPublicKey, sha256, signDigest, signEvent,
  toLegacyPublicKey, verifyDigest, verifyEvent,
} from "eventseal";
import { key } from "./events.mjs";
import { toHex } from "./vectors.mjs";

const eosjs = createRequire(import.meta.url)("eosjs/dist/eosjs-key-conversions.js");

const runs = { numRuns: 60 };
const text = fc.string({ unit: "grapheme", maxLength: 30 });
// JSON.stringify gives -0 as 0; what canonical forms cannot hold is left out.
const json = fc.jsonValue({ stringUnit: "grapheme", maxDepth: 5 });
const body = fc.dictionary(text, json, { maxKeys: 8 });
const k1 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((random) => {
  random[0] = 1; // below n on both curves, and not 0
  return random;
});
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hashOf = (s) => createHash("sha256").update(s).digest("hex");

test("canonicalize is canonicalize's and json-canonicalize's", () => {
  fc.assert(fc.property(json, (v) => {
    const want = canonicalizeNpm(v);
    assert.equal(typeof v === "string" ? canonicalize(JSON.stringify(v)) : canonicalize(v), want);
    assert.equal(canonicalize(JSON.stringify(v, null, 2)), want);
    assert.equal(jsonCanonicalize(v), want);
    assert.equal(sha256(want), hashOf(want));
  }), { numRuns: 500 });
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => assert.equal(canonicalize([n]), `[${JSON.stringify(n)}]`)), { numRuns: 500 });
});

test("an event's hash is SHA-256 of what these libraries write", () => {
  fc.assert(fc.property(body, fc.constantFrom(...Object.keys(EventTypes)), fc.maxSafeNat(), (b, type, createdAt) => {
    const c = createEvent(type, b, key.publicKey, [], undefined, { createdAt });
    const preimage = canonicalizeNpm({ v: 1, type, author_pubkey: key.publicKey, created_at: createdAt, parents: [], body: b });
    assert.equal(c.canonical, preimage);
    assert.equal(c.hash, hashOf(preimage));
  }), runs);
});

test("eosjs and wharfkit: keys and K1 signatures, byte for byte, both ways", () => {
  fc.assert(fc.property(k1, digest, (random, d) => {
    const pair = generateKeyPair({ random });
    const e = eosjs.PrivateKey.fromString(pair.privateKey);
    const w = PrivateKey.fromString(pair.privateKey);
    assert.equal(e.getPublicKey().toString(), pair.publicKey);
    assert.equal(w.toPublic().toString(), pair.publicKey);
    assert.equal(publicKeyOf(w.toWif()), pair.publicKey);
    assert.equal(keyPairOf(e.toLegacyString()).privateKey, pair.privateKey);
    assert.equal(toLegacyPublicKey(pair.publicKey), e.getPublicKey().toLegacyString());
    assert.equal(toLegacyPublicKey(pair.publicKey), w.toPublic().toLegacyString());

    const sig = signDigest(d, pair.privateKey);
    assert.equal(e.sign(d, false).toString(), sig);
    assert.equal(w.signDigest(Checksum256.from(d)).toString(), sig);
    assert.equal(verifyDigest(d, sig, pair.publicKey).valid, true);
    assert.equal(recoverPublicKey(sig, d), pair.publicKey);
    assert.equal(Signature.from(sig).verifyDigest(Checksum256.from(d), PublicKey.from(pair.publicKey)), true);
    assert.equal(eosjs.Signature.fromString(sig).verify(d, eosjs.PublicKey.fromString(pair.publicKey), false), true);
  }), runs);
});

test("R1: wharfkit verifies ours, we verify wharfkit's", () => {
  fc.assert(fc.property(k1, digest, (random, d) => {
    const pair = generateKeyPair({ curve: "R1", random });
    const w = PrivateKey.fromString(pair.privateKey);
    assert.equal(w.toPublic().toString(), pair.publicKey);
    assert.equal(Signature.from(signDigest(d, pair.privateKey)).verifyDigest(Checksum256.from(d), PublicKey.from(pair.publicKey)), true);
    const theirs = w.signDigest(Checksum256.from(d)).toString();
    assert.equal(verifyDigest(d, theirs, pair.publicKey).valid, true);
    assert.equal(recoverPublicKey(theirs, d), pair.publicKey);
  }), { numRuns: 20 });
});

test("whole events: signed there and verified here, and the other way round", () => {
  fc.assert(fc.property(body, k1, (b, random) => {
    const pair = generateKeyPair({ random });
    const author = random[1] % 2 ? pair.publicKey : toLegacyPublicKey(pair.publicKey);
    const ours = signEvent(createEvent("DISCUSS", b, author, [], {}, { createdAt: 5 }), pair.privateKey);

    const unsigned = { v: 1, type: "DISCUSS", author_pubkey: author, created_at: 5, parents: [], body: b, proofs: {} };
    const d = createHash("sha256").update(jsonCanonicalize(unsigned)).digest();
    const sig = eosjs.PrivateKey.fromString(pair.privateKey).sign(d, false).toString();
    assert.equal(sig, ours.sig);
    const v = verifyEvent({ ...unsigned, sig });
    assert.equal(v.valid, true);
    assert.equal(v.hash, toHex(d));
    assert.equal(v.record, canonicalizeNpm({ ...unsigned, sig }));

    const { sig: theirs, ...rest } = v.event;
    assert.equal(Signature.from(theirs).verifyDigest(Checksum256.from(createHash("sha256").update(canonicalizeNpm(rest)).digest()), PublicKey.from(author)), true);
  }), { numRuns: 30 });
});

test("one changed bit anywhere in a record is noticed", () => {
  const v = verifyEvent(signEvent(createEvent("VOTE", { choice: "yes", weight: 12 }, key.publicKey), key.privateKey));
  const bytes = new TextEncoder().encode(v.record);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(verifyEvent(changed).valid, false, `bit ${bit}`);
  }
});

test("any text and any bytes get an answer", () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: "binary", maxLength: 200 }), fc.json()), (input) => {
    assert.equal(verifyEvent(input).valid, false);
  }), { numRuns: 1000 });
  fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true, withSet: true, withSparseArray: true, withTypedArray: true }), (body) => {
    const v = verifyEvent({ v: 1, body });
    assert.equal(v.valid, false);
  }), { numRuns: 1000 });
});

test("EventTypes is the module's table", () => {
  assert.deepEqual(Object.fromEntries(eventTypes().map((t) => [t.name, t.code])), { ...EventTypes });
});
