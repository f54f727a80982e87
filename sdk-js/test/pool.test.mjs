import assert from "node:assert/strict";
import { test } from "node:test";
import { VerifierPool, VerifiedEvent, createEvent, registerTypes, signEvent, verifyMany, verifyStream } from "eventseal";
import { key, some } from "./events.mjs";
import { listOf } from "./scripted.mjs";

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
