// Follow a host's stream: resumes by itself, verifies each event.
//   node stream.mjs http://127.0.0.1:8420 [FROM]
import { EventSealClient, init } from "eventseal";

await init();
const host = new EventSealClient(process.argv[2] ?? "http://127.0.0.1:8420");
const ends = new AbortController();
process.once("SIGINT", () => ends.abort());
const from = process.argv[3] === undefined ? undefined : Number(process.argv[3]);

try {
  for await (const { sequence, verified } of host.subscribe({ from, signal: ends.signal, onState: (s, e) => console.error(s, e?.message ?? "") })) {
    console.log(sequence, verified.event.type, verified.hash);
  }
} catch (e) {
  if (!ends.signal.aborted) throw e;
}
