import assert from "node:assert/strict";
import { test } from "./test.mjs";
import { EventSealClient, VerifierPool, VerifiedEvent, createEvent, init, registerTypes, signEvent, verifyMany, verifyStream } from "eventseal";
import { key, some } from "./events.mjs";
import { json, listOf, receipt, scripted } from "./scripted.mjs";
import { readFileSync } from "node:fs";
import { root } from "./files.mjs";

const events = some(300, { size: 40 });
const forged = { ...events[7].event, body: {} };
const mixed = [...events, forged, "{", new TextEncoder().encode(events[9].record), { ...forged, body: { n: 1n } }, events[3].event];

test("the pool says what verifyMany says", async () => {
  const pool = new VerifierPool({ size: 2 });
  const want = verifyMany(mixed);
  assert.deepEqual(want.map((v) => v.valid).slice(300), [false, false, true, false, true]);
  assert.deepEqual(await pool.verifyMany(mixed), want);
  assert.deepEqual(await listOf(verifyStream(mixed)), want);
  const [a, b] = await Promise.all([pool.verifyMany(events), pool.verifyMany(mixed.slice(290))]);
  assert.ok(a.every((v) => VerifiedEvent.is(v) && Object.isFrozen(v.event.body)));
  assert.deepEqual(b, want.slice(290));
  assert.deepEqual(await pool.verifyMany([]), []);

  // Types that are registered later are known to workers, too.
  registerTypes([{ name: "ACME_NOTE", code: 1000 }]);
  const note = signEvent(createEvent("ACME_NOTE", {}, key.publicKey), key.privateKey);
  assert.equal((await pool.verifyMany([note]))[0].typeCode, 1000);
  registerTypes([]);
  assert.equal((await pool.verifyMany([note]))[0].code, "unknown_type");

  await assert.rejects(pool.verifyMany(events, { signal: AbortSignal.abort(new Error("before")) }), { message: "before" });
  const ends = new AbortController();
  const call = pool.verifyMany(events, { signal: ends.signal });
  setTimeout(() => ends.abort(new Error("enough")), 1);
  await assert.rejects(call, { message: "enough" });
  assert.equal((await pool.verifyMany([note])).length, 1, "it still works");
  pool.close();
  await assert.rejects(pool.verifyMany(events), { code: "shutting_down" });
});

test("an event is what it was when it came, whatever becomes of its buffer", async (t) => {
  const some = events.slice(0, 5);
  const buffer = new Uint8Array(1 << 12);
  function* reused() {
    for (const e of some) yield buffer.subarray(0, new TextEncoder().encodeInto(e.record, buffer).written);
    buffer.fill(0);
  }
  const want = some.map((e) => e.hash);
  const pool = new VerifierPool({ size: 1 });
  t.after(() => pool.close());
  assert.deepEqual(verifyMany(reused()).map((v) => v.hash), want);
  assert.deepEqual((await listOf(verifyStream(reused()))).map((v) => v.hash), want);
  assert.deepEqual((await pool.verifyMany(reused())).map((v) => v.hash), want);
  const url = await scripted(t, (_, res, body) => res.end(body.trimEnd().split("\n").map((r) => JSON.stringify(receipt(some.find((e) => e.record === r)?.hash)) + "\n").join("")));
  assert.deepEqual((await listOf(new EventSealClient(url).storeEvents(reused()))).map((o) => o.receipt?.hash), want);
});

test("a worker that stops costs nothing, one that cannot run is told", async () => {
  const made = [];
  class Faulty {
    constructor() {
      made.push(this);
    }
    postMessage() {
      queueMicrotask(() => this.onerror({}));
    }
    terminate() {}
  }
  const never = new VerifierPool({ size: 1, start: () => new Faulty() });
  await assert.rejects(never.verifyMany(events), { code: "internal" });
  const throwing = new VerifierPool({ size: 1, start: () => { throw new Error("no workers here"); } });
  await assert.rejects(throwing.verifyMany(events), { code: "internal" });
  const good = new VerifierPool({ size: 1 });
  good.close();
});

test("however long an event takes, the thread is held for some milliseconds", async (t) => {
  // A clock that only the module's work moves: 5 ms an event, as R1 takes on a phone.
  let clock = 0;
  t.mock.method(performance, "now", () => clock);
  const { Instance } = WebAssembly;
  t.mock.method(WebAssembly, "Instance", function (...a) {
    const { exports } = new Instance(...a);
    const judged = (op, count) => (...x) => ((clock += 5 * count()), exports[op](...x));
    let asked = 1;
    const input = (size) => ((asked = Math.max(1, Math.floor(size / roughly))), exports.input(size));
    return { exports: { ...exports, input, verify: judged("verify", () => 1), verify_batch: judged("verify_batch", () => asked) } };
  });
  const roughly = 3 * events[0].record.length; // room for one event's text in a call
  await init(readFileSync(`${root}/wasm/eventseal.wasm`));
  t.after(() => init(readFileSync(`${root}/wasm/eventseal.wasm`)));

  const items = events.map((e, i) => ({ hash: e.hash, sequence: i + 1, event: e.event }));
  const url = await scripted(t, (req, res) => {
    if (req.url.startsWith("/v1/events?")) return json(res, { events: items });
    if (req.url === "/v1/events:retrieve") return res.end(items.map((i) => JSON.stringify(i) + "\n").join(""));
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    res.end(items.map((i) => `id: 00000000000000aa-${i.sequence}\nevent: event\ndata: ${JSON.stringify(i)}\n\n`).join(""));
  });
  const client = new EventSealClient(url);
  const follow = async () => {
    let n = 0;
    for await (const _ of client.subscribe({ after: "0" })) if (++n === events.length) return;
  };
  for (const [name, work] of Object.entries({
    verifyStream: () => listOf(verifyStream(events.map((e) => e.record))),
    queryPage: () => client.queryPage({ limit: 300 }),
    retrieveEvents: () => client.retrieveEvents(events.slice(0, 256).map((e) => e.hash)),
    subscribe: follow,
  })) {
    let held = 0;
    let seen = clock;
    const began = clock;
    let over = false;
    const beat = () => {
      held = Math.max(held, clock - seen);
      seen = clock;
      if (!over) setImmediate(beat);
    };
    beat();
    await work();
    over = true;
    beat();
    assert.ok(clock - began >= 5 * 250, `${name}: the clock counted ${clock - began} ms`);
    assert.ok(held < 50, `${name}: the thread was held for ${held} ms`);
  }
});

test("verifyStream answers a slow source as it comes", async () => {
  let go;
  const gate = new Promise((g) => (go = g));
  async function* source() {
    yield events[0];
    await gate;
    yield events[1];
  }
  const seen = [];
  for await (const v of verifyStream(source())) {
    seen.push(v.hash);
    go();
  }
  assert.deepEqual(seen, [events[0].hash, events[1].hash]);
});
