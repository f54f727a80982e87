// Receipts and proofs: what holds, and what does not.
import assert from "node:assert/strict";
import { EventSealError, canonicalize, verifyProof, verifyReceipt } from "eventseal";
import * as es from "eventseal";
import { key, some } from "./events.mjs";
import { logOf, witness } from "./proofs.mjs";
import { test } from "./test.mjs";

const events = some(13);
const log = logOf(es, events);
const other = logOf(es, events, { n: 2, origin: "other.example/log/0000000000000001" });
const [w1, w2, w3] = [1, 2, 3].map((n) => witness(n));
const all = { anchor: "absent", checkpoint: "valid", cosignatures: "absent", keys: "needs keys", path: "valid", receipt: "valid", record: "valid" };
const wrong = (code) => (e) => {
  assert.ok(e instanceof EventSealError, String(e?.stack));
  assert.equal(e.code, code, e.message);
  return true;
};

test("a proof shows what it shows, in any spelling", () => {
  for (const [index, size] of [[0, 1], [0, 13], [4, 5], [6, 13], [12, 13]]) {
    const file = log.proof(index, size);
    const text = JSON.stringify(file);
    const want = {
      valid: true, message: "", parts: all, hash: events[index].hash, type: "VOTE", author: key.publicKey, sequence: index + 1, size, admittedAt: file.receipt.admitted_at,
      key: log.key, log: log.vkey, origin: log.origin, witnesses: 0,
    };
    for (const form of [file, text, JSON.stringify(file, null, 2), canonicalize(file), new TextEncoder().encode(text)]) {
      const report = verifyProof(form);
      assert.deepEqual(report, want);
      assert.ok(Object.isFrozen(report) && Object.isFrozen(report.parts));
    }
    assert.deepEqual(verifyProof(file, { keys: log.keys }), { ...want, parts: { ...all, keys: "valid" } });
  }
});

test("whose keys they are is for the caller to say", () => {
  const file = log.proof(3, 13, [w1, w2]);
  const keysOf = (...lines) => lines.join("\n");
  const policy = (k) => keysOf(log.key, `log ${log.vkey}`, `witness a ${w1.vkey}`, `witness b ${w2.vkey}`, `witness c ${w3.vkey}`, `group g ${k} a b c`, "quorum g");
  for (const [name, keys, parts, more] of [
    ["none", undefined, { cosignatures: "needs policy" }],
    ["comments", "# nothing\n\n", { cosignatures: "needs policy" }],
    ["the host's", log.keys, { keys: "valid", cosignatures: "needs policy" }],
    ["the host's alone", log.key, { keys: "valid", cosignatures: "needs policy" }],
    ["its log's alone", log.vkey, { cosignatures: "needs policy" }],
    ["one of several", keysOf(other.key, log.key), { keys: "valid", cosignatures: "needs policy" }],
    ["another host's", other.keys, { keys: "untrusted_key", cosignatures: "needs policy" }, { valid: false, code: "untrusted_key" }],
    ["its log's, another host's", keysOf(log.vkey, other.key), { keys: "untrusted_key", cosignatures: "needs policy" }, { valid: false, code: "untrusted_key" }],
    ["two witnesses of three", policy(2), { keys: "valid", cosignatures: "valid" }, { witnesses: 2 }],
    ["all three of them", policy("all"), { keys: "valid", cosignatures: "insufficient_witnesses" }, { valid: false, code: "insufficient_witnesses", witnesses: 2 }],
  ]) {
    const r = verifyProof(file, { keys });
    assert.deepEqual(r.parts, { ...all, ...parts }, name);
    assert.deepEqual({ valid: r.valid, code: r.code, witnesses: r.witnesses }, { valid: true, code: undefined, witnesses: 0, ...more }, name);
  }
  const forged = log.proof(3, 13, [{ cosign: (text) => w1.cosign(`${text} `) }]);
  assert.equal(verifyProof(forged, { keys: w1.vkey }).parts.cosignatures, "signature_mismatch");
  for (const keys of ["nonsense", log.key.slice(0, -1), `${log.vkey}x`, "log", `quorum nobody`, "#".repeat(1 << 20), 7]) {
    assert.throws(() => verifyProof(file, { keys }), wrong("invalid_argument"), String(keys).slice(0, 80));
  }
});

test("what a proof says of a chain is for the chain to say", () => {
  const contract = (name, a) => `chain ${a.chain_id} ${name}`;
  for (const size of [13, 4, 5, 8, 12]) {
    const anchor = log.anchor(size);
    const file = { ...log.proof(3), anchor };
    const said = {
      chainId: anchor.chain_id, contract: "seal.anchor", seq: 7, size, time: "2026-11-28T05:00:00.500Z", blockNum: 42, blockId: anchor.block_id,
      transactionId: es.sha256(Buffer.from(anchor.transaction, "hex")),
    };
    for (const [keys, parts] of [[undefined, {}], [`${log.keys}${contract("seal.anchor", anchor)}`, { keys: "valid" }]]) {
      const r = verifyProof(file, { keys });
      assert.deepEqual({ valid: r.valid, parts: r.parts, anchor: r.anchor, size: r.size }, { valid: true, parts: { ...all, ...parts, anchor: "needs chain" }, anchor: said, size: 13 });
      assert.ok(Object.isFrozen(r.anchor));
    }
    for (const [name, code, change, keys] of [
      ["a contract that nobody trusts", "untrusted_key", {}, contract("another", anchor)],
      ["another row", "invalid_anchor", { row: { ...anchor.row, seq: 8 } }],
      ["another block", "invalid_anchor", { block_num: 43 }],
      ["another key", "signature_mismatch", { keys: [log.key] }],
      ["another way to the head", "invalid_proof", { consistency: [...anchor.consistency, anchor.row.root] }],
      ["another log's head", "invalid_proof", logOf(es, some(14).slice(1)).anchor(size)],
      ["a head before the event", "proof_mismatch", log.anchor(3)],
      ["nothing", "invalid_anchor", { row: undefined }],
    ]) {
      const r = verifyProof({ ...file, anchor: { ...anchor, ...change } }, { keys });
      assert.deepEqual({ valid: r.valid, code: r.code, part: r.parts.anchor, anchor: r.anchor }, { valid: false, code, part: code, anchor: undefined }, `${name}, ${size}`);
    }
  }
});

test("a part of another event, log or host is refused", () => {
  const [one, two] = [log.proof(3), log.proof(4)];
  const lie = (more) => logOf(es, events).receipt(3, more);
  const theirs = other.proof(3);
  for (const [name, file, codes] of [
    ["another event", { ...one, record: two.record }, ["proof_mismatch"]],
    ["another receipt", { ...one, receipt: two.receipt }, ["proof_mismatch"]],
    ["another place", { ...one, log: two.log }, ["proof_mismatch", "invalid_proof"]],
    ["another host's receipt", { ...one, receipt: theirs.receipt }, ["proof_mismatch", "invalid_checkpoint"]],
    ["another host's log", { ...one, log: theirs.log }, ["proof_mismatch", "invalid_checkpoint"]],
    ["a receipt for another number", { ...one, receipt: lie({ sequence: 5 }) }, ["proof_mismatch"]],
    ["a receipt for another record", { ...one, receipt: lie({ record_digest: "0".repeat(64) }) }, ["proof_mismatch"]],
    ["a receipt for another event", { ...one, receipt: lie({ hash: "0".repeat(64) }) }, ["proof_mismatch"]],
    ["a receipt for another log", { ...one, receipt: lie({ log: other.vkey }) }, ["proof_mismatch", "invalid_checkpoint"]],
    ["a changed event", { ...one, record: { ...one.record, created_at: 1 } }, ["signature_mismatch"]],
    ["a changed receipt", { ...one, receipt: { ...one.receipt, durable: 1, replicas: ["a"] } }, ["proof_mismatch", "invalid_checkpoint"]],
    ["a path too short", { ...one, log: one.log.replace(/index 3\n.*\n/, "index 3\n") }, ["invalid_proof"]],
    ["no signature of the log", { ...one, log: one.log.replace(/\n\n\u2014[^\n]*\n(?=\u2014)/, "\n\n") }, ["invalid_checkpoint"]],
    ["no signature of the host", { ...one, log: one.log.replace(/\u2014[^\n]*\n$/, "") }, ["invalid_checkpoint"]],
    ["a version to come", { ...one, eventseal_proof: 2 }, undefined],
    ["a member more", { ...one, more: 1 }, undefined],
    ["an anchor that is none", { ...one, anchor: {} }, undefined],
  ]) {
    const r = verifyProof(file);
    assert.equal(r.valid, false, name);
    assert.ok(codes === undefined || codes.includes(r.code), `${name}: ${r.code}`);
    assert.ok(r.message.length > 10);
  }
});

test("one bit that is otherwise is found", () => {
  const bytes = new TextEncoder().encode(JSON.stringify(log.proof(6)));
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] ^= 1 << i % 8;
    const r = verifyProof(bytes, { keys: log.keys });
    assert.ok(!r.valid && r.code, `bit ${i % 8} of byte ${i}`);
    bytes[i] ^= 1 << i % 8;
  }
});

test("what is no proof", () => {
  for (const [file, code] of [["", "invalid_json"], ["<html>", "invalid_json"], [new Uint8Array([0xff, 0xfe, 0]), "invalid_utf8"], ["{}", undefined], ["[]", undefined], [{}, undefined], ["x".repeat(20 << 20), "too_large"], [new Uint8Array(20 << 20), "too_large"], [{ a: NaN }, "number_out_of_range"]]) {
    for (const verify of [verifyProof, verifyReceipt]) {
      const r = verify(file);
      assert.deepEqual([r.valid, r.parts], [false, undefined]);
      if (code) assert.equal(r.code, code);
    }
  }
  for (const file of [undefined, null, 7, true]) for (const verify of [verifyProof, verifyReceipt]) assert.throws(() => verify(file), wrong("invalid_argument"));
});

test("a receipt is by whom it is, and a changed one is by nobody known", () => {
  const signed = log.receipt(3);
  const want = {
    valid: true, hash: events[3].hash, recordDigest: events[3].recordDigest, sequence: 4, admittedAt: signed.admitted_at, durable: 2, replicas: ["a", "b"], required: 2,
    key: log.key, log: log.vkey, origin: log.origin, trusted: false,
  };
  for (const form of [signed, JSON.stringify(signed, null, 1), new TextEncoder().encode(canonicalize(signed))]) assert.deepEqual(verifyReceipt(form), want);
  for (const keys of [log.keys, log.key, `log ${log.vkey} https://x.example\n# mine\n\nwitness w ${w1.vkey}\nquorum w\n${log.key}`, `${other.key}\n${log.key}`]) assert.deepEqual(verifyReceipt(signed, { keys }), { ...want, trusted: true }, keys);
  for (const keys of [other.keys, other.key, other.vkey, `${log.vkey}\n${other.key}`, `${other.vkey}\n${log.key}`]) assert.equal(verifyReceipt(signed, { keys }).code, "untrusted_key", keys);
  assert.equal(verifyReceipt(signed, { keys: w1.vkey }).trusted, false, "a witness is no host");
  assert.deepEqual(verifyReceipt(signed, { keys: log.vkey }), want, "a log vouches for no host");
  for (const keys of ["x", `${log.key} x`, `log ${w1.vkey}`, `log ${log.key}`, log.vkey.slice(0, -1)]) assert.throws(() => verifyReceipt(signed, { keys }), wrong("invalid_argument"), keys);

  for (const more of [{ sequence: 5 }, { durable: 3, replicas: ["a", "b", "c"] }, { admitted_at: 1 }, { hash: events[4].hash }]) {
    const changed = verifyReceipt({ ...signed, ...more });
    assert.ok(!changed.valid || changed.key !== log.key);
    const known = verifyReceipt({ ...signed, ...more }, { keys: log.keys });
    assert.ok(["untrusted_key", "signature_mismatch", "invalid_signature"].includes(known.code), known.code);
  }
  for (const more of [{ sequence: 0 }, { sequence: "5" }, { more: 1 }, { replicas: ["b", "a"] }, { durable: 1 }, { sig: "" }, { log: "x" }]) assert.equal(verifyReceipt({ ...signed, ...more }).valid, false, JSON.stringify(more));
});
