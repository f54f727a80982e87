// The client against the real host, and the examples.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "./test.mjs";
import { join } from "node:path";
import { promisify } from "node:util";
import { EventSealClient, createEvent, generateKeyPair, moduleDigest, signEvent, toLegacyPublicKey, verifyEvent, verifyProof, verifyReceipt } from "eventseal";
import { root } from "./files.mjs";
import { noChain, startChain } from "./chain.mjs";
import { noHost, serve } from "./host.mjs";
import { key, some } from "./events.mjs";
import { listOf } from "./scripted.mjs";

const real = { skip: noHost };
const run = promisify(execFile);
const example = (name, ...args) => run(process.execPath, [`${root}/sdk-js/examples/${name}.mjs`, ...args], { cwd: `${root}/sdk-js` });

test("store, find, follow, with a host that goes and comes", real, async (t) => {
  const host = await serve(t);
  const client = new EventSealClient(host.url);
  const events = some(700, { size: 60 });

  const r = await client.storeEvent(events[0], { wait: "all" });
  assert.deepEqual([r.hash, r.created, r.sequence, r.durable >= 2], [events[0].hash, true, 1, true]);
  assert.equal((await client.storeEvent(events[0])).created, false);
  assert.deepEqual(await client.retrieveEvent(events[0].hash), events[0]);
  await assert.rejects(client.retrieveEvent("0".repeat(64)), { code: "not_found", status: 404 });

  // Follow while it is stored, stopped, killed and started again.
  const followed = [];
  const ends = new AbortController();
  const states = [];
  const following = (async () => {
    for await (const e of client.subscribe({ after: "0", signal: ends.signal, onState: (s) => states.push(s) })) {
      followed.push([e.sequence, e.verified.hash]);
      if (followed.length === 700) return;
    }
  })();
  const outcomes = await listOf(client.storeEvents(events.slice(1, 400)));
  assert.deepEqual(outcomes.map((o) => o.receipt?.hash), events.slice(1, 400).map((e) => e.hash));
  await host.stop();
  await host.start();
  for await (const o of client.storeEvents(events.slice(400, 600))) assert.ok(o.receipt, String(o.error));
  await host.stop("SIGKILL");
  const late = listOf(client.storeEvents(events.slice(600))); // retried until the host is there
  await host.start();
  assert.ok((await late).every((o) => o.receipt));
  await following;
  // Two batches are under way at once, so that the host's order is not ours.
  assert.deepEqual(followed.map(([sequence]) => sequence), events.map((_, i) => i + 1));
  assert.deepEqual(followed.map(([, hash]) => hash).sort(), events.map((e) => e.hash).sort());
  assert.ok(states.filter((s) => s === "connected").length >= 2, states.join());

  const got = await client.retrieveEvents([...events.map((e) => e.hash), "0".repeat(64)]);
  assert.equal(got.size, 700);
  assert.deepEqual([...got.failures.values()].map((e) => e.code), ["not_found"]);

  const legacy = await listOf(client.queryEvents({ author: toLegacyPublicKey(key.publicKey), order: "asc", limit: 150 }));
  assert.deepEqual(legacy.map((e) => [e.sequence, e.verified.hash]), followed);
  assert.match(legacy[0].admittedAt, /^20\d\d-/);
  const page = await client.queryPage({ type: "VOTE", count: true, limit: 10, since: 1_700_000_100 });
  assert.deepEqual([page.events.length, page.count, page.bad.length], [10, 600, 0]);
  await assert.rejects(client.queryPage({ cursor: "nonsense" }), { code: "invalid_cursor" });
  await assert.rejects(client.queryPage({ limit: 100_000 }), { code: "invalid_parameter" });

  const [child] = some(1, { type: "DISCUSS", parents: [events[5].hash, events[6].hash] });
  const [grandchild] = some(1, { type: "DISCUSS", parents: [child.hash, "1".repeat(64)] });
  await client.storeEvent(child);
  await client.storeEvent(grandchild);
  const thread = await client.ancestors(grandchild.hash);
  assert.deepEqual(new Set(thread.events.map((e) => `${e.depth} ${e.hash} ${e.verified !== undefined}`)), new Set([`1 ${child.hash} true`, `1 ${"1".repeat(64)} false`, `2 ${events[5].hash} true`, `2 ${events[6].hash} true`]));
  assert.deepEqual((await listOf(client.queryEvents({ parent: events[5].hash }))).map((e) => e.verified.hash), [child.hash]);

  const s = await client.status(events[3].hash);
  assert.deepEqual([s.hash, followed[s.sequence - 1]?.[1], s.type, s.durable >= 2, s.replicas.length >= 2], [events[3].hash, events[3].hash, "VOTE", true, true]);
  assert.ok(s.replicas.every((x) => x.state === "stored"));
  assert.equal((await client.healthCheck()).healthy, true);
  assert.equal((await client.types()).length, 14);
  assert.equal(await client.moduleMatches(), true);
  assert.equal((await client.healthCheck()).document.module.sha256, await moduleDigest());

  const forged = { ...JSON.parse(events[9].record), created_at: 1 };
  await assert.rejects(client.storeEvent(forged), { code: "signature_mismatch" });
});

test("a host whose journal was rebuilt in another order", real, async (t) => {
  const host = await serve(t);
  const client = new EventSealClient(host.url);
  const events = some(300, { size: 60 });
  const all = events.map((e) => e.hash).sort();
  for await (const o of client.storeEvents(events)) assert.ok(o.receipt, String(o.error));
  const other = await serve(t);
  for await (const o of new EventSealClient(other.url).storeEvents([...events].reverse())) assert.ok(o.receipt, String(o.error));
  await other.stop();

  const followed = [];
  const following = (async () => {
    const seen = new Set();
    for await (const e of client.subscribe({ after: "0" })) {
      followed.push(e);
      seen.add(e.verified.hash);
      if (followed.length === 200) await host.rebuild(join(other.folder, "replica-a"));
      if (followed.length > 200 && seen.size === 300) return [...seen].sort();
    }
  })();
  const found = new Set();
  const pages = client.queryEvents({ limit: 50 });
  for (let n = 0; n < 100; n++) found.add((await pages.next()).value.verified.hash);
  assert.deepEqual(await following, all);
  for await (const e of pages) found.add(e.verified.hash);
  assert.deepEqual([...found].sort(), all);

  const old = followed[10].position;
  const { epoch } = await client.status(events[0].hash);
  assert.notEqual(old.slice(0, 16), epoch);
  assert.equal((await client.storeEvent(events[0])).epoch, epoch);
  await assert.rejects(fetch(`${host.url}/v1/stream`, { headers: { "Last-Event-ID": old } }).then(async (r) => Promise.reject(await r.json())), { code: "epoch_changed", status: 410, resume: "0" });
  const now = await listOf(client.queryEvents({ order: "asc" }));
  assert.notDeepEqual(now.map((e) => e.verified.hash), events.map((e) => e.hash), "the order is the same: the test proves nothing");
  const after = await listOf(client.queryEvents({ order: "asc", after: now[249].verified.hash }));
  assert.deepEqual(after, now.slice(250));
  for await (const e of client.subscribe({ after: now[298].verified.hash })) {
    assert.deepEqual(e, now[299]);
    break;
  }
});

test("what a host signs for stays proven when the host is gone", real, async (t) => {
  const host = await serve(t);
  const keys = await new EventSealClient(host.url).hostKeys();
  const client = new EventSealClient(host.url, { hostKeys: keys });
  const events = some(300, { size: 60 });
  const receipts = (await listOf(client.storeEvents(events))).map((o) => o.receipt?.signed ?? assert.fail(String(o.error)));
  const again = await client.storeEvent(events[7]);
  assert.deepEqual([again.created, again.signed.sequence], [false, receipts[7].sequence]);

  const { text, report } = await client.proof(events[7].hash);
  assert.deepEqual([report.valid, report.parts.keys, report.hash, report.sequence, report.key, report.log], [true, "valid", events[7].hash, receipts[7].sequence, ...keys.trim().split("\n").reverse()]);
  const { text: logged } = await client.proof(events[7].hash, { format: "tlog-proof" });
  assert.ok(logged.startsWith(`c2sp.org/tlog-proof@v1\nindex ${report.sequence - 1}\n`));
  await assert.rejects(client.proof("0".repeat(64)), { code: "not_found" });
  const other = await new EventSealClient((await serve(t)).url).hostKeys();
  await assert.rejects(new EventSealClient(host.url, { hostKeys: other }).storeEvent(events[7]), { code: "untrusted_key" });
  await assert.rejects(new EventSealClient(host.url, { hostKeys: other }).proof(events[7].hash), { code: "untrusted_key" });

  await host.stop();
  assert.equal(verifyProof(text, { keys }).valid, true);
  assert.equal(verifyProof(text, { keys: other }).code, "untrusted_key");
  assert.equal(verifyProof({ ...JSON.parse(text), receipt: receipts[8] }, { keys }).code, "proof_mismatch");
  for (const [i, r] of receipts.entries()) assert.deepEqual([verifyReceipt(r, { keys }).trusted, r.record_digest], [true, events[i].recordDigest]);
  await host.start();
  assert.equal(await client.hostKeys(), keys, "it is the same host");
});

test("what a host puts on a chain, and a proof that waits for it", { skip: noHost || noChain }, async (t) => {
  const chain = await startChain(t.after.bind(t), generateKeyPair());
  const host = await serve(t, chain.settings({ EVENTS: "*" }));
  const client = new EventSealClient(host.url, { hostKeys: await new EventSealClient(host.url).hostKeys() });
  /** Asks until it holds: the host looks at the chain once a second. */
  const until = async (what, f) => {
    for (const began = Date.now(); ; await new Promise((go) => setTimeout(go, 50))) {
      const got = await f();
      if (got) return got;
      assert.ok(Date.now() - began < 60_000, `still waiting: ${what}: ${JSON.stringify(await client.anchor())}`);
    }
  };
  const posted = (kind, state) => until(`${kind} ${state}`, async () => (await client.anchor()).posts.find((p) => p.kind === kind && p.state === state));
  await until("the chain is seen", async () => (await client.anchor()).state === "anchoring");
  const [event] = some(1, { size: 60 });
  const { sequence } = await client.storeEvent(event, { wait: "all" });

  // No block: what was sent waits for one.
  for (const kind of ["head", "events"]) await posted(kind, "submitted");
  assert.equal((await client.status(event.hash)).anchor.state, "submitted");
  await assert.rejects(client.proof(event.hash, { wait: "anchored", patience: 1 }), { code: "anchor_pending" });
  assert.equal((await client.proof(event.hash)).report.parts.anchor, "absent");
  await chain.produce();
  const single = await posted("events", "included");
  assert.deepEqual(single.events.map((e) => [e.sequence, e.hash, e.number]), [[sequence, event.hash, 1]]);

  // One that waits gets it when the block is irreversible, without being asked again.
  const waits = client.proof(event.hash, { wait: "anchored" });
  await posted("head", "included");
  await chain.produce(4);
  const { text, report } = await waits;
  const { rows, transactions } = await chain.ask("state");
  const [row] = rows.heads;
  assert.deepEqual([report.valid, report.parts.anchor, report.parts.keys], [true, "needs chain", "valid"]);
  assert.deepEqual([report.anchor.chainId, report.anchor.contract, report.anchor.seq, report.anchor.size, Date.parse(report.anchor.time)], [chain.id, "eventseal", 1, sequence, Date.parse(`${row.time}Z`)]);
  assert.deepEqual([JSON.parse(text).anchor.row.root, transactions.find((x) => x.id === report.anchor.transactionId)?.block], [row.root, report.anchor.blockNum]);

  const status = await until("the event is final, too", async () => {
    const { anchor } = await client.status(event.hash);
    return anchor.state === "final" && anchor;
  });
  assert.deepEqual([status.head.transactionId, status.head.blockNum, status.single.events[0].hash], [report.anchor.transactionId, report.anchor.blockNum, event.hash]);
  assert.equal((await client.anchor()).chainId, chain.id);
  const { anchor } = await client.healthCheck();
  assert.deepEqual([anchor.state, anchor.why, anchor.backlog, anchor.eventsBacklog, anchor.stuck, anchor.lastFinalAt !== undefined], ["anchoring", "", 0, 0, [], true]);

  await host.stop();
  assert.equal(verifyProof(text).parts.anchor, "needs chain");
  assert.equal(verifyProof(text, { keys: `chain ${"0".repeat(64)} eventseal` }).code, "untrusted_key");
  await assert.rejects(new EventSealClient((await serve(t)).url).anchor(), { code: "not_found" });
});

test("examples against a host", real, async (t) => {
  const host = await serve(t);
  const client = new EventSealClient(host.url);
  const pair = generateKeyPair();
  for (let n = 0; n < 3; n++) await client.storeEvent(verifyEvent(signEvent(createEvent("LIKE", { n }, pair.publicKey), pair.privateKey)));
  const { stdout } = await example("feed", host.url);
  assert.match(stdout, /^1 [0-9a-f]{12} LIKE \{"n":0\}\n.*\n.*\n3 events verified, 0 not\n$/);

  const { verified } = (await client.queryPage({ order: "asc", limit: 1 })).events[0];
  const proof = join(host.folder, "a.proof.json");
  writeFileSync(proof, (await example("proof", host.url, verified.hash)).stdout);
  assert.match((await example("proof", proof)).stdout, new RegExp(`^event ${verified.hash} is number 1 of .*\\n  anchor: absent\\n`));

  const child = spawn(process.execPath, [`${root}/sdk-js/examples/stream.mjs`, host.url, "0"], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  for await (const d of child.stdout) if ((said += d).split("\n").length > 3) break;
  const over = new Promise((go) => child.once("exit", go));
  child.kill("SIGINT");
  assert.equal(await over, 0);
  assert.match(said, /^[0-9a-f]{16}-1 LIKE [0-9a-f]{64}\n[0-9a-f]{16}-2 LIKE/);
});

test("examples on their own", async () => {
  assert.equal((await example("wallet")).stdout, "signed true\nrefused: the person said no\n");
  assert.equal((await example("migrate")).stdout, "same hash true\nsame signature true\nthe old event verifies here true\nthe new event verifies there true\n");
});
