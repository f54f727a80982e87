// The SDK in a page of Chromium, under its Content-Security-Policy.
import assert from "node:assert/strict";
import { after, before, test } from "./test.mjs";
import { canonicalize, verifyEvent } from "eventseal";
import { browser, noBrowser } from "./browser.mjs";
import { vectorFiles } from "./files.mjs";
import { json, receipt, scripted } from "./scripted.mjs";
import * as es from "eventseal";
import { some } from "./events.mjs";
import { logOf, witness } from "./proofs.mjs";

const workerSource = `
import * as es from "/sdk-js/dist/index.js";
import { runVectors } from "/sdk-js/test/vectors.mjs";
onmessage = async ({ data: files }) => {
  try {
    await es.init();
    const failed = [];
    for (const f of files) failed.push(...runVectors(es, await (await fetch("/testvectors/" + f)).json()));
    postMessage({ failed });
  } catch (e) {
    postMessage({ crash: String(e.stack) });
  }
};`;

const inPage = { skip: noBrowser };


// What DevTools evaluates may eval; a page's own script may not.
const policySource = `
import * as es from "/sdk-js/dist/index.js";
const forbidden = [];
for (const use of [() => eval("1"), () => Function("return 1")()]) {
  try {
    use();
  } catch (e) {
    forbidden.push(e.name);
  }
}
await es.init();
const pair = es.generateKeyPair();
const signer = { publicKey: pair.publicKey, signDigest: async (h) => es.signDigest(h, pair.privateKey) };
const signed = await es.signEvent(es.createEvent("VOTE", { choice: "yes" }, pair.publicKey), signer);
const pool = new es.VerifierPool({ size: 1 });
const [inPool] = await pool.verifyMany([signed]);
document.title = JSON.stringify({ forbidden, valid: es.verifyEvent(signed).valid && inPool.valid });`;

let b;
before(async () => {
  if (!noBrowser) b = await browser({ "/worker.mjs": workerSource, "/policy.mjs": policySource, "/policy.html": '<!doctype html><script type="module" src="/policy.mjs"></script>' });
});
after(() => b?.close());

for (const entry of ["index", "inline"]) {
  test(`every vector in a page: ${entry}.js`, inPage, async () => {
    const page = await b.page();
    const result = await page.evaluate(async ({ entry, files }) => {
      const es = await import(`/sdk-js/dist/${entry}.js`);
      const { runVectors } = await import("/sdk-js/test/vectors.mjs");
      await es.init();
      const failed = [];
      let cases = 0;
      for (const f of files) {
        const file = await (await fetch(`/testvectors/${f}`)).json();
        cases += file.cases.length;
        failed.push(...runVectors(es, file).map((x) => ({ f, ...x })));
      }
      const fetched = performance.getEntriesByType("resource").map((r) => r.name).filter((n) => n.endsWith(".wasm"));
      return { cases, failed, fetched: fetched.length, digest: await es.moduleDigest() };
    }, { entry, files: vectorFiles });
    assert.deepEqual(result.failed, []);
    assert.ok(result.cases > 2000);
    assert.equal(result.fetched, entry === "index" ? 1 : 0);
    assert.deepEqual(page.faults, []);
    await page.close();
  });
}

test("every vector in a Worker", inPage, async () => {
  const page = await b.page();
  const result = await page.evaluate((files) => new Promise((go) => {
    const w = new Worker("/worker.mjs", { type: "module" });
    w.onmessage = (e) => go(e.data);
    w.onerror = (e) => go({ crash: e.message });
    w.postMessage(files);
  }), vectorFiles);
  assert.deepEqual(result, { failed: [] });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("the policy is in force, and the SDK works under it", inPage, async () => {
  const page = await b.page("/policy.html");
  await page.waitForFunction(() => document.title !== "");
  assert.deepEqual(JSON.parse(await page.title()), { forbidden: ["EvalError", "EvalError"], valid: true });
  await page.close();
});

test("a module that is not this package's is refused by its digest", inPage, async () => {
  const page = await b.page();
  await page.route("**/eventseal.wasm", (route) => route.fulfill({ status: 200, contentType: "application/wasm", body: Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) }));
  const name = await page.evaluate(async () => {
    const es = await import("/sdk-js/dist/index.js");
    return es.init().then(() => "loaded", (e) => e.name);
  });
  assert.equal(name, "TypeError");
  await page.close();
});

test("10,000 events: the pool keeps the page's thread free", inPage, async () => {
  const page = await b.page();
  const runs = await page.evaluate(async () => {
    const es = await import("/sdk-js/dist/index.js");
    await es.init();
    const pair = es.generateKeyPair();
    const records = Array.from({ length: 50 }, (_, n) => JSON.stringify(es.signEvent(es.createEvent("VOTE", { n, text: "x".repeat(600) }, pair.publicKey), pair.privateKey)));
    const events = Array.from({ length: 10_000 }, (_, i) => records[i % 50]);
    events[9_000] = events[9_000].replace("VOTE", "LIKE");
    const r1 = es.generateKeyPair({ curve: "R1" });
    const slow = Array.from({ length: 100 }, (_, n) => JSON.stringify(es.signEvent(es.createEvent("VOTE", { n }, r1.publicKey), r1.privateKey)));
    const observer = new PerformanceObserver(() => {});
    const taken = async () => {
      await new Promise((go) => setTimeout(go, 100)); // the observer's turn
      return observer.takeRecords().map((e) => e.duration);
    };
    await taken(); // what was made above was a long task, too
    const pool = new es.VerifierPool({ size: 2 });
    // A machine under load stretches a slice of some milliseconds to any length, now and then. What is
    // one task by itself is one every time, so that a single run without a long one tells.
    const runs = [];
    for (let n = 0; n < 20; n++) {
      const tasks = [];
      observer.observe({ type: "longtask" });
      const began = performance.now();
      const verdicts = await pool.verifyMany(events);
      const took = performance.now() - began;
      let stream = 0;
      for await (const v of es.verifyStream([...events.slice(0, 1000), ...slow])) stream += v.valid;
      tasks.push(...(await taken()));
      observer.disconnect();
      runs.push({ took, tasks, stream, bad: verdicts.flatMap((v, i) => (v.valid ? [] : [i])), frozen: Object.isFrozen(verdicts[5].event) && es.VerifiedEvent.is(verdicts[5]) });
      if (tasks.length === 0) break;
    }
    pool.close();
    return runs;
  });
  for (const r of runs) assert.deepEqual([r.bad, r.stream, r.frozen], [[9_000], 1100, true]);
  const last = runs.at(-1);
  console.log(`# 10,000 events in ${Math.round(last.took)} ms, in run ${runs.length} without a task over 50 ms`);
  assert.deepEqual(last.tasks, [], `long tasks in each of ${runs.length} runs`);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("proofs and receipts in a page, with nobody to ask", inPage, async () => {
  const log = logOf(es, some(5));
  const page = await b.page();
  await page.evaluate(async () => {
    globalThis.es = await import("/sdk-js/dist/index.js");
    await globalThis.es.init();
  });
  await page.context().setOffline(true);
  const files = [log.proof(2, 5, [witness(1)]), { ...log.proof(2), receipt: log.receipt(3) }, {}];
  const options = { keys: `${log.keys}${witness(1).vkey}` };
  const [reports, verdict] = await page.evaluate(({ files, options, receipt }) => [files.map((f) => es.verifyProof(f, options)), es.verifyReceipt(receipt, options)], { files, options, receipt: log.receipt(2) });
  assert.deepEqual(reports, JSON.parse(JSON.stringify(files.map((f) => es.verifyProof(f, options)))));
  assert.deepEqual(reports.map((r) => r.code ?? ""), ["", "proof_mismatch", "missing_field"]);
  assert.equal(verdict.trusted, true);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("the client in a page: store, retrieve, follow, abort", inPage, async (t) => {
  const events = some(3);
  const cors = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Expose-Headers": "*" };
  let streams = 0;
  const url = await scripted(t, (req, res, body) => {
    const { pathname } = new URL(req.url, "http://x");
    if (req.method === "OPTIONS") return res.writeHead(204, cors).end();
    if (pathname === "/v1/events:batch") return res.writeHead(200, { ...cors, "Content-Type": "application/x-ndjson" }).end(body.trimEnd().split("\n").map((r) => JSON.stringify(receipt(events.find((e) => e.record === r).hash)) + "\n").join(""));
    if (pathname === "/v1/stream") {
      res.writeHead(200, { ...cors, "Content-Type": "text/event-stream" });
      const from = Number(/-(\d+)$/.exec(req.url)?.[1] ?? 0);
      for (const [n, e] of events.entries()) {
        if (n + 1 <= from || (streams === 0 && n === 2)) continue;
        res.write(`id: 00000000000000aa-${n + 1}\nevent: event\ndata: ${JSON.stringify({ hash: e.hash, sequence: n + 1, event: e.event })}\n\n`);
      }
      if (streams++ === 0) res.end();
      return;
    }
    const e = events.find((x) => pathname === `/v1/events/${x.hash}`);
    if (e) return json(res, e.record, 200, cors);
    // no answer: the call is aborted
  });
  const page = await b.page();
  const got = await page.evaluate(async ({ url, records, hash }) => {
    const es = await import("/sdk-js/dist/index.js");
    await es.init();
    const client = new es.EventSealClient(url, { backoff: 1, token: "t" });
    const outcomes = [];
    for await (const o of client.storeEvents(records)) outcomes.push(o.receipt?.hash ?? String(o.error));
    const one = await client.retrieveEvent(hash);
    const followed = [];
    for await (const e of client.subscribe({ after: "0" })) if (followed.push(e.verified.hash) === records.length) break;
    const aborted = await client.status(hash, { signal: AbortSignal.timeout(100) }).catch((e) => e.name);
    return { outcomes, one: one.record, followed, aborted };
  }, { url, records: events.map((e) => e.record), hash: events[1].hash });
  assert.deepEqual(got, { outcomes: events.map((e) => e.hash), one: events[1].record, followed: events.map((e) => e.hash), aborted: "TimeoutError" });
  await page.close();
});

test("example: sign in a page", inPage, async () => {
  const page = await b.page("/sdk-js/examples/sign.html");
  const canonical = page.locator("output[name=canonical]");
  await page.waitForFunction(() => document.querySelector("output[name=canonical]").value !== "");
  await page.fill("input[name=choice]", "no \u2028 \u{1f600}");
  const shown = await canonical.inputValue().catch(() => canonical.textContent());
  assert.match(shown, /"choice":"no \u2028 \u{1f600}"/u);
  await page.click("button");
  const signed = await page.locator("output[name=signed]").textContent();
  const { sig, ...unsigned } = JSON.parse(signed);
  assert.equal(canonicalize(unsigned), shown);
  assert.equal(verifyEvent(signed).valid, true);
  assert.deepEqual(page.faults, []);
  await page.close();
});
