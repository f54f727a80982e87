// Verify a feed: whatever a host serves is verified here before it is used.
//   node feed.mjs http://127.0.0.1:8420
import { EventSealClient, init } from "eventseal";

await init();
const host = new EventSealClient(process.argv[2] ?? "http://127.0.0.1:8420");
if (!(await host.moduleMatches())) console.warn("the host runs another module than this program");

let n = 0;
const bad = [];
for await (const { sequence, verified } of host.queryEvents({ type: ["VOTE", "LIKE"], order: "asc" }, { onBad: (b) => bad.push(b) })) {
  n++;
  console.log(sequence, verified.hash.slice(0, 12), verified.event.type, JSON.stringify(verified.event.body));
}
console.log(`${n} events verified, ${bad.length} not`);
