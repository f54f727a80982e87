// Times the SDK and its peers in Node and, where it is there, in Chromium, with
// ratios within the one run:  npm run bench
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { build } from "esbuild";
import * as tiny from "tiny-secp256k1";
import canonicalize from "canonicalize";
import * as es from "eventseal";
import { browser, noBrowser } from "../test/browser.mjs";
import { logOf, witness } from "../test/proofs.mjs";
import { measure, tasksOf } from "./tasks.mjs";

const here = new URL("..", import.meta.url).pathname;

function print(title, rows) {
  console.log(`\n${title}\n`);
  const ours = new Map();
  for (const { group, name, us } of rows) if (!ours.has(group) && name.startsWith("eventseal")) ours.set(group, us);
  for (const { group, name, us } of rows) {
    const ratio = us / ours.get(group);
    console.log(`  ${group.padEnd(13)} ${name.padEnd(52)} ${us.toFixed(us < 10 ? 2 : 1).padStart(8)} µs  ${`×${ratio.toFixed(2)}`.padStart(7)}`);
  }
}

/** From nothing to the first verdict, in a process of its own: milliseconds, the median of seven. */
function firstVerify() {
  const [record] = [es.verifyEvent(sample()).record];
  const once = () => Number(execFileSync(process.execPath, ["--input-type=module", "-e", `
    const began = performance.now();
    const { init, verifyEvent } = await import("eventseal");
    await init();
    if (!verifyEvent(${JSON.stringify(record)}).valid) throw new Error();
    console.log(performance.now() - began);`], { cwd: here, encoding: "utf8" }));
  return Array.from({ length: 7 }, once).sort((a, b) => a - b)[3];
}

function sample() {
  const k = es.generateKeyPair();
  return es.signEvent(es.createEvent("VOTE", { choice: "yes" }, k.publicKey), k.privateKey);
}

/** A proof of an event in a log of 10,000, with two cosignatures. */
function proofOf(record) {
  const index = 7_000;
  const log = logOf(es, Array.from({ length: 10_000 }, (_, i) => (i === index ? es.verifyEvent(record) : { hash: i.toString(16).padStart(64, "0") })));
  const witnesses = [witness(1), witness(2)];
  return { record, file: JSON.stringify(log.proof(index, undefined, witnesses)), receipt: JSON.stringify(log.receipt(index)), keys: log.keys + witnesses.map((w) => w.vkey).join("\n") };
}

await es.init();
const proof = proofOf(es.verifyEvent(sample()).record);
const { tasks, bytes } = await tasksOf(es, {
  proof,
  tasks: ({ scalar, digest, point, compact, record }) => [
    ["verify", "tiny-secp256k1 verify (bare)", () => tiny.verify(digest, point, compact)],
    ["sign", "tiny-secp256k1 sign (any signature)", () => tiny.sign(digest, scalar).length === 64],
    ["hash", "JSON.parse + canonicalize + node:crypto", () => createHash("sha256").update(canonicalize(JSON.parse(new TextDecoder().decode(record)))).digest().length === 32],
  ],
});
print(`Node ${process.versions.node}, an event of ${bytes} bytes; ratio to the group's first`, await measure(tasks));
console.log(`\n  import to first verdict, a new process: ${firstVerify().toFixed(1)} ms`);

if (noBrowser) {
  console.log(`\nChromium: not measured, ${noBrowser}`);
} else {
  const bundle = await build({ entryPoints: [`${here}bench/tasks.mjs`], bundle: true, format: "esm", write: false, platform: "browser", logLevel: "error", define: { global: "globalThis" }, inject: [`${here}bench/buffer.mjs`] });
  const b = await browser({ "/tasks.mjs": bundle.outputFiles[0].text });
  try {
    const page = await b.page();
    const { rows, first } = await page.evaluate(async (proof) => {
      const began = performance.now();
      const es = await import("/sdk-js/dist/index.js");
      await es.init();
      if (!es.verifyEvent(proof.record).valid) throw new Error("invalid");
      const first = performance.now() - began;
      const { tasksOf, measure } = await import("/tasks.mjs");
      return { first, rows: await measure((await tasksOf(es, { proof })).tasks) };
    }, proof);
    print("Chromium, the same (without tiny-secp256k1: its loader needs a bundler's own wasm imports)", rows);
    console.log(`\n  import to first verdict, over HTTP on loopback: ${first.toFixed(1)} ms`);
    const pool = await page.evaluate(async () => {
      const es = await import("/sdk-js/dist/index.js");
      const k = es.generateKeyPair();
      const records = Array.from({ length: 100 }, (_, n) => JSON.stringify(es.signEvent(es.createEvent("VOTE", { n, text: "x".repeat(600) }, k.publicKey), k.privateKey)));
      const events = Array.from({ length: 10_000 }, (_, i) => records[i % 100]);
      const pool = new es.VerifierPool({ size: 2 });
      await pool.verifyMany(records);
      await new Promise((go) => setTimeout(go, 100));
      const long = [];
      new PerformanceObserver((l) => long.push(...l.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
      const began = performance.now();
      await pool.verifyMany(events);
      const took = performance.now() - began;
      await new Promise((go) => setTimeout(go, 100));
      return { took, longest: Math.max(0, ...long) };
    });
    console.log(`  10,000 events of 900 bytes in a pool of 2 workers: ${pool.took.toFixed(0)} ms; longest task of the page: ${pool.longest ? `${pool.longest} ms` : "under 50 ms"}`);
    await page.close();
  } finally {
    await b.close();
  }
}
