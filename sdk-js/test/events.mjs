// Events to work with.
import { createEvent, generateKeyPair, init, signEvent, verifyEvent } from "eventseal";

await init();

/** key is a fixed key pair of the tests. */
export const key = generateKeyPair({ random: new Uint8Array(32).fill(7) });

/** some makes n different signed events, verified. */
export function some(n, options = {}) {
  const { type = "VOTE", parents = [], author = key, size = 200 } = options;
  return Array.from({ length: n }, (_, i) => {
    const created = createEvent(type, { n: i, text: "é".repeat(size / 2) }, author.publicKey, parents, undefined, { createdAt: 1_700_000_000 + i });
    return verifyEvent(signEvent(created, author.privateKey));
  });
}
