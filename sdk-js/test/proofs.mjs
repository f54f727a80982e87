// A host's log in a few lines of Node's own cryptography: receipts, checkpoints,
// cosignatures and proofs as a host and its witnesses make them.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { Action, Serializer, Transaction } from "@wharfkit/antelope";

const sha = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const node = (left, right) => sha(Buffer.from([1]), left, right);
const split = (n) => 2 ** (31 - Math.clz32(n - 1)); // the largest power of two below n
const root = (leaves) => (leaves.length === 1 ? leaves[0] : node(root(leaves.slice(0, split(leaves.length))), root(leaves.slice(split(leaves.length)))));

function path(leaves, index) {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k ? [...path(leaves.slice(0, k), index), root(leaves.slice(k))] : [...path(leaves.slice(k), index - k), root(leaves.slice(0, k))];
}

/** How the tree of the first size leaves grew to that of all: RFC 9162, 2.1.4.1. */
function consistency(leaves, size, whole = true) {
  if (size === leaves.length) return whole ? [] : [root(leaves)];
  const k = split(leaves.length);
  return size <= k ? [...consistency(leaves.slice(0, k), size, whole), root(leaves.slice(k))] : [...consistency(leaves.slice(k), size - k, false), root(leaves.slice(0, k))];
}

const uint64 = (n) => Buffer.from(new BigUint64Array([BigInt(n)]).buffer);

/** An Ed25519 key that signs notes under a name; kind 1: a log's, 4: a witness's. */
function noteKey(name, kind, seed) {
  const key = createPrivateKey({ format: "der", type: "pkcs8", key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]) });
  const material = Buffer.concat([Buffer.from([kind]), createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = sha(`${name}\n`, material).subarray(0, 4);
  return { vkey: `${name}+${id.toString("hex")}+${material.toString("base64")}`, line: (what, before = Buffer.alloc(0)) => line(name, id, before, sign(null, Buffer.from(what), key)) };
}

const line = (name, id, ...signature) => `\u2014 ${name} ${Buffer.concat([id, ...signature]).toString("base64")}\n`;

/** A witness, by a number that its key is made of. */
export function witness(n, name = `witness.example/${n}`) {
  const { vkey, line } = noteKey(name, 4, Buffer.alloc(32, 100 + n));
  const time = 1_790_000_000;
  const before = Buffer.alloc(8);
  before.writeBigUInt64BE(BigInt(time));
  return { vkey, cosign: (text) => line(`cosignature/v1\ntime ${time}\n${text}`, before) };
}

/** A host of verified events, by the SDK es; n: what its keys are made of. */
export function logOf(es, events, { n = 1, origin = "events.example.org/log/7c31a88e7c31a88e" } = {}) {
  const k1 = es.generateKeyPair({ random: new Uint8Array(32).fill(n) });
  const ed = noteKey(origin, 1, Buffer.alloc(32, n));
  const leaves = events.map((e) => sha(Buffer.from([0]), Buffer.from(e.hash, "hex")));

  /** The signed receipt of an event; more are members that are otherwise, and signed so. */
  function receipt(index, more = {}) {
    const { hash, recordDigest } = events[index];
    const unsigned = {
      admitted_at: 1_790_000_000_123 + index, durable: 2, eventseal_receipt: 1, hash, log: ed.vkey, record_digest: recordDigest, replicas: ["a", "b"], required: 2, sequence: index + 1, ...more,
    };
    return { ...unsigned, sig: es.signDigest(es.sha256(es.canonicalize(unsigned)), k1.privateKey) };
  }

  /** The signed head of the first size events. */
  function checkpoint(size = events.length, witnesses = []) {
    const text = `${origin}\n${size}\n${root(leaves.slice(0, size)).toString("base64")}\n`;
    const id = sha(`${origin}\n`, Buffer.from([0xff]), "eventseal-k1", es.parsePublicKey(k1.publicKey).point).subarray(0, 4);
    const signature = es.parseSignature(es.signDigest(sha(text), k1.privateKey)).bytes;
    return `${text}\n${ed.line(text)}${line(origin, id, signature)}${witnesses.map((w) => w.cosign(text)).join("")}`;
  }

  const tlogProof = (index, size = events.length, witnesses = []) =>
    `c2sp.org/tlog-proof@v1\nindex ${index}\n${path(leaves.slice(0, size), index).map((h) => `${h.toString("base64")}\n`).join("")}\n${checkpoint(size, witnesses)}`;

  /** The proof file of an event, to be changed and written as JSON. */
  const proof = (index, size, witnesses) => ({ anchor: null, eventseal_proof: 1, log: tlogProof(index, size, witnesses), receipt: receipt(index), record: JSON.parse(events[index].record) });

  /** A head of the first size events on a chain, by a key of its own, for a checkpoint of all events. */
  function anchor(size = events.length) {
    const owner = es.generateKeyPair({ random: new Uint8Array(32).fill(50 + n) });
    const head = root(leaves.slice(0, size));
    const post = Action.from({ account: "seal.anchor", name: "post", authorization: [{ actor: "seal.anchor", permission: "active" }], data: Buffer.concat([uint64(7), uint64(size), head]).toString("hex") });
    const transaction = Transaction.from({ expiration: "2026-11-28T05:02:00", ref_block_num: 1, ref_block_prefix: 2, actions: [post] });
    const chainId = sha("a chain").toString("hex");
    return {
      block_id: `0000002a${sha("a block").toString("hex").slice(8)}`, block_num: 42, chain_id: chainId, consistency: consistency(leaves, size).map((h) => h.toString("hex")), contract: "seal.anchor", keys: [owner.publicKey],
      row: { root: head.toString("hex"), seq: 7, size, time: "2026-11-28T05:00:00.500" }, signatures: [es.signDigest(transaction.signingDigest(chainId).array, owner.privateKey)],
      transaction: Serializer.encode({ object: transaction }).hexString,
    };
  }

  return { anchor, origin, key: k1.publicKey, vkey: ed.vkey, keys: `${ed.vkey}\n${k1.publicKey}\n`, receipt, proof };
}
