// The tasks: each is one whole operation on the same event of 1 KB, the same
// key and digest. Web APIs only: Node and the page run this same file. What a
// task answers is checked once before it is timed.
import { instantiateSecp256k1 } from "@bitauth/libauth";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { Checksum256, PrivateKey, PublicKey, Signature } from "@wharfkit/antelope";
import canonicalize from "canonicalize";
import eosjs from "eosjs/dist/eosjs-key-conversions.js";

/**
 * tasksOf returns [group, name, task] for the SDK es and its peers; more are
 * peers that not every engine has, and a proof, which an engine's own tools make.
 */
export async function tasksOf(es, more = {}) {
  const scalar = new Uint8Array(32).fill(0x2a); // a key for measuring alone
  const pair = es.generateKeyPair({ random: scalar });
  const body = {
    release: { name: "Low Tide", release_date: "2024-03-01", format: ["LP", "digital"], label_id: "label:north" },
    groups: [{ group_id: "group:harbour", members: ["ada", "bo", "cy", "di"].map((p) => ({ person_id: `person:${p}`, role: "voice", instrument: "guitar" })) }],
    tracklist: [{ track_id: "track:1", disc: 1, track_number: 1, seconds: 259.5 }, { track_id: "track:2", disc: 1, track_number: 2, seconds: 181 }],
  };
  const proofs = { source_links: ["https://example.org/release/1", "https://example.org/release/2"] };
  const createdAt = 1_758_390_021;
  const created = es.createEvent("CREATE_RELEASE_BUNDLE", body, pair.publicKey, [], proofs, { createdAt });
  const signed = es.signEvent(created, pair.privateKey);
  const record = new TextEncoder().encode(es.verifyEvent(signed).record);
  const many = Array(64).fill(record);
  const digest = created.hashBytes;
  const key = new TextEncoder().encode(pair.privateKey);

  const libauth = await instantiateSecp256k1();
  const point = es.parsePublicKey(pair.publicKey).point;
  const compact = es.parseSignature(signed.sig).bytes.slice(1);
  const eos = { key: eosjs.PrivateKey.fromString(pair.privateKey), pub: eosjs.PublicKey.fromString(pair.publicKey), sig: eosjs.Signature.fromString(signed.sig) };
  const wharf = { key: PrivateKey.from(pair.privateKey), pub: PublicKey.from(pair.publicKey), sig: Signature.from(signed.sig), digest: Checksum256.from(digest) };
  const sha256 = async (b) => new Uint8Array(await crypto.subtle.digest("SHA-256", b));

  const tasks = [
    ["verify", "eventseal verifyEvent, bytes → verdict and event", () => es.verifyEvent(record).valid],
    ["verify", "eventseal verifyMany, each of 64", () => es.verifyMany(many)[63].valid, 64],
    ["verify", "eventseal verifyEvent, object → verdict and event", () => es.verifyEvent(signed).valid],
    ["verify", "eosjs 22 Signature.verify (bare)", () => eos.sig.verify(digest, eos.pub, false)],
    ["verify", "wharfkit verifyDigest (bare)", () => wharf.sig.verifyDigest(wharf.digest, wharf.pub)],
    ["verify", "noble-curves verify (bare)", () => secp256k1.verify(compact, digest, point, { prehash: false, lowS: true })],
    ["verify", "libauth verifySignatureCompact (bare)", () => libauth.verifySignatureCompact(compact, point, digest) === true],
    ["sign", "eventseal signEvent, checked, event out", () => es.signEvent(created, key).sig === signed.sig],
    ["sign", "eventseal signDigest", () => es.signDigest(digest, key) === signed.sig],
    ["sign", "eosjs 22 PrivateKey.sign", () => eos.key.sign(digest, false).toString() === signed.sig],
    ["sign", "wharfkit signDigest", () => wharf.key.signDigest(wharf.digest).toString() === signed.sig],
    ["sign", "noble-curves sign (any signature)", () => secp256k1.sign(digest, scalar, { prehash: false }).length === 64],
    ["sign", "libauth signMessageHashCompact (any signature)", () => libauth.signMessageHashCompact(scalar, digest).length === 64],
    ["create", "eventseal createEvent", () => es.createEvent("CREATE_RELEASE_BUNDLE", body, pair.publicKey, [], proofs, { createdAt }).hash === created.hash],
    ["create", "canonicalize + crypto.subtle", async () => (await sha256(new TextEncoder().encode(canonicalize(created.event)))).length === 32],
    ["hash", "eventseal hashEvent, bytes → hash", () => es.hashEvent(record) === created.hash],
    ["canonicalize", "eventseal canonicalize, text → text", () => es.canonicalize(record).length > 900],
    ["canonicalize", "JSON.parse + canonicalize", () => canonicalize(JSON.parse(new TextDecoder().decode(record))).length > 900],
  ];
  if (more.proof) {
    const { file, keys, receipt, record } = more.proof;
    tasks.push(
      ["proof", "eventseal verifyEvent, the event in it", () => es.verifyEvent(record).valid],
      ["proof", "eventseal verifyReceipt, the receipt in it", () => es.verifyReceipt(receipt).valid],
      ["proof", "eventseal verifyProof", () => es.verifyProof(file).valid],
      ["proof", "eventseal verifyProof, with keys and two witnesses", () => es.verifyProof(file, { keys }).witnesses === 2],
    );
  }
  for (const [group, name, task] of more.tasks?.({ scalar, digest, point, compact, record }) ?? []) tasks.push([group, name, task]);
  return { tasks, bytes: record.length };
}

/**
 * measure times tasks and returns {group, name, us} of each, by group. The
 * rounds go through all tasks in turn, so that what else the machine does meets
 * all alike; the best round counts, since everything else only adds.
 */
export async function measure(tasks, rounds = 10, milliseconds = 25) {
  const runs = [];
  for (const [group, name, task, per = 1] of tasks) {
    if ((await task()) !== true) throw new Error(`${name} does not work`);
    const isAsync = task() instanceof Promise;
    const time = async (n) => {
      const began = performance.now();
      if (isAsync) for (let i = 0; i < n; i++) await task();
      else for (let i = 0; i < n; i++) task();
      return performance.now() - began;
    };
    let n = 1;
    for (const end = performance.now() + 300; performance.now() < end; ) n = Math.max(1, Math.round((n * milliseconds) / Math.max(await time(n), n * 1e-4)));
    runs.push({ group, name, per, time, n, us: Infinity });
  }
  for (let round = 0; round < rounds; round++) for (const r of runs) r.us = Math.min(r.us, ((await r.time(r.n)) / r.n / r.per) * 1000);
  const groups = [...new Set(runs.map((r) => r.group))];
  return runs.map(({ group, name, us }) => ({ group, name, us })).sort((x, y) => groups.indexOf(x.group) - groups.indexOf(y.group));
}
