// What a client makes of a host's receipts and proofs.
import assert from "node:assert/strict";
import { EventSealClient, EventSealError, HostError, verifyProof } from "eventseal";
import * as es from "eventseal";
import { some } from "./events.mjs";
import { logOf } from "./proofs.mjs";
import { json, listOf, problem, receipt, scripted } from "./scripted.mjs";
import { test } from "./test.mjs";

const quick = { backoff: 1 };
const events = some(13);
const log = logOf(es, events);
const other = logOf(es, events, { n: 2, origin: "other.example/log/0000000000000001" });
const wrong = (code) => (e) => {
  assert.ok(e instanceof EventSealError, String(e?.stack));
  assert.equal(e.code, code, e.message);
  return true;
};

test("a client that knows the host's keys takes no other receipt", async (t) => {
  let answer;
  const url = await scripted(t, (_, res) => json(res, answer, 201));
  const client = new EventSealClient(url, { ...quick, hostKeys: log.keys });
  const signed = log.receipt(0);
  answer = receipt(events[0].hash, { signed });
  const got = await client.storeEvent(events[0]);
  assert.deepEqual(got, answer);
  assert.ok(Object.isFrozen(got.signed));
  assert.deepEqual((await new EventSealClient(url).storeEvent(events[0])).signed, signed, "as the host gave it");

  for (const [name, more, code] of [
    ["none", {}, "invalid_receipt"],
    ["no object", { signed: 7 }, "invalid_receipt"],
    ["another host's", { signed: other.receipt(0) }, "untrusted_key"],
    ["another event's", { signed: log.receipt(1) }, "proof_mismatch"],
    ["of another record", { signed: log.receipt(0, { record_digest: "0".repeat(64) }) }, "proof_mismatch"],
    ["of another number", { signed, sequence: 7 }, "proof_mismatch"],
    ["of fewer copies", { signed: log.receipt(0, { durable: 1, replicas: ["a"] }) }, "proof_mismatch"],
    ["changed", { signed: { ...signed, admitted_at: 5 } }, "untrusted_key"],
  ]) {
    answer = receipt(events[0].hash, more);
    await assert.rejects(client.storeEvent(events[0]), (e) => e instanceof HostError && !e.passing && wrong(code)(e), name);
  }
  // One that could not be signed is stored all the same, and asked for again where that helps.
  let calls = 0;
  const busy = await scripted(t, (_, res) => json(res, receipt(events[0].hash, ++calls < 3 ? { unsigned: "overloaded" } : { signed }), 201));
  assert.deepEqual((await new EventSealClient(busy, { ...quick, hostKeys: log.keys }).storeEvent(events[0])).signed, signed);
  answer = receipt(events[0].hash, { unsigned: "log_stopped" });
  await assert.rejects(client.storeEvent(events[0]), wrong("log_stopped"));
  assert.deepEqual(await new EventSealClient(url).storeEvent(events[0]), answer);
  for (const hostKeys of ["x", 7, "", log.vkey]) assert.throws(() => new EventSealClient(url, { hostKeys }), wrong("invalid_argument"));
});

test("in a batch, each event has its own receipt", async (t) => {
  const url = await scripted(t, (_, res, body) => {
    const asked = body.trimEnd().split("\n").map((r) => events.findIndex((e) => e.record === r));
    res.end(asked.map((i) => JSON.stringify({ status: 201, ...receipt(events[i].hash, { sequence: i + 1, signed: i === 5 ? other.receipt(i) : log.receipt(i) }) }) + "\n").join(""));
  });
  const outcomes = await listOf(new EventSealClient(url, { ...quick, hostKeys: log.keys }).storeEvents(events));
  assert.deepEqual(outcomes.map((o) => o.error?.code ?? o.receipt.signed), events.map((_, i) => (i === 5 ? "untrusted_key" : log.receipt(i))));
});

test("a proof is fetched, verified, and waited for", async (t) => {
  const served = JSON.stringify(log.proof(3), null, 1);
  let answer;
  let calls = 0;
  const url = await scripted(t, (req, res) => {
    calls++;
    assert.equal(req.url, `/v1/events/${events[3].hash}/proof`);
    answer(res);
  });
  const client = new EventSealClient(url, { ...quick, hostKeys: log.keys });
  let began;
  answer = (res) => {
    if (calls === 1) {
      began = performance.now();
      return problem(res, "proof_pending", {}, { "Retry-After": "1" });
    }
    json(res, served);
  };
  const { text, report } = await client.proof(events[3].hash);
  assert.ok(performance.now() - began >= 990, "it comes back when it was told to");
  assert.equal(text, served);
  assert.deepEqual([report.valid, report.parts.keys, report.sequence], [true, "valid", 4]);
  assert.equal((await client.proof(events[3].hash, { format: "tlog-proof" })).text, log.proof(3).log);
  await assert.rejects(new EventSealClient(url, { hostKeys: other.keys }).proof(events[3].hash), wrong("untrusted_key"));
  for (const [name, a, code] of [
    ["another event's", (res) => json(res, log.proof(4)), "hash_mismatch"],
    ["parts of two", (res) => json(res, { ...log.proof(3), receipt: log.receipt(4) }), "proof_mismatch"],
    ["no proof", (res) => json(res, "<html>"), "invalid_json"],
    ["a stopped log", (res) => problem(res, "log_stopped"), "log_stopped"],
    ["no event", (res) => problem(res, "not_found"), "not_found"],
  ]) {
    answer = a;
    calls = 0;
    await assert.rejects(client.proof(events[3].hash), wrong(code), name);
    assert.equal(calls, 1, name);
  }
});

test("the host's keys", async (t) => {
  let answer = log.keys;
  const url = await scripted(t, (req, res) => {
    assert.equal(req.url, "/log/keys");
    res.end(answer);
  });
  const keys = await new EventSealClient(url).hostKeys();
  assert.equal(keys, log.keys);
  assert.equal(verifyProof(log.proof(3), { keys }).parts.keys, "valid");
  for (answer of ["", "<html>", log.key, log.vkey, `${log.keys}x`, "x".repeat(1 << 20)]) await assert.rejects(new EventSealClient(url).hostKeys(), wrong("unexpected_answer"));
});
