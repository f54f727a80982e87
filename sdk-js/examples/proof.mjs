// Gets an event's proof from a host and keeps it, or verifies one that was kept, with nobody to ask:
//   node proof.mjs https://events.example.org HASH >HASH.proof.json
//   node proof.mjs HASH.proof.json [KEYS]
import { readFile } from "node:fs/promises";
import { init, verifyProof, EventSealClient } from "eventseal";

await init();
const [from, more] = process.argv.slice(2);
if (/^https?:/.test(from)) {
  process.stdout.write((await new EventSealClient(from).proof(more)).text);
} else {
  const report = verifyProof(await readFile(from), more && { keys: await readFile(more, "utf8") });
  console.log(report.valid ? `event ${report.hash} is number ${report.sequence} of ${report.origin}, by ${report.key}` : `not valid: ${report.message}`);
  for (const [part, verdict] of Object.entries(report.parts ?? {})) console.log(`  ${part}: ${verdict}`);
  process.exitCode = report.valid ? 0 : 1;
}
