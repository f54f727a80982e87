// From eosjs + json-canonicalize: the same hashes, the same signatures, so that
// events signed before are valid now, and what is signed now is valid there.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { canonicalize } from "json-canonicalize";
import { createEvent, init, signEvent, verifyEventSignature } from "eventseal";

const { PrivateKey, PublicKey, Signature } = createRequire(import.meta.url)("eosjs/dist/eosjs-key-conversions.js");

await init();
const wif = "5JgDUdjP3gDJTh5pZ5423NeUg1G8aksHcARw4FUs7SL2Tfm1Rex"; // of this example alone

// Before.
const old = PrivateKey.fromString(wif);
const event = { v: 1, type: "VOTE", author_pubkey: old.getPublicKey().toString(), created_at: 1_700_000_000, parents: [], body: { choice: "yes" }, proofs: {} };
const digest = createHash("sha256").update(canonicalize(event)).digest();
event.sig = old.sign(digest, false).toString();

// Now: the same event in two lines.
const created = createEvent("VOTE", { choice: "yes" }, event.author_pubkey, [], {}, { createdAt: 1_700_000_000 });
const signed = signEvent(created, wif);

console.log("same hash", created.hash === digest.toString("hex"));
console.log("same signature", signed.sig === event.sig);
console.log("the old event verifies here", verifyEventSignature(event));
console.log("the new event verifies there", Signature.fromString(signed.sig).verify(createHash("sha256").update(created.canonical).digest(), PublicKey.fromString(signed.author_pubkey), false));
// Two things are stricter here: a body of a Map, a NaN or a hole in an array is
// refused where JSON would quietly change it; and canonicalize(string) takes JSON
// text, so that the form of a string s is canonicalize(JSON.stringify(s)).
