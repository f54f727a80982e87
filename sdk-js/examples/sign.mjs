// Sign in a page: make the event, show the person the exact text, sign on
// request. The key never leaves the page. (With a bundler: from "eventseal".)
import { createEvent, generateKeyPair, init, signEvent, verifyEvent } from "../dist/index.js";

await init();
const key = generateKeyPair(); // or one that the person enters
const form = document.querySelector("form");
const [canonical, signed] = document.querySelectorAll("output");

const create = () => createEvent("VOTE", { choice: form.elements.choice.value }, key.publicKey);
let created = create();
canonical.value = created.canonical;

form.addEventListener("input", () => {
  created = create();
  canonical.value = created.canonical;
});
form.addEventListener("submit", (e) => {
  e.preventDefault();
  // What was shown is what is signed: created cannot be changed any more.
  const event = signEvent(created, key.privateKey);
  signed.value = verifyEvent(event).record; // send this to a host, see EventSealClient
});
