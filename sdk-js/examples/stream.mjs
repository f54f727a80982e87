// Follow a host's stream: resumes by itself, verifies each event.
//   node stream.mjs http://127.0.0.1:8420 [AFTER: 0, a hash, or a position that it printed]
import { EventSealClient, init } from "eventseal";

await init();
const host = new EventSealClient(process.argv[2] ?? "http://127.0.0.1:8420");
const ends = new AbortController();
process.once("SIGINT", () => ends.abort());

try {
  for await (const { position, verified } of host.subscribe({ after: process.argv[3], signal: ends.signal, onState: (s, e) => console.error(s, e?.message ?? "") })) {
    console.log(position, verified.event.type, verified.hash);
  }
} catch (e) {
  if (!ends.signal.aborted) throw e;
}
