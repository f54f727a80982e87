// The test chain in a process of its own: bin/testchain, which makes a block when it is told to.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { root } from "./files.mjs";

const binary = process.env.EVENTSEAL_TESTCHAIN ?? `${root}/bin/testchain`;

/** Whether the chain is built; where nothing may skip, a missing one fails. */
export const noChain = existsSync(binary) || (process.env.EVENTSEAL_REQUIRE ?? "") !== "" ? false : "bin/testchain is missing; make testchain";

/** startChain starts a chain on which a key pair may post; atEnd is told what ends it. */
export async function startChain(atEnd, { privateKey, publicKey }) {
  const child = spawn(binary, ["--interval", "0", "--key", `anchor=${publicKey}`], { stdio: ["ignore", "pipe", "inherit"] });
  const over = new Promise((go) => child.once("exit", go));
  atEnd(async () => {
    child.kill("SIGTERM");
    await over;
  });
  const [url] = await new Promise((go, stop) => {
    createInterface(child.stdout).once("line", (line) => go([line]));
    child.once("error", stop);
    child.once("exit", (code) => stop(new Error(`testchain ended with ${code}`)));
  });

  /** Has the chain do something, as servers/chain/control.go describes; without a body it is asked how it is. */
  async function ask(path, body) {
    const a = await fetch(`${url}/test/${path}`, body && { method: "POST", body: JSON.stringify(body) });
    if (!a.ok) throw new Error(`${path}: ${await a.text()}`);
    return a.json();
  }

  const id = (await ask("state")).chain_id;
  return {
    url, id, ask,
    produce: (blocks = 1) => ask("produce", { blocks }),
    /** What a host that anchors to it has in its environment; more are settings that are otherwise, without their prefix. */
    settings: (more = {}) => Object.fromEntries(
      Object.entries({ DRIVER: "antelope", ENDPOINTS: url, CHAIN_ID: id, CONTRACT: "eventseal", PERMISSION: "anchor", KEY: privateKey, EVERY: "1s", ...more })
        .filter(([, v]) => v !== undefined).map(([k, v]) => [`EVENTSEAL_ANCHOR_${k}`, v]),
    ),
  };
}
