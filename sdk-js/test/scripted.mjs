// A host that says what a test wants it to say.
import { createServer } from "node:http";
import { codes } from "eventseal";

/** scripted starts a server on a free port of loopback; handler gets (request, response, body). */
export async function scripted(t, handler) {
  const server = createServer((req, res) => {
    const pieces = [];
    req.on("data", (p) => pieces.push(p));
    req.on("end", () => {
      Promise.resolve(handler(req, res, Buffer.concat(pieces).toString())).catch((e) => {
        res.destroy();
        server.failure = e;
      });
    });
    req.on("error", () => {});
  });
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((go) => server.close(go));
    if (server.failure) throw server.failure;
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** problemText is a problem document as the host writes it. */
export function problemText(code, more = {}) {
  const { status, title } = codes.find((c) => c.code === code);
  return JSON.stringify({ type: `https://eventseal.dev/problems/${code}`, title, status, code, ...more });
}

export function problem(res, code, more = {}, headers = {}) {
  const { status } = codes.find((c) => c.code === code);
  res.writeHead(status, { "Content-Type": "application/problem+json", "X-Request-Id": "r-1", ...headers });
  res.end(problemText(code, more));
}

export function json(res, body, status = 200, headers = {}) {
  res.writeHead(status, { "Content-Type": "application/json", ...headers });
  res.end(typeof body === "string" ? body : JSON.stringify(body));
}

export function receipt(hash, more = {}) {
  return { hash, epoch: "00000000000000aa", sequence: 1, created: true, durable: 2, required: 2, locations: [{ replica: "a", kind: "local", counts: true, location: "x" }], ...more };
}

/** listOf gathers an async iterator. */
export async function listOf(iterator) {
  const out = [];
  for await (const item of iterator) out.push(item);
  return out;
}
