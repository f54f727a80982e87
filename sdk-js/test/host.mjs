// The real host: bin/eventseal serve, on a free port, in a folder of its own.
import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./files.mjs";

const binary = process.env.EVENTSEAL_BINARY ?? `${root}/bin/eventseal`;

/** Whether the host is built; where nothing may skip, a missing one fails. */
export const noHost = existsSync(binary) || (process.env.EVENTSEAL_REQUIRE ?? "") !== "" ? false : "bin/eventseal is missing; make build";

/** A free port below those that the system gives to outgoing connections, which could take it while its host is down. */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const free = await new Promise((go) => {
      const s = createServer();
      s.once("error", () => go(false));
      s.listen(port, "127.0.0.1", () => s.close(() => go(true)));
    });
    if (free) return port;
  }
}

/** serve starts a host with data of its own, and env beside this process's; stop and start keep the data and the port. */
export async function serve(t, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), "eventseal-sdk-"));
  const host = { start, stop, rebuild, folder };
  let port;
  let child;
  async function start() {
    const first = port === undefined;
    if (first) {
      port = await freePort();
      host.url = `http://127.0.0.1:${port}`;
    }
    child = spawn(binary, ["serve", "--data", folder, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "pipe"], cwd: folder, env: { ...process.env, ...env } });
    let said = "";
    for (const out of [child.stdout, child.stderr]) out.on("data", (d) => (said = (said + d).slice(-4000)));
    let over = false;
    child.once("close", () => (over = true)); // all that it said is here
    for (const began = Date.now(); ; ) {
      if (over && first && said.includes("address already in use")) {
        port = undefined; // somebody was faster
        return start();
      }
      if (over || Date.now() - began > 60_000) throw new Error(`the host does not serve: ${said}`);
      if (await fetch(`${host.url}/readyz`).then((r) => r.ok, () => false)) return;
      await new Promise((go) => setTimeout(go, 30));
    }
  }
  async function stop(signal = "SIGTERM") {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise((go) => child.once("exit", go));
    child.kill(signal);
    await over;
  }
  /** rebuild has the journal lost and rebuilt from a place's folder, whose order the host's then is, and not that of its log. */
  async function rebuild(place) {
    await stop();
    for (const name of readdirSync(folder)) if (name.startsWith("journal") || name === "replica-a") rmSync(join(folder, name), { recursive: true });
    cpSync(place, join(folder, "replica-a"), { recursive: true });
    await promisify(execFile)(binary, ["reindex", "--from", "replica-a", "--new-log", "--data", folder], { cwd: folder });
    await start();
  }
  t.after(async () => {
    await stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return host;
}
