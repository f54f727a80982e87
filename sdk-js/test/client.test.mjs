import assert from "node:assert/strict";
import { test } from "./test.mjs";
import { EventSealClient, EventSealError, HostError, generateKeyPair, moduleDigest } from "eventseal";
import { key, some } from "./events.mjs";
import { json, listOf, problem, problemText, receipt, scripted } from "./scripted.mjs";
import { readFileSync } from "node:fs";
import { root } from "./files.mjs";

const quick = { backoff: 1 };
const refused = (code, more = {}) => (e) => {
  assert.ok(e instanceof HostError || e instanceof EventSealError, String(e?.stack));
  assert.equal(e.code, code, e.message);
  for (const [name, want] of Object.entries(more)) assert.deepEqual(e[name], want, name);
  return true;
};
const [one, two] = some(2);

test("a receipt is for the event that was sent", async (t) => {
  let seen;
  const url = await scripted(t, (req, res, body) => {
    seen = { url: req.url, type: req.headers["content-type"], auth: req.headers.authorization, body };
    json(res, receipt(one.hash), 201);
  });
  const client = new EventSealClient(url + "/", { token: "s3cret" });
  const r = await client.storeEvent(one.event, { wait: "all" });
  assert.deepEqual(seen, { url: "/v1/events?wait=all", type: "application/json", auth: "Bearer s3cret", body: one.record });
  assert.deepEqual(r, receipt(one.hash));
  await assert.rejects(client.storeEvent(two), refused("unexpected_answer"));
});

test("what is not valid is not sent", async (t) => {
  const url = await scripted(t, () => assert.fail("it was asked"));
  await assert.rejects(new EventSealClient(url).storeEvent({ ...one.event, body: {} }), refused("signature_mismatch"));
});

test("a refusal has the host's code and is not repeated", async (t) => {
  let calls = 0;
  const url = await scripted(t, (_, res) => {
    calls++;
    problem(res, "forbidden", { pointer: "/author_pubkey", detail: "why" });
  });
  await assert.rejects(new EventSealClient(url, quick).storeEvent(one), refused("forbidden", { pointer: "/author_pubkey", detail: "why", status: 403, requestId: "r-1", passing: false, server: new URL(url).host }));
  assert.equal(calls, 1);
});

test("insufficient redundancy names the replicas", async (t) => {
  const url = await scripted(t, (_, res) => problem(res, "insufficient_redundancy", { replicas: [{ replica: "s3", error: "refused" }] }));
  await assert.rejects(new EventSealClient(url, { ...quick, attempts: 2 }).storeEvent(one), refused("insufficient_redundancy", { replicas: [{ replica: "s3", error: "refused" }] }));
});

for (const [name, fail] of Object.entries({
  overloaded: (res) => problem(res, "overloaded"),
  "bad gateway": (res) => res.writeHead(502).end("proxy"),
  "broken off": (res) => res.destroy(),
  "half a reply": (res) => {
    res.writeHead(200, { "Content-Length": 100 });
    res.write('{"ha');
    setTimeout(() => res.destroy(), 20);
  },
  silence: () => {},
  "a head and silence": (res) => res.writeHead(200).write(" "),
})) {
  test(`repeated when it passes: ${name}`, async (t) => {
    const silent = name.includes("silence");
    let left = 2;
    const url = await scripted(t, (_, res, body) => {
      if (left-- > 0) return fail(res);
      assert.equal(body, one.record);
      json(res, receipt(one.hash), 201);
    });
    // Counted where they are made: what is given up before it arrives was an attempt, too.
    let calls = 0;
    const counted = { ...quick, timeout: silent ? 300 : 60_000, fetch: (...a) => (calls++, fetch(...a)) };
    // A good answer may take longer than silence is borne here; then it is asked for once more.
    assert.equal((await new EventSealClient(url, { ...counted, attempts: silent ? 50 : 4 }).storeEvent(one)).hash, one.hash);
    assert.ok(silent ? calls >= 3 : calls === 3, `${calls} attempts`);
    left = Infinity;
    calls = 0;
    await assert.rejects(new EventSealClient(url, counted).storeEvent(one), HostError);
    assert.equal(calls, 4);
  });
}

test("Retry-After is obeyed, and a signal ends the wait", async (t) => {
  let first;
  let waited;
  const url = await scripted(t, (_, res) => {
    if (first === undefined) {
      first = performance.now();
      return problem(res, "rate_limited", {}, { "Retry-After": "1" });
    }
    waited = performance.now() - first;
    json(res, { status: "ok", healthy: true });
  });
  assert.equal((await new EventSealClient(url, quick).healthCheck()).healthy, true);
  assert.ok(waited >= 990, `waited ${waited}`);
  first = undefined;
  await assert.rejects(new EventSealClient(url, quick).healthCheck({ signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
});

test("a signal ends a call with its reason", async (t) => {
  const url = await scripted(t, () => {});
  const client = new EventSealClient(url);
  const ends = new AbortController();
  const call = client.status(one.hash, { signal: ends.signal });
  setTimeout(() => ends.abort(new Error("enough")), 50);
  await assert.rejects(call, { message: "enough" });
  await assert.rejects(client.status(one.hash, { signal: ends.signal }), { message: "enough" });
});

test("answers that no host gives", async (t) => {
  let answer;
  let calls = 0;
  const url = await scripted(t, (_, res) => {
    calls++;
    answer(res);
  });
  const client = new EventSealClient(url, quick);
  for (const [name, a, code] of [
    ["not JSON", (res) => json(res, "<html>"), "unexpected_answer"],
    ["not an object", (res) => json(res, "[]"), "unexpected_answer"],
    ["invalid UTF-8", (res) => res.end(Buffer.from([0x7b, 0xff, 0x7d])), "unexpected_answer"],
    ["another event's status", (res) => json(res, { hash: two.hash }), "unexpected_answer"],
    ["a problem of no code", (res) => res.writeHead(400, { "Content-Type": "application/problem+json" }).end('{"code":"sorcery"}'), "unexpected_answer"],
    ["a problem that is not JSON", (res) => res.writeHead(400, { "Content-Type": "application/problem+json" }).end("{"), "unexpected_answer"],
    ["a redirect", (res) => res.writeHead(302, { Location: "/elsewhere" }).end(), "unexpected_answer"],
    ["a teapot", (res) => res.writeHead(418).end(), "unexpected_answer"],
    ["larger than a document", (res) => res.end(`{"x":"${"y".repeat(2 << 20)}"}`), "unexpected_answer"],
    ["__proto__", (res) => json(res, '{"__proto__":{"hash":"' + one.hash + '"}}'), "unexpected_answer"],
  ]) {
    answer = a;
    calls = 0;
    await assert.rejects(client.status(one.hash), refused(code), name);
    assert.equal(calls, 1, name);
  }
});

test("an endless answer is left", async (t) => {
  let gone = false;
  const url = await scripted(t, (_, res) => {
    res.on("close", () => (gone = true));
    const more = () => {
      while (!res.destroyed && res.write("x".repeat(1 << 16)));
      if (!res.destroyed) res.once("drain", more);
    };
    more();
  });
  const client = new EventSealClient(url, { ...quick, attempts: 1 });
  for (const call of [() => client.status(one.hash), () => client.retrieveEvent(one.hash), () => client.retrieveEvents([one.hash])]) {
    gone = false;
    await assert.rejects(call(), refused("unexpected_answer"));
    while (!gone) await new Promise((go) => setTimeout(go, 5));
  }
});

test("retrieveEvent trusts nothing", async (t) => {
  let answer;
  let calls = 0;
  const url = await scripted(t, (req, res) => {
    calls++;
    assert.equal(req.url, `/v1/events/${one.hash}`);
    res.end(answer);
  });
  const client = new EventSealClient(url, quick);
  for (const [name, text, code] of [
    ["another event", two.record, "hash_mismatch"],
    ["another form", one.record.replace(":", ": "), "hash_mismatch"],
    ["a forged event", one.record.replace("VOTE", "LIKE"), "signature_mismatch"],
    ["nothing", "", "invalid_json"],
    ["a marked event", JSON.stringify({ ...one.event, valid: true }), "unknown_field"],
  ]) {
    answer = text;
    calls = 0;
    await assert.rejects(client.retrieveEvent(one.hash), refused(code), name);
    assert.equal(calls, 2, "once more, past what a cache may hold");
  }
  answer = one.record;
  assert.deepEqual(await client.retrieveEvent(one.hash), one);
  await assert.rejects(client.retrieveEvent("../" + one.hash), refused("invalid_argument"));
});

test("not_found comes with its code", async (t) => {
  const url = await scripted(t, (_, res) => problem(res, "not_found"));
  await assert.rejects(new EventSealClient(url).retrieveEvent(one.hash), refused("not_found", { status: 404 }));
});

test("retrieveEvents verifies each and goes on where an answer broke off", async (t) => {
  const events = some(300);
  const byHash = new Map(events.map((e) => [e.hash, e]));
  let calls = 0;
  const url = await scripted(t, (_, res, body) => {
    const { hashes } = JSON.parse(body);
    assert.ok(hashes.length <= 256);
    const cut = ++calls === 1 ? 100 : hashes.length;
    for (const h of hashes.slice(0, cut)) {
      const n = events.indexOf(byHash.get(h));
      if (n === 3) res.write(problemText("not_found", { hash: h }) + "\n");
      else if (n === 4) res.write(`{"hash":"${h}","event":${events[5].record}}\n`);
      else if (n === 5) res.write(`{"hash":"${h}","event":${events[5].record.replace("VOTE", "LIKE")}}\n`);
      else if (n === 6) res.write(`{"hash":"${h}","event":7}\n`);
      else res.write(`{"hash":"${h}","event":${byHash.get(h).record}}\n`);
    }
    if (cut < hashes.length) return setTimeout(() => res.destroy(), 20);
    res.end();
  });
  const got = await new EventSealClient(url, quick).retrieveEvents([...byHash.keys(), events[0].hash]);
  assert.equal(calls, 3);
  assert.equal(got.size, 296);
  for (const [hash, v] of got) assert.deepEqual(v, byHash.get(hash));
  assert.deepEqual([...got.failures].map(([h, e]) => [events.indexOf(byHash.get(h)), e.code]), [[3, "not_found"], [4, "hash_mismatch"], [5, "signature_mismatch"], [6, "invalid_argument"]]);
});

test("storeEvents: batches, outcomes in order, passing failures again", async (t) => {
  const events = some(1200, { size: 20 });
  const index = new Map(events.map((e, i) => [e.record, i]));
  const tries = new Map();
  let atOnce = 0;
  let most = 0;
  let requests = 0;
  let second;
  const isThere = new Promise((go) => (second = go));
  const url = await scripted(t, async (req, res, body) => {
    most = Math.max(most, ++atOnce);
    const request = ++requests;
    assert.equal(req.headers["content-type"], "application/x-ndjson");
    const records = body.trimEnd().split("\n");
    assert.ok(records.length <= 512);
    if (request === 2) {
      second();
      atOnce--;
      return res.destroy();
    }
    await isThere; // the first is not answered before the second has come
    atOnce--; // the client goes on when it has its lines, whether the answer has ended or not
    for (const [n, record] of records.entries()) {
      const i = index.get(record);
      tries.set(i, (tries.get(i) ?? 0) + 1);
      if (i === 700) res.write(problemText("forbidden", { line: n + 1 }) + "\n");
      else if (i === 701 && tries.get(i) === 1) res.write(problemText("insufficient_redundancy", { line: n + 1 }) + "\n");
      else res.write(JSON.stringify({ ...receipt(events[i].hash), status: 201 }) + "\n");
    }
    res.end();
  });
  async function* source() {
    for (const [i, e] of events.entries()) {
      yield [e.event, e.record, new TextEncoder().encode(e.record), e][i % 4];
      if (i === 9) yield { ...e.event, body: {} };
      if (i === 10) yield 7;
    }
  }
  const outcomes = await listOf(new EventSealClient(url, quick).storeEvents(source()));
  assert.equal(outcomes.length, 1202);
  assert.deepEqual(outcomes.map((o) => o.index), outcomes.map((_, i) => i));
  const errors = outcomes.filter((o) => o.error);
  assert.deepEqual(errors.map((o) => [o.index, o.error.code]), [[10, "signature_mismatch"], [12, "invalid_argument"], [702, "forbidden"]]);
  assert.equal(outcomes[703].receipt.hash, events[701].hash);
  assert.equal(tries.get(701), 2);
  assert.equal(tries.get(702), 1);
  assert.equal(most, 2);
});

test("storeEvents: a request that is too much is cut until it passes, and what never passes holds nothing else", async (t) => {
  const events = some(300, { size: 20 });
  const bad = new Set([0, 100]);
  const marks = [...bad].map((i) => events[i].record);
  const yes = (res, body) => res.end(body.trimEnd().split("\n").map((r) => JSON.stringify({ ...receipt(events.find((e) => e.record === r).hash), status: 201 }) + "\n").join(""));
  const count = (body) => body.split("\n").length - 1;
  for (const [name, fails, code] of [
    ["a proxy's limit", (res, body) => body.length > 20_000 && (res.writeHead(413), res.end("a proxy"), true), undefined],
    ["the host's limit", (res, body) => count(body) > 7 && (problem(res, "too_large"), true), undefined],
    ["silence", (_, body) => count(body) > 20, undefined],
    ["a page", (res, body) => marks.some((m) => body.includes(m)) && (res.writeHead(403, { "Content-Type": "text/html" }), res.end("no"), true), "forbidden"],
    ["a size", (res, body) => marks.some((m) => body.includes(m)) && (res.writeHead(413), res.end(), true), "too_large"],
  ]) {
    let failed = 0;
    const url = await scripted(t, (_, res, body) => {
      if (fails(res, body)) failed++;
      else yes(res, body);
    });
    const client = new EventSealClient(url, { ...quick, timeout: name === "silence" ? 300 : 30_000 });
    for (const round of [1, 2]) {
      failed = 0;
      const outcomes = await listOf(client.storeEvents(events.map((e) => e.record)));
      assert.deepEqual(outcomes.map((o) => o.index), events.map((_, i) => i), name);
      for (const [i, o] of outcomes.entries()) assert.equal(o.receipt?.hash ?? o.error.code, code && bad.has(i) ? code : events[i].hash, `${name}: event ${i}`);
      assert.ok(failed <= (code ? 30 : round === 1 ? 10 : 4), `${name}: ${failed} requests failed in round ${round}`);
    }
  }
});

test("storeEvents gives up where everything is refused", async (t) => {
  let requests = 0;
  const url = await scripted(t, (_, res) => {
    requests++;
    res.writeHead(403);
    res.end();
  });
  await assert.rejects(listOf(new EventSealClient(url, quick).storeEvents(some(300, { size: 20 }).map((e) => e.record))), { status: 403 });
  assert.ok(requests < 200, `${requests} requests`);
});

test("storeEvents answers a slow source without waiting for a full batch", async (t) => {
  const url = await scripted(t, (_, res, body) => res.end(body.trimEnd().split("\n").map((r) => JSON.stringify(receipt(r === one.record ? one.hash : two.hash)) + "\n").join("")));
  let go;
  const gate = new Promise((g) => (go = g));
  async function* source() {
    yield one;
    await gate; // only opened by the first outcome
    yield two;
    throw new Error("the source failed");
  }
  const seen = [];
  await assert.rejects(
    (async () => {
      for await (const o of new EventSealClient(url).storeEvents(source())) {
        seen.push(o.hash);
        go();
      }
    })(),
    { message: "the source failed" },
  );
  assert.deepEqual(seen, [one.hash, two.hash]);
});

test("leaving storeEvents, or its signal, ends the source and what is under way", async (t) => {
  const ends = new AbortController();
  let requests = 0;
  let closed = 0;
  const url = await scripted(t, (_, res) => {
    if (++requests === 1) return res.end(JSON.stringify(receipt(one.hash)) + "\n");
    res.on("close", () => closed++);
    ends.abort(new Error("enough"));
  });
  let ended = 0;
  async function* source() {
    try {
      yield one;
      await new Promise((go) => setTimeout(go, 60));
      yield two;
      for (;;) {
        await new Promise((go) => setTimeout(go, 20));
        yield two;
      }
    } finally {
      ended++;
    }
  }
  for await (const o of new EventSealClient(url).storeEvents(source())) {
    assert.equal(o.hash, one.hash);
    break;
  }
  requests = 10;
  const call = listOf(new EventSealClient(url).storeEvents(source(), { signal: ends.signal }));
  await assert.rejects(call, { message: "enough" });
  while (ended < 2 || closed < 1) await new Promise((go) => setTimeout(go, 10));
  await assert.rejects(listOf(new EventSealClient(url).storeEvents([one], { signal: AbortSignal.abort(new Error("before")) })), { message: "before" });
});

test("queryEvents: pages of verified events that match", async (t) => {
  const events = some(250);
  const legacy = generateKeyPair({ random: new Uint8Array(32).fill(9) });
  const [stranger] = some(1, { author: legacy });
  let lie = (items) => items;
  const urls = [];
  const url = await scripted(t, (req, res) => {
    urls.push(req.url);
    const q = new URL(req.url, url).searchParams;
    const from = Number(q.get("cursor") ?? 0);
    const limit = Number(q.get("limit") ?? 100);
    const items = events.slice(from, from + limit).map((e, i) => ({ hash: e.hash, sequence: 1000 - from - i, admitted_at: "2026-01-01T00:00:00Z", event: e.event }));
    json(res, { events: lie(items, from), ...(from + limit < events.length && { next_cursor: String(from + limit) }), ...(q.get("count") && { count: events.length }) });
  });
  const client = new EventSealClient(url, quick);
  const all = await listOf(client.queryEvents({ type: ["VOTE", "LIKE"], author: key.publicKey, limit: 100 }));
  assert.deepEqual(all.map((e) => e.verified), events);
  assert.equal(all[0].sequence, 1000);
  assert.equal(urls[0], `/v1/events?type=VOTE&type=LIKE&author=${key.publicKey}&limit=100`);
  assert.equal(urls.length, 3);
  assert.equal((await client.queryPage({ count: true, limit: 1 })).count, 250);

  // A lying host: a forged event, another author's, one without its sequence.
  lie = (items, from) => {
    if (from === 100) {
      items[0] = { ...items[0], event: { ...items[0].event, body: { n: "forged" } } };
      items[1] = { ...items[1], hash: stranger.hash, event: stranger.event };
      items[2] = { ...items[2], hash: items[3].hash };
      items[4] = { event: items[4].event };
      items[5] = null;
    }
    return items;
  };
  await assert.rejects(listOf(client.queryEvents({ author: key.publicKey })), refused("signature_mismatch"));
  const bad = [];
  const rest = await listOf(client.queryEvents({ author: key.publicKey }, { onBad: (b) => bad.push(b) }));
  assert.equal(rest.length, 245);
  assert.deepEqual(bad.map((b) => b.verdict.code), ["signature_mismatch", "invalid_parameter", "hash_mismatch", "hash_mismatch", "invalid_argument"]);

  // Pages that never end.
  lie = (items) => items;
  const loop = await scripted(t, (_, res) => json(res, { events: [{ hash: one.hash, sequence: 1, event: one.event }], next_cursor: "again" }));
  await assert.rejects(listOf(new EventSealClient(loop).queryEvents()), refused("unexpected_answer"));
  const empty = await scripted(t, (_, res) => json(res, { events: [], next_cursor: String(Math.random()) }));
  await assert.rejects(listOf(new EventSealClient(empty).queryEvents()), refused("unexpected_answer"));
  const tooMany = await scripted(t, (_, res) => json(res, { events: [1, 2, 3] }));
  await assert.rejects(new EventSealClient(tooMany).queryPage({ limit: 2 }), refused("unexpected_answer"));
});

const at = (n, epoch = "00000000000000aa") => `${epoch}-${n}`;
const message = (sequence, e, epoch) => `id: ${at(sequence, epoch)}\nevent: event\ndata: ${JSON.stringify({ hash: e.hash, sequence, admitted_at: "", event: e.event })}\n\n`;
const streaming = (res) => res.writeHead(200, { "Content-Type": "text/event-stream" });

test("subscribe resumes without gap or duplicate", async (t) => {
  const events = some(12);
  const asked = [];
  let breakOff;
  const url = await scripted(t, (req, res) => {
    asked.push(req.url);
    if (asked.length === 2) return problem(res, "overloaded");
    if (asked.length === 3) return res.destroy();
    streaming(res);
    const say = (from, to) => {
      for (let n = from; n < to; n++) res.write(message(n + 5, events[n]));
    };
    if (asked.length === 1) res.write(`id: ${at(4)}\nretry: 1\n\n`);
    res.write(": hello\n\n");
    switch (asked.length) {
      case 1:
        say(0, 3);
        res.write(message(99, events[11]).slice(0, 40)); // cut off: no message
        breakOff = () => res.destroy();
        return;
      case 4:
        say(1, 6); // two of them again
        return res.end("event: dropped\ndata: {}\n\n");
      case 5:
        say(6, 9);
        return res.end('event: closing\ndata: {"code":"shutting_down"}\n\n');
      default:
        say(9, 12); // and then silence
    }
  });
  const states = [];
  const got = [];
  for await (const e of new EventSealClient(url, quick).subscribe({ type: "VOTE", onState: (s, e) => states.push(e ? `${s} ${e.code}` : s) })) {
    got.push([e.sequence, e.verified.hash]);
    if (got.length === 3) breakOff(); // what a client has not read yet is gone with its connection
    if (got.length === 12) break;
  }
  assert.deepEqual(got, events.map((e, n) => [n + 5, e.hash]));
  const after = (n) => `/v1/stream?type=VOTE&after=${at(n)}`;
  assert.deepEqual(asked, ["/v1/stream?type=VOTE", after(7), after(7), after(7), after(10), after(13)]);
  assert.deepEqual(states, ["connected", "waiting unreachable", "waiting overloaded", "waiting unreachable", "connected", "waiting overloaded", "connected", "waiting shutting_down", "connected"]);
});

test("another order: subscribe and queries go on from where nothing is missed", async (t) => {
  const events = some(9);
  const asked = [];
  const now = "00000000000000bb";
  const url = await scripted(t, (req, res) => {
    const q = new URL(req.url, url).searchParams;
    asked.push(q.get("after") ?? q.get("cursor"));
    const moved = (resume) => problem(res, "epoch_changed", { resume });
    if (req.url.startsWith("/v1/events")) {
      const page = (items, more) => json(res, { epoch: now, events: items.map((e) => ({ hash: e.hash, sequence: 1 + events.indexOf(e), admitted_at: "", event: e.event })), ...more });
      if (q.get("cursor") === "old") return moved(at(2, now));
      if (q.get("after") === at(2, now)) return page(events.slice(2, 5), { next_cursor: "new" });
      if (q.get("cursor") === "new") return page(events.slice(5, 7));
      return moved("0"); // for ever
    }
    switch (asked.length) {
      case 1:
        streaming(res);
        return res.end(message(5, events[4]) + message(6, events[5]) + 'event: closing\ndata: {"code":"epoch_changed"}\n\n');
      case 2:
        return moved(at(3, now));
      case 3: // and again another one
        return moved("0");
      default:
        streaming(res);
        for (const [n, e] of events.entries()) res.write(message(n + 1, e, now));
    }
  });
  const client = new EventSealClient(url, quick);
  const got = [];
  for await (const e of client.subscribe({ after: at(4) })) {
    got.push(e.verified.hash);
    assert.equal(e.position, at(e.sequence, got.length > 2 ? now : undefined));
    if (got.length === 11) break;
  }
  assert.deepEqual(got, [events[4], events[5], ...events].map((e) => e.hash));
  assert.deepEqual(asked.splice(0), [at(4), at(6), at(3, now), "0"]);

  const page = await client.queryPage({ cursor: "old", order: "asc" });
  assert.deepEqual([page.reordered, page.nextCursor, page.events.map((e) => e.position)], [true, "new", [3, 4, 5].map((n) => at(n, now))]);
  assert.deepEqual((await listOf(client.queryEvents({ cursor: "old", order: "asc" }))).map((e) => e.verified.hash), events.slice(2, 7).map((e) => e.hash));
  assert.equal((await client.queryPage({ cursor: "new" })).reordered, undefined);

  // A host that is never content.
  asked.length = 0;
  await assert.rejects(client.queryPage({ cursor: "x" }), { code: "epoch_changed", status: 410, resume: "0" });
  assert.equal(asked.length, 2);
  await assert.rejects(new EventSealClient(await scripted(t, (_, res) => problem(res, "epoch_changed", { resume: "0" })), quick).subscribe({ after: at(1), attempts: 3 }).next(), refused("epoch_changed"));
  await assert.rejects(new EventSealClient(await scripted(t, (_, res) => problem(res, "epoch_changed", { resume: "../x" })), quick).subscribe({ after: at(1) }).next(), { code: "epoch_changed", resume: "" });
});

test("subscribe: silence, lies, refusals, signals", async (t) => {
  let script;
  const places = [];
  const url = await scripted(t, (req, res) => {
    places.push(new URL(req.url, url).searchParams.get("after"));
    return script(res, req);
  });
  const client = new EventSealClient(url, quick);

  let connections = 0;
  script = (res) => {
    streaming(res);
    res.write(`id: ${at(0)}\n\n: alive\n\n`);
    if (++connections >= 2) res.write(message(1, one));
  };
  for await (const e of client.subscribe({ idle: 60 })) {
    assert.equal(e.verified.hash, one.hash);
    break;
  }
  assert.ok(connections >= 2, "a silent connection is left");
  assert.deepEqual(places, [null, ...places.slice(1).fill(at(0))], "it begins at what comes next, and again there");

  script = (res) => {
    streaming(res);
    res.write(message(1, one) + message(2, one).replace("VOTE", "LIKE") + message(3, two) + `event: event\ndata: {"sequence":4,"hash":"${one.hash}","problem":{"code":"unavailable"}}\n\n`);
  };
  const first = client.subscribe();
  assert.equal((await first.next()).value.sequence, 1);
  await assert.rejects(first.next(), refused("signature_mismatch"));
  const bad = [];
  const second = client.subscribe({ onBad: (b) => bad.push(b.sequence) });
  assert.equal((await second.next()).value.sequence, 1);
  assert.equal((await second.next()).value.sequence, 3);
  assert.deepEqual(bad, [2]);
  await assert.rejects(client.subscribe({ after: at(3) }).next(), refused("unavailable"));
  await second.return();

  script = (res) => problem(res, "invalid_parameter");
  await assert.rejects(client.subscribe({ after: "x" }).next(), refused("invalid_parameter"));
  script = (res) => json(res, {});
  await assert.rejects(client.subscribe().next(), refused("unexpected_answer"));
  script = (res) => {
    streaming(res);
    const more = () => {
      while (!res.destroyed && res.write("data: " + "x".repeat(1 << 16)));
      if (!res.destroyed) res.once("drain", more);
    };
    more();
  };
  await assert.rejects(client.subscribe().next(), refused("unexpected_answer"));
  script = (res) => res.destroy();
  await assert.rejects(client.subscribe({ attempts: 3 }).next(), refused("unreachable"));

  script = streaming;
  script = (res) => streaming(res).write(":\n\n");
  await assert.rejects(client.subscribe({ signal: AbortSignal.timeout(100) }).next(), { name: "TimeoutError" });
});

test("status, health, types, ancestors, module", async (t) => {
  const [parent] = some(1);
  const [child] = some(1, { parents: [parent.hash], type: "LIKE" });
  let answer;
  const url = await scripted(t, (req, res) => answer(res, req));
  const client = new EventSealClient(url, quick);

  answer = (res) => json(res, { hash: one.hash, epoch: "00000000000000aa", sequence: 3, type: "VOTE", author_pubkey: key.publicKey, created_at: 5, admitted_at: "x", parents: [], durable: 1, required: 2, standing: "degraded",
    replicas: [{ replica: "a", kind: "local", counts: true, state: "stored", location: "p" }, { replica: "b", kind: "s3", counts: true, state: "missing", attempts: 4, last_error: "no", updated_at: "y" }], archive: null, anchor: null });
  assert.deepEqual(await client.status(one.hash), { hash: one.hash, epoch: "00000000000000aa", sequence: 3, type: "VOTE", authorPubkey: key.publicKey, createdAt: 5, admittedAt: "x", parents: [], durable: 1, required: 2, standing: "degraded",
    replicas: [{ replica: "a", kind: "local", counts: true, state: "stored", location: "p" }, { replica: "b", kind: "s3", counts: true, state: "missing", attempts: 4, lastError: "no", updatedAt: "y" }], archive: null, anchor: null });

  answer = (res) => json(res, { status: "failing", healthy: false, working: 1, required: 2 }, 503);
  const h = await client.healthCheck();
  assert.deepEqual([h.healthy, h.status, h.working], [false, "failing", 1]);

  answer = (res) => json(res, { types: [{ name: "VOTE", code: 40 }, { name: "ACME", code: 900 }] });
  assert.deepEqual((await client.learnTypes()).at(-1), { name: "ACME", code: 900 });
  answer = (res) => json(res, { types: [] });
  await assert.rejects(client.types(), refused("unexpected_answer"));

  let listed = [{ hash: parent.hash, depth: 1, event: parent.event }];
  answer = (res, req) => (req.url.includes("ancestors") ? json(res, { events: listed, truncated: false }) : res.end(child.record));
  assert.deepEqual(await client.ancestors(child.hash), { events: [{ hash: parent.hash, depth: 1, verified: parent }], truncated: false });
  listed = [{ hash: parent.hash, depth: 1, missing: true }];
  assert.deepEqual((await client.ancestors(child.hash)).events, [{ hash: parent.hash, depth: 1 }]);
  listed = [{ hash: parent.hash, depth: 1, problem: {} }, { hash: two.hash, depth: 2, event: two.event }];
  assert.deepEqual(await client.ancestors(child.hash), { events: [{ hash: parent.hash, depth: 1 }], truncated: true });
  listed = [{ hash: two.hash, depth: 1, event: two.event }];
  await assert.rejects(client.ancestors(child.hash), refused("unexpected_answer"));

  const wasm = readFileSync(`${root}/wasm/eventseal.wasm`);
  answer = (res) => res.end(wasm);
  assert.equal(await client.moduleMatches(), true);
  answer = (res) => res.end(Buffer.concat([wasm, Buffer.from([0])]));
  assert.equal(await client.moduleMatches(), false);
  assert.match(await moduleDigest(), /^[0-9a-f]{64}$/);
});

test("what is no host's address", () => {
  for (const url of ["", "ftp://x", "http://user:hunter2@x", "http://x/?q", "http://x/#y", "nonsense"]) {
    assert.throws(() => new EventSealClient(url), (e) => refused("invalid_argument")(e) && !e.message.includes("hunter2"));
  }
  for (const token of ["", "hunter2\nX: y", "hunter2 x", "hünter2"]) {
    assert.throws(() => new EventSealClient("http://x", { token }), (e) => refused("invalid_argument")(e) && !e.message.includes("nter2"));
  }
  for (const o of [{ timeout: 0 }, { attempts: NaN }, { maxBytes: 5 << 20 }]) assert.throws(() => new EventSealClient("http://x", o), refused("invalid_argument"));
});
