// What a host says of its anchor, and proofs that wait for the chain.
import assert from "node:assert/strict";
import { EventSealClient, HostError, isCode } from "eventseal";
import * as es from "eventseal";
import { some } from "./events.mjs";
import { logOf } from "./proofs.mjs";
import { json, problem, scripted } from "./scripted.mjs";
import { test } from "./test.mjs";

const events = some(4);
const log = logOf(es, events);
const hex = (n) => n.toString(16).padStart(64, "0");
const refused = (code, more = {}) => (e) => {
  assert.ok(e instanceof HostError, String(e?.stack));
  assert.deepEqual({ code: e.code, ...Object.fromEntries(Object.keys(more).map((k) => [k, e[k]])) }, { code, ...more });
  return true;
};

const head = {
  kind: "head", number: 3, count: 1, size: 1200, root: hex(7), state: "final", transaction_id: hex(8), block_num: 77, block_id: hex(9), block_time: "2026-11-28T05:00:00.500Z",
  queued_at: "2026-11-28T04:59:50Z", submitted_at: "2026-11-28T04:59:58Z", final_at: "2026-11-28T05:02:10Z",
};
const headOf = {
  kind: "head", number: 3, count: 1, size: 1200, root: hex(7), state: "final", events: [], transactionId: hex(8), blockNum: 77, blockId: hex(9), blockTime: "2026-11-28T05:00:00.500Z",
  queuedAt: "2026-11-28T04:59:50Z", submittedAt: "2026-11-28T04:59:58Z", finalAt: "2026-11-28T05:02:10Z",
};
const single = { sequence: 5, hash: events[1].hash, code: 40, number: 12 };
const run = { kind: "events", number: 11, count: 2, events: [{ sequence: 4, hash: events[0].hash, code: 40, number: 11 }, single], state: "failed", reason: "the account has no CPU left" };
const stuck = [{ sequence: 9, hash: events[2].hash, why: "too few places hold it" }];
const kind = { state: "anchoring", why: "", number: 3, backlog: 4, posts: 1, queued: null, final: head };

test("the state of an anchor, its posts and what a wallet is asked", async (t) => {
  let document;
  const url = await scripted(t, (req, res) => {
    assert.equal(req.url, "/v1/anchor");
    json(res, document);
  });
  const client = new EventSealClient(url);
  document = {
    state: "waiting", why: "no node answers", since: "2026-11-28T05:02:10Z", chain_id: hex(1), contract: "eventseal", permission: "anchor", signer: "wallet", heads: kind,
    events: { ...kind, state: "waiting", why: "no node answers", queued: { ...run, state: "queued", number: 0, reason: "copies" } }, last_final_at: "2026-11-28T05:02:10Z", stuck,
    requests: [{ kind: "head", uri: "esr://gmNgZGBY", post: { ...head, state: "queued" } }], posts: [run, head],
  };
  const runOf = { kind: "events", number: 11, count: 2, events: run.events, state: "failed", reason: run.reason };
  const kindOf = { state: "anchoring", why: "", number: 3, backlog: 4, queued: null, final: headOf };
  assert.deepEqual(await client.anchor(), {
    state: "waiting", why: "no node answers", chainId: hex(1), contract: "eventseal", permission: "anchor", signer: "wallet", heads: kindOf,
    events: { ...kindOf, state: "waiting", why: "no node answers", queued: { ...runOf, state: "queued", number: 0, reason: "copies" } }, lastFinalAt: "2026-11-28T05:02:10Z", stuck,
    requests: [{ kind: "head", uri: "esr://gmNgZGBY", post: { ...headOf, state: "queued" } }], posts: [runOf, headOf],
  });
  document = { ...document, events: null, last_final_at: null };
  const { events: none, lastFinalAt } = await client.anchor();
  assert.deepEqual([none, lastFinalAt], [null, undefined]);
  // Whatever it says, it has a form.
  document = {
    state: "odd", why: 7, heads: {}, events: 7, last_final_at: "yesterday", stuck: [1, {}], chain_id: "AB", requests: [{ uri: 7 }], contract: "x".repeat(1e5),
    posts: [null, 7, { kind: [], state: {}, number: 1e300, root: "x", block_time: {}, events: [{}] }],
  };
  assert.deepEqual(await client.anchor(), {
    state: "odd", why: "", chainId: "", contract: "x".repeat(2000), permission: "", signer: "", heads: { state: "", why: "", number: 0, backlog: 0, queued: null, final: null }, events: null,
    stuck: [{ sequence: 0, hash: "", why: "" }], requests: [{ kind: "head", uri: "", post: null }],
    posts: [{ kind: "head", state: "", number: 0, count: 0, events: [{ sequence: 0, hash: "", code: 0, number: 0 }] }],
  });
  for (document of [{ posts: [] }, { state: "anchoring" }, { heads: {} }]) await assert.rejects(client.anchor(), refused("unexpected_answer"));
});

test("health and status tell of the anchor where there is one", async (t) => {
  let anchor;
  const [one] = events;
  const url = await scripted(t, (req, res) => json(res, req.url === "/v1/health" ? { healthy: true, status: "ok", ...anchor } : { hash: one.hash, ...anchor }));
  const client = new EventSealClient(url);
  for (const none of [{}, { anchor: null }, { anchor: 7 }, { anchor: [] }]) {
    anchor = none;
    assert.deepEqual([(await client.healthCheck()).anchor, (await client.status(one.hash)).anchor], [undefined, null]);
  }
  anchor = { anchor: { state: "anchoring", why: "", backlog: 4, events_backlog: 2, last_final_at: "2026-11-28T05:02:10Z", age_seconds: 12, stuck } };
  assert.deepEqual((await client.healthCheck()).anchor, { state: "anchoring", why: "", backlog: 4, eventsBacklog: 2, lastFinalAt: "2026-11-28T05:02:10Z", stuck });
  anchor = { anchor: { state: "final", head, single: null } };
  assert.deepEqual((await client.status(one.hash)).anchor, { state: "final", head: headOf, single: null });
  anchor = { anchor: { state: "submitted", head: null, single: { kind: "events", number: 12, count: 1, events: [single], state: "submitted", transaction_id: hex(8) } } };
  assert.deepEqual((await client.status(one.hash)).anchor.single, { kind: "events", number: 12, count: 1, events: [single], state: "submitted", transactionId: hex(8) });
});

test("a proof that waits for the chain is asked for until it has its anchor", async (t) => {
  assert.ok(isCode("anchor_pending"));
  const [one] = events;
  let pending = 3;
  let headers = {};
  const asked = [];
  const url = await scripted(t, (req, res) => {
    asked.push(req.url);
    if (req.url.endsWith("?wait=anchored") && pending-- > 0) return problem(res, "anchor_pending", {}, headers);
    json(res, log.proof(0));
  });
  const client = new EventSealClient(url, { backoff: 1, attempts: 1 });
  assert.equal((await client.proof(one.hash)).report.parts.anchor, "absent");
  assert.deepEqual(asked, [`/v1/events/${one.hash}/proof`], "without it nothing else is asked");

  // One attempt would not do for what is asked for as long as there is patience.
  asked.length = 0;
  await assert.rejects(client.proof(one.hash, { wait: "anchored" }), refused("unexpected_answer", { detail: "the proof has no anchor" }));
  assert.deepEqual(asked, Array(4).fill(`/v1/events/${one.hash}/proof?wait=anchored`));

  pending = Infinity;
  await assert.rejects(client.proof(one.hash, { wait: "anchored", patience: 1 }), refused("anchor_pending", { status: 503, passing: true }));
  // What the host asks for does not make it wait past its patience.
  headers = { "Retry-After": "3600" };
  await assert.rejects(client.proof(one.hash, { wait: "anchored", patience: 50 }), refused("anchor_pending"));
  const ends = new AbortController();
  const call = client.proof(one.hash, { wait: "anchored", signal: ends.signal });
  setTimeout(() => ends.abort(new Error("enough")), 50);
  await assert.rejects(call, { message: "enough" });
});
