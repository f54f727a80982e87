// A wallet that signs for an app without giving it the key: it implements
// Signer. The app sees only what comes of it, and the SDK verifies that.
import { createHash } from "node:crypto";
import { createEvent, generateKeyPair, init, publicKeyOf, signDigest, signEvent, verifyEvent } from "eventseal";

class Wallet {
  #key;
  constructor(privateKey, confirm) {
    this.#key = new TextEncoder().encode(privateKey); // bytes can be wiped
    this.publicKey = publicKeyOf(this.#key);
    this.confirm = confirm;
  }

  async signDigest(hash, { canonical }) {
    // Do not take the app's word: hash what the person is shown.
    if (createHash("sha256").update(canonical).digest("hex") !== hash) throw new Error("the hash is not of this text");
    if (!(await this.confirm(canonical))) throw new Error("the person said no");
    return signDigest(hash, this.#key);
  }

  lock() {
    this.#key.fill(0);
  }
}

await init();
const wallet = new Wallet(generateKeyPair().privateKey, async (text) => text.includes('"type":"LIKE"'));

const event = await signEvent(createEvent("LIKE", { track: "track:1" }, wallet.publicKey), wallet);
console.log("signed", verifyEvent(event).valid);

const refused = createEvent("VOTE", { choice: "no" }, wallet.publicKey);
await signEvent(refused, wallet).catch((e) => console.log("refused:", e.message));
wallet.lock();
