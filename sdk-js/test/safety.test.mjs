// What callers can hand in, and what must never come of it.
import assert from "node:assert/strict";
import { test } from "./test.mjs";
import vm from "node:vm";
import {
  EventSealError, VerifiedEvent, canonicalize, createEvent, eventTypes, generateKeyPair, hashEvent, keyPairOf, publicKeyOf, registerTypes, signDigest, signEvent, toLegacyPublicKey,
  verifyEvent, verifyEventSignature, validateEventHash,
} from "eventseal";
import { ask, install } from "../dist/module.js";
import { key, some } from "./events.mjs";
import { readFileSync } from "node:fs";
import { root } from "./files.mjs";

const refused = (code, pointer) => (e) => {
  assert.ok(e instanceof EventSealError, String(e?.stack));
  assert.deepEqual([e.code, e.pointer], [code, pointer ?? e.pointer], e.message);
  return true;
};
const create = (body, ...rest) => createEvent("VOTE", body, key.publicKey, ...rest);

test("a value has JSON's meaning", () => {
  for (const [value, text] of [
    [{ b: 1, a: [true, null, "é", -0, 1e21, 0.1] }, '{"a":[true,null,"é",0,1e+21,0.1],"b":1}'],
    [{ a: undefined, b: 2 }, '{"b":2}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [{ x: { toJSON: (k) => `by ${k}` } }, '{"x":"by x"}'],
    [JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
    [Object.assign(Object.create(null), { x: 1 }), '{"x":1}'],
    [vm.runInNewContext('({x:[1,{}]})'), '{"x":[1,{}]}'],
    [{ [Symbol("hidden")]: 1, x: 1 }, '{"x":1}'],
    [new Proxy({ x: new Proxy([1, 2], {}) }, {}), '{"x":[1,2]}'],
    [{ get x() { return 5; } }, '{"x":5}'],
    [Object.defineProperty({ x: 1 }, "y", { value: 2, enumerable: false }), '{"x":1}'],
  ]) {
    assert.equal(canonicalize(value), text);
    const at = (body) => create(body, [], undefined, { createdAt: 1 }).canonical;
    assert.equal(at(value), at(text));
  }
});

class Point {
  x = 1;
}
const cyclic = { list: [] };
cyclic.list.push({ cyclic });
let many = { x: 1 };
for (let i = 0; i < 40; i++) many = [many, many];
let deep = 1;
for (let i = 0; i < 100_000; i++) deep = [deep];

test("what JSON would change or drop in silence is refused, with its place", () => {
  for (const [name, value, code, pointer] of [
    ["NaN", { a: [NaN] }, "number_out_of_range", "/a/0"],
    ["Infinity", { a: -Infinity }, "number_out_of_range", "/a"],
    ["bigint", { a: 1n }, "invalid_argument", "/a"],
    ["function", { f() {} }, "invalid_argument", "/f"],
    ["symbol", { s: Symbol("s") }, "invalid_argument", "/s"],
    ["undefined in an array", { a: [1, undefined] }, "invalid_argument", "/a/1"],
    ["a hole", { a: [1, , 3] }, "invalid_argument", "/a/1"], // eslint-disable-line no-sparse-arrays
    ["a huge sparse array", { a: Object.assign([], { length: 2 ** 32 - 1 }) }, "invalid_argument", "/a/0"],
    ["an invalid date", { d: new Date(NaN) }, "invalid_argument", "/d"],
    ["a Map", { "a/b~": new Map([[1, 2]]) }, "invalid_argument", "/a~1b~0"],
    ["a Set", { x: new Set([1]) }, "invalid_argument", "/x"],
    ["bytes", { x: new Uint8Array(3) }, "invalid_argument", "/x"],
    ["a class", { p: new Point() }, "invalid_argument", "/p"],
    ["inherited members", { p: Object.create({ x: 1 }) }, "invalid_argument", "/p"],
    ["a literal's prototype", { p: { __proto__: { x: 1 } } }, "invalid_argument", "/p"],
    ["a boxed string", { x: new String("a") }, "invalid_argument", "/x"],
    ["a RegExp", { x: /a/ }, "invalid_argument", "/x"],
    ["an Error", { x: new Error("a") }, "invalid_argument", "/x"],
    ["a Promise", { x: Promise.resolve(1) }, "invalid_argument", "/x"],
    ["toJSON that answers undefined", { x: { toJSON() {} } }, "invalid_argument", "/x"],
    ["toJSON that throws", { x: { toJSON() { throw new Error("no"); } } }, "invalid_argument", "/x"],
    ["a getter that throws", { get x() { throw new Error("no"); } }, "invalid_argument", "/x"],
    ["a proxy that throws", { x: new Proxy({}, { ownKeys() { throw new Error("no"); } }) }, "invalid_argument", "/x"],
    ["a revoked proxy", { x: (() => { const p = Proxy.revocable({}, {}); p.revoke(); return p.proxy; })() }, "invalid_argument", "/x"],
    ["a cycle", cyclic, "invalid_argument", "/list/0/cyclic"],
    ["toJSON without end", { x: { toJSON: function f() { return { x: { toJSON: f } }; } } }, "depth_exceeded"],
    ["a billion laughs", { many }, "too_large"],
    ["a proxy without end", { x: new Proxy([], { get: (t, k) => (k === "length" ? 2 ** 32 - 1 : k === "toJSON" ? undefined : "x"), has: () => true }) }, "too_large"],
    ["huge depth", { deep }, "depth_exceeded"],
    ["a lone surrogate", { x: "\ud800" }, "lone_surrogate"],
    ["a lone surrogate in a name", { "\udc00": 1 }, "lone_surrogate"],
  ]) {
    assert.throws(() => create(value), (e) => refused(code, pointer === undefined ? undefined : "/body" + pointer)(e), name);
    assert.throws(() => canonicalize(value), refused(code, pointer), name);
    assert.throws(() => hashEvent({ ...some(1)[0].event, body: value }), refused(code), name);
    const v = verifyEvent({ ...some(1)[0].event, body: value });
    assert.deepEqual([v.valid, v.code], [false, code], name);
    assert.equal(verifyEventSignature({ ...some(1)[0].event, body: value }), false);
  }
  if (JSON.rawJSON) assert.throws(() => create({ x: JSON.rawJSON("1") }), refused("invalid_argument", "/body/x"));
});

test("text is not repaired", () => {
  const [{ record }] = some(1);
  assert.equal(verifyEvent(record.replace("é", "\ud800")).code, "lone_surrogate");
  assert.throws(() => canonicalize('"\ud800"'), refused("lone_surrogate"));
  assert.throws(() => canonicalize("{\"a\":1,\"a\":1}"), refused("duplicate_key", "/a"));
  assert.throws(() => create('{"n":9007199254740993}'), refused("number_not_interoperable", "/body/n"));
  assert.equal(verifyEvent(Uint8Array.of(0xef, 0xbb, 0xbf, ...new TextEncoder().encode(record))).code, "invalid_utf8");
  assert.equal(verifyEvent("\ufeff" + record).code, "invalid_utf8");
});

test("what changes while it is read is signed as it was read", () => {
  let reads = 0;
  const body = { get amount() { return ++reads; } };
  const c = create(body);
  assert.equal(reads, 1);
  assert.deepEqual(c.event.body, { amount: 1 });
  assert.equal(verifyEvent(signEvent(c, key.privateKey)).event.body.amount, 1);
  const shared = new Uint8Array(new SharedArrayBuffer(200));
  const text = new TextEncoder().encode('{"x":1}');
  shared.set(text);
  assert.equal(canonicalize(shared.subarray(0, text.length)), '{"x":1}');
  assert.equal(canonicalize(text.buffer), '{"x":1}');
  class Lying extends Uint8Array { get length() { return 1 << 20; } }
  assert.equal(canonicalize(new Lying(text)), '{"x":1}');
});

test("createEvent's answer is frozen, and signEvent holds it against itself", async () => {
  const c = create({ list: [{ x: 1 }] });
  assert.throws(() => { c.event.body.list[0].x = 2; }, TypeError);
  assert.throws(() => { c.canonical = ""; }, TypeError);
  const other = create({ list: [{ x: 2 }] });
  for (const bad of [{ ...c, canonical: other.canonical }, { ...c, hash: other.hash }, { ...c, event: other.event }, { ...c, canonical: " " + c.canonical }]) {
    assert.throws(() => signEvent(bad, key.privateKey), refused("hash_mismatch"));
    await assert.rejects(signEvent(bad, { publicKey: key.publicKey, signDigest: () => assert.fail() }), refused("hash_mismatch"));
  }
  for (const bad of [null, 5, undefined]) assert.throws(() => signEvent(bad, key.privateKey), refused("invalid_argument"));
  assert.throws(() => signEvent({ ...c, canonical: 5 }, key.privateKey), refused("invalid_argument"));
  // hashBytes is the caller's: what it does to it has no part in anything.
  c.hashBytes.fill(0);
  const signed = signEvent(c, key.privateKey);
  assert.equal(validateEventHash(signed, c.hash), true);
  assert.deepEqual(signEvent(c.event, key.privateKey), signed);
  assert.deepEqual(signEvent(c.canonical, new TextEncoder().encode(key.privateKey)), signed);
  assert.throws(() => signEvent(signed, key.privateKey), refused("invalid_field", "/sig"));
  await assert.rejects(signEvent(signed, { publicKey: key.publicKey, signDigest: () => assert.fail() }), refused("invalid_field", "/sig"));
});

test("arguments of the wrong form are named", () => {
  for (const [call, code, pointer] of [
    [() => createEvent(7, {}, key.publicKey), "invalid_field", "/type"],
    [() => createEvent("VOTE", {}, 7), "invalid_field", "/author_pubkey"],
    [() => createEvent("VOTE", [], key.publicKey), "invalid_field", "/body"],
    [() => createEvent("VOTE", {}, key.publicKey, ["x"]), "invalid_field", "/parents/0"],
    [() => createEvent("VOTE", {}, key.publicKey, "x"), "invalid_field", "/parents"],
    [() => createEvent("NOPE", {}, key.publicKey), "unknown_type", "/type"],
    [() => createEvent("VOTE", {}, "EOS1"), "invalid_public_key", "/author_pubkey"],
    [() => createEvent("VOTE", {}, key.publicKey, [], undefined, { createdAt: 1.5 }), "invalid_field", "/created_at"],
    [() => createEvent("VOTE", {}, key.publicKey, [], undefined, { createdAt: -1 }), "invalid_field", "/created_at"],
    [() => createEvent("VOTE", { x: "x".repeat(300_000) }, key.publicKey), "too_large"],
    [() => createEvent("VOTE", {}, key.publicKey, [], undefined, { maxBytes: 5 << 20 }), "invalid_argument"],
    [() => verifyEvent(undefined), "invalid_argument"],
    [() => verifyEvent(5), "invalid_argument"],
    [() => canonicalize("x".repeat(9 << 20)), "too_large"],
    [() => signDigest("00", key.privateKey), "invalid_argument"],
    [() => signDigest(new Uint8Array(31), key.privateKey), "invalid_argument"],
    [() => generateKeyPair({ curve: "X1" }), "invalid_argument"],
    [() => generateKeyPair({ random: new Uint8Array(31) }), "invalid_argument"],
  ]) assert.throws(call, refused(code, pointer), String(call));
});

test("events of megabytes, by choice", () => {
  const c = create({ x: "y".repeat(1 << 20) }, [], undefined, { maxBytes: 4 << 20 });
  const signed = signEvent(c, key.privateKey, { maxBytes: 4 << 20 });
  assert.equal(verifyEvent(signed, { maxBytes: 4 << 20 }).valid, true);
  assert.equal(verifyEvent(signed).code, "too_large");
  assert.equal(verifyEvent(JSON.stringify(signed)).code, "too_large");
  assert.equal(some(1)[0].valid, true);
});

test("a verified event is new, frozen, and cannot be made up", () => {
  const mine = JSON.parse(some(1)[0].record);
  const before = JSON.stringify(mine);
  const v = verifyEvent(mine);
  assert.equal(JSON.stringify(mine), before);
  assert.ok(!Object.isFrozen(mine) && v.event !== mine);
  mine.body.n = "changed";
  assert.equal(v.event.body.n, 0);
  assert.throws(() => { v.event.body.n = 1; }, TypeError);
  assert.throws(() => { v.valid = false; }, TypeError);
  assert.throws(() => new VerifiedEvent(), TypeError);
  assert.throws(() => new v.constructor({}, {}), TypeError);
  for (const not of [{ ...v }, structuredClone(v), Object.create(v), Object.create(VerifiedEvent.prototype), null, 1]) assert.equal(VerifiedEvent.is(not), false);
  assert.equal(VerifiedEvent.is(v), true);
});

test("a signer is not believed", async () => {
  const c = create({ x: 1 });
  const good = { publicKey: key.publicKey, signDigest: (hash) => signDigest(hash, key.privateKey) };
  const want = signEvent(c, key.privateKey);
  assert.deepEqual(await signEvent(c, good), want);
  assert.deepEqual(await signEvent(c, { ...good, publicKey: toLegacyPublicKey(key.publicKey) }), want);
  const seen = [];
  await signEvent(c.event, { ...good, signDigest: async (hash, what) => { seen.push(hash, what.canonical, what.event); what.hashBytes.fill(0); return good.signDigest(hash); } });
  assert.deepEqual(seen, [c.hash, c.canonical, c.event]);
  const other = generateKeyPair();
  for (const [signer, code] of [
    [{ ...good, publicKey: other.publicKey }, "key_mismatch"],
    [{ ...good, publicKey: "EOS" }, "invalid_public_key"],
    [{ ...good, signDigest: (h) => signDigest(h, other.privateKey) }, "signature_mismatch"],
    [{ ...good, signDigest: () => signDigest("00".repeat(32), key.privateKey) }, "signature_mismatch"],
    [{ ...good, signDigest: () => "SIG_K1_x" }, "invalid_signature"],
    [{ ...good, signDigest: () => `${want.sig}","type":"LIKE` }, "invalid_signature"],
    [{ ...good, signDigest: () => undefined }, "invalid_signature"],
    [{ publicKey: key.publicKey }, "invalid_argument"],
    [{}, "invalid_argument"],
  ]) await assert.rejects(signEvent(c, signer), refused(code));
  await assert.rejects(signEvent(c, { ...good, signDigest: () => Promise.reject(new Error("the person said no")) }), { message: "the person said no" });
});

test("a module that stops is started anew", () => {
  const real = WebAssembly.Instance;
  let broken = false;
  WebAssembly.Instance = function (...a) {
    const { exports } = new real(...a);
    return { exports: { ...exports, verify: (...x) => { if (broken) { broken = false; throw new WebAssembly.RuntimeError("unreachable"); } return exports.verify(...x); } } };
  };
  try {
    install(new WebAssembly.Module(readFileSync(`${root}/wasm/eventseal.wasm`)));
    registerTypes([{ name: "ACME", code: 1000 }]);
    const [e] = some(1);
    broken = true;
    assert.throws(() => verifyEvent(e), refused("internal"));
    assert.equal(verifyEvent(e).valid, true);
    assert.equal(eventTypes().at(-1).name, "ACME");
  } finally {
    WebAssembly.Instance = real;
    watched();
  }
});

test("R1 signs and verifies", async () => {
  const r1 = generateKeyPair({ curve: "R1" });
  const c = createEvent("LIKE", {}, r1.publicKey);
  assert.equal(verifyEvent(signEvent(c, r1.privateKey)).valid, true);
  assert.throws(() => signEvent(c, key.privateKey), refused("key_mismatch"));
  assert.throws(() => toLegacyPublicKey(r1.publicKey), refused("invalid_public_key"));
});

/** watched makes the SDK use an instance of the module whose memory we can look at. */
function watched() {
  let memory;
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...a) {
    const i = new Instance(...a);
    memory = i.exports.memory;
    return i;
  };
  try {
    install(new WebAssembly.Module(readFileSync(`${root}/wasm/eventseal.wasm`)));
  } finally {
    WebAssembly.Instance = Instance;
  }
  return memory;
}

test("private keys: no trace in memory, in errors, in the caller's bytes", () => {
  const memory = watched();
  const has = (needle) => Buffer.from(memory.buffer).includes(needle);

  const canary = new TextEncoder().encode('"what-was-asked-before"');
  ask("canonicalize", canary);
  assert.ok(has(canary), "we look at the right memory");

  for (const curve of ["K1", "R1"]) {
    const random = crypto.getRandomValues(new Uint8Array(32));
    const raw = Buffer.from(random);
    const pair = generateKeyPair({ curve, random });
    const reversed = Buffer.from(raw).reverse();
    const clean = (after) => {
      for (const [form, bytes] of Object.entries({ text: Buffer.from(pair.privateKey), digits: Buffer.from(pair.privateKey.slice(12, 40)), raw, reversed, half: raw.subarray(0, 16), reversedHalf: reversed.subarray(16) })) {
        assert.ok(!has(bytes), `${curve}: ${form} is in memory after ${after}`);
      }
    };
    clean("generateKeyPair");
    assert.deepEqual(Buffer.from(random), raw, "the caller's bytes are the caller's");
    const c = createEvent("VOTE", {}, pair.publicKey);
    const bytes = new TextEncoder().encode(pair.privateKey);
    for (const [name, use] of Object.entries({
      signEvent: () => signEvent(c, pair.privateKey),
      "signEvent with bytes": () => signEvent(c, bytes),
      signDigest: () => signDigest(c.hash, pair.privateKey),
      publicKeyOf: () => publicKeyOf(bytes),
      keyPairOf: () => keyPairOf(bytes),
      "a refusal": () => assert.throws(() => signEvent({ ...c.event, body: 5 }, pair.privateKey), refused("invalid_field")),
      "another author": () => assert.throws(() => signEvent(create({}), pair.privateKey), refused("key_mismatch")),
      "a typo": () => assert.throws(() => publicKeyOf(pair.privateKey.slice(0, -1) + (pair.privateKey.endsWith("1") ? "2" : "1")), refused("invalid_private_key")),
      "a key before an event that is too large": () => assert.throws(() => signEvent({ x: "x".repeat(9 << 20) }, pair.privateKey), refused("too_large")),
    })) {
      use();
      clean(name);
    }
    assert.deepEqual(Buffer.from(bytes).toString(), pair.privateKey);
    for (const wrong of [pair.privateKey.slice(0, -1), pair.privateKey + pair.privateKey, " " + pair.privateKey, pair.privateKey.repeat(10)]) {
      for (const use of [() => publicKeyOf(wrong), () => keyPairOf(wrong), () => signEvent(c, wrong), () => signDigest(c.hash, wrong), () => publicKeyOf(new TextEncoder().encode(wrong))]) {
        assert.throws(use, (e) => refused("invalid_private_key")(e) && !JSON.stringify([e.message, e.stack, e.detail, { ...e }, String(e.cause)]).includes(pair.privateKey.slice(8, 24)));
      }
    }
  }
});

test("nonsense, call after call, does not grow the module", () => {
  const memory = watched();
  let size;
  const junk = "[".repeat(200_000);
  const digits = "1".repeat(250_000);
  const [{ record }] = some(1);
  for (let i = 0; i < 200; i++) {
    assert.equal(verifyEvent(junk).code, "depth_exceeded");
    assert.equal(verifyEvent(`{"v":${digits}`).valid, false);
    assert.equal(verifyEvent(record).valid, true);
    size ??= memory.buffer.byteLength;
  }
  assert.equal(memory.buffer.byteLength, size);
});

test("nothing works before init, and says so", async () => {
  const { execFileSync } = await import("node:child_process");
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", `
    import { verifyEvent, init, EventSealError } from "eventseal";
    try { verifyEvent("{}"); } catch (e) { console.log(e.code); }
    await init(new Uint8Array([0, 1, 2])).catch((e) => console.log(e.code));
    await Promise.all([init(), init()]);
    console.log(verifyEvent("{}").code);
  `], { encoding: "utf8", cwd: `${root}/sdk-js` });
  assert.deepEqual(out.trim().split("\n"), ["not_initialized", "invalid_argument", "missing_field"]);
});
