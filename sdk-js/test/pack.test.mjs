// The package as others get it: packed, installed into an empty project, used from there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "./test.mjs";
import { buildSync } from "esbuild";
import { root } from "./files.mjs";

test("npm pack holds what is needed, and works where it is installed", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "eventseal-pack-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const npm = (...args) => execFileSync("npm", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [pack] = JSON.parse(npm("pack", "--json", "--pack-destination", folder, `${root}/sdk-js`));
  const files = pack.files.map((f) => f.path);
  assert.ok(files.every((f) => /^(dist\/[a-z.]+\.(js|d\.ts|wasm)|package\.json|README\.md|LICENSE)$/.test(f)), files.join());
  for (const f of ["dist/index.js", "dist/node.js", "dist/inline.js", "dist/worker.js", "dist/eventseal.wasm", "README.md", "LICENSE"]) assert.ok(files.includes(f), f);

  const project = join(folder, "project");
  execFileSync("mkdir", [project]);
  writeFileSync(join(project, "package.json"), '{"name":"empty","private":true,"type":"module"}');
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--offline", join(folder, pack.filename)], { cwd: project, stdio: "ignore" });
  writeFileSync(join(project, "use.mjs"), `
    import { readFileSync } from "node:fs";
    import * as file from "eventseal";
    import * as inline from "eventseal/inline";
    for (const es of [file, inline]) {
      await es.init();
      const k = es.generateKeyPair();
      console.log(es.verifyEvent(es.signEvent(es.createEvent("VOTE", { x: 1 }, k.publicKey), k.privateKey)).valid, await es.moduleDigest());
    }
    console.log(readFileSync(new URL(import.meta.resolve("eventseal/eventseal.wasm"))).length);
    const pool = new file.VerifierPool({ size: 1 });
    console.log((await pool.verifyMany(["{}"]))[0].code);
    pool.close();
  `);
  const [a, b, size, code] = execFileSync(process.execPath, ["use.mjs"], { cwd: project, encoding: "utf8" }).trim().split("\n");
  assert.match(a, /^true [0-9a-f]{64}$/);
  assert.equal(b, a);
  assert.ok(Number(size) > 100_000);
  assert.equal(code, "missing_field");

  // A strict TypeScript project sees the types.
  writeFileSync(join(project, "use.ts"), `
    import "eventseal/worker";
    import * as inline from "eventseal/inline";
    import { init, createEvent, signEvent, verifyEvent, VerifiedEvent, EventSealClient, verifyProof, verifyReceipt, type ProofFile, type Signer, type SignedEvent } from "eventseal";
    await init();
    const signer: Signer = { publicKey: "x", signDigest: async (hash: string) => hash };
    const created = createEvent("VOTE", { x: 1, at: new Date(0) }, "PUB", [], { p: [1] }, { createdAt: 5 });
    interface Ballot { choice: string; weight?: number }
    const ballot: Ballot = { choice: "yes" };
    createEvent("VOTE", { ...ballot }, "PUB");
    // @ts-expect-error a bigint is no JSON
    createEvent("VOTE", { x: 1n }, "PUB");
    const now: SignedEvent = signEvent(created, "key");
    const later: SignedEvent = await signEvent(created, signer);
    const v = verifyEvent(now);
    if (v.valid) { const e: VerifiedEvent = v; console.log(e.event.type, later); } else console.log(v.code);
    // @ts-expect-error a look-alike is no VerifiedEvent
    const fake: VerifiedEvent = { ...(v as VerifiedEvent) };
    for await (const o of new EventSealClient("http://x").storeEvents([now])) if (o.error) console.log(o.error, fake); else console.log(o.receipt.sequence);
    const report = verifyProof("{}", { keys: "" });
    if (report.parts?.cosignatures === "needs policy") console.log(report.sequence);
    const receipt = verifyReceipt("{}");
    console.log(receipt.valid ? receipt.key : receipt.code);
    const proof: ProofFile = JSON.parse((await new EventSealClient("http://x", { hostKeys: "" }).proof(now.sig, { format: "json" })).text);
    verifyProof(proof, { maxBytes: 5 });
    // @ts-expect-error an event cannot be changed
    now.type = "LIKE";
    const other: typeof createEvent = inline.createEvent;
    console.log(other);
  `);
  for (const [kind, resolution] of [["nodenext", "nodenext"], ["node16", "node16"], ["esnext", "bundler"]]) {
    execFileSync(process.execPath, [`${root}/sdk-js/node_modules/typescript/bin/tsc`, "--strict", "--noEmit", "--target", "es2022", "--module", kind, "--moduleResolution", resolution, "--lib", "es2022,dom,dom.asynciterable", "use.ts"], { cwd: project, stdio: ["ignore", "inherit", "inherit"] });
  }

  // A bundler leaves out what a program does not use.
  writeFileSync(join(project, "small.mjs"), 'import { init, createEvent } from "eventseal"; await init(); console.log(createEvent("VOTE", {}, "x"));');
  for (const platform of ["browser", "node"]) {
    const { outputFiles: [{ text }] } = buildSync({ entryPoints: [join(project, "small.mjs")], bundle: true, format: "esm", platform, minify: true, write: false, logLevel: "error" });
    assert.match(text, /not_initialized/);
    for (const other of ["/v1/events", "text/event-stream", "terminate", "worker"]) assert.ok(!text.includes(other), `${platform}: ${other} is in a program that only creates events`);
    assert.ok(text.length < 25_000, `${text.length} bytes`);
  }
});
