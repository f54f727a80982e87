// A headless Chromium and a server of this repository's files on loopback.
import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { extname, normalize } from "node:path";
import { chromium } from "playwright-core";
import { root } from "./files.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is a browser; where nothing may skip, a missing one fails. */
export const noBrowser = existsSync(executablePath) ? false : (process.env.EVENTSEAL_REQUIRE ?? "") !== "" ? false : `${executablePath} is missing; apt-get install chromium`;

const kinds = { ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm", ".html": "text/html; charset=utf-8" };

/** The policy that the SDK works under. */
export const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*; worker-src 'self'";

/**
 * browser starts both; page() opens a page that has `es`, the SDK, ready to be
 * imported. Everything a page logs as an error, and every violation of the
 * policy, is gathered in its `faults`.
 */
export async function browser(pages = {}) {
  const server = createServer((req, res) => {
    const path = normalize(new URL(req.url, "http://x").pathname);
    const headers = { "Content-Security-Policy": policy, "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*" };
    if (pages[path]) return res.writeHead(200, { ...headers, "Content-Type": kinds[extname(path)] ?? kinds[".html"] }).end(pages[path]);
    const file = root + path;
    if (!/^\/(sdk-js|testvectors)\//.test(path) || !existsSync(file)) return res.writeHead(path === "/" ? 200 : 404, { ...headers, "Content-Type": kinds[".html"] }).end("<!doctype html><title>test</title>");
    res.writeHead(200, { ...headers, "Content-Type": kinds[extname(path)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  const url = `http://127.0.0.1:${server.address().port}`;
  const chrome = await chromium.launch({
    executablePath, headless: true, timeout: 100_000,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return {
    url,
    async page(path = "/") {
      const page = await chrome.newPage();
      page.setDefaultTimeout(100_000); // for a machine that does much else
      page.faults = [];
      page.on("pageerror", (e) => page.faults.push(String(e)));
      page.on("console", (m) => m.type() === "error" && page.faults.push(m.text()));
      await page.goto(url + path);
      return page;
    },
    async close() {
      await chrome.close();
      server.closeAllConnections();
      await new Promise((go) => server.close(go));
    },
  };
}
