// The real host, the real browser, and a proxy between them that can lie. And
// node:test, with a time that every test has: one that hangs fails by its name.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as timeless } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { createServer } from 'vite'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const binary = process.env.EVENTSEAL_BIN ?? join(root, 'bin/eventseal')

export const test = (name, body) => timeless(name, { timeout: 240_000 }, body) // some seconds' work, on a machine that does much else

const cleanups = []

/** Runs f when the test file is done. */
export const atEnd = f => cleanups.push(f)

export async function endAll() {
  for (const f of cleanups.splice(0).reverse()) await f()
}

/** A free port below those that the system gives to outgoing connections, which could take it while its host is down. */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const free = await new Promise(resolve => {
      const s = net.createServer()
      s.once('error', () => resolve(false))
      s.listen(port, '127.0.0.1', () => s.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** Asks until f gives something; a loaded machine may take its time. */
export async function until(what, f, patience = 60_000) {
  for (const end = Date.now() + patience; ; ) {
    const got = await f()
    if (got) return got
    assert.ok(Date.now() < end, `still waiting: ${what}`)
    await new Promise(r => setTimeout(r, 50))
  }
}

/** A process of the real binary on the embedded default, with its data in a folder of its own. */
export class Host {
  #process
  #log = ''

  static async start(env = {}) {
    assert.ok(existsSync(binary), `${binary} is missing: run make build`)
    const h = new Host()
    h.data = mkdtempSync(join(tmpdir(), 'eventseal-web-'))
    h.env = env
    atEnd(async () => {
      await h.stop()
      rmSync(h.data, { recursive: true, force: true })
    })
    do {
      h.port = await freePort()
      h.url = `http://127.0.0.1:${h.port}`
    } while (!(await h.up(true))) // somebody was faster
    return h
  }

  /** Starts the host. False: it is the first time, and the port was taken. */
  async up(first = false) {
    const p = spawn(binary, ['serve', '--data', this.data, '--listen', `127.0.0.1:${this.port}`], {
      env: { PATH: process.env.PATH, HOME: this.data, EVENTSEAL_LOG_LEVEL: 'warn', ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = p
    this.exited = new Promise(r => p.once('close', r)) // all that it said is here
    let over = false
    void this.exited.then(() => (over = true))
    let taken = false
    for (const s of [p.stdout, p.stderr]) s.on('data', d => (this.#log = (this.#log + d).slice(-8000)))
    await until('the host is ready', async () => {
      taken = over && first && this.#log.includes('address already in use')
      if (taken) return true
      assert.ok(!over, `the host ended:\n${this.#log}`)
      return fetch(`${this.url}/readyz`).then(r => r.ok, () => false)
    })
    return !taken
  }

  async stop() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill('SIGTERM')
    await this.exited
  }

  /** Loses its journal, and starts again with one that was rebuilt from a replica. */
  async rebuild() {
    await this.stop()
    for (const f of readdirSync(this.data)) if (f.startsWith('journal')) rmSync(join(this.data, f), { recursive: true })
    const p = spawn(binary, ['reindex', '--from', 'replica-a', '--data', this.data], { env: { PATH: process.env.PATH, HOME: this.data }, stdio: 'ignore' })
    assert.equal(await new Promise(r => p.once('close', r)), 0)
    await this.up()
  }

  /** Stores events; every one must be accepted. */
  async store(records) {
    const r = await fetch(`${this.url}/v1/events:batch`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: records.join('\n') + '\n' })
    const lines = (await r.text()).trim().split('\n').map(l => JSON.parse(l))
    assert.equal(lines.length, records.length)
    for (const l of lines) assert.ok(l.status === 201 || l.status === 200, JSON.stringify(l))
    return lines.map(l => l.hash)
  }
}

/** Stands before a host, writes down what passes, and changes answers as told. */
export class Proxy {
  requests = []
  /** (request path, answer {status, headers, body}) → another answer, or undefined for the host's own. */
  lie = undefined
  /** (request) → an answer of its own, without the host. */
  answer = undefined

  static async before(host) {
    const p = new Proxy()
    p.server = http.createServer((q, r) => p.#pass(host, q, r))
    p.server.keepAliveTimeout = 1000
    await new Promise(r => p.server.listen(0, '127.0.0.1', r))
    p.url = `http://127.0.0.1:${p.server.address().port}`
    atEnd(() => {
      p.server.closeAllConnections()
      return new Promise(r => p.server.close(r))
    })
    return p
  }

  #pass(host, q, r) {
    const sent = []
    q.on('data', d => sent.push(d))
    q.on('end', () => {
      const body = Buffer.concat(sent)
      this.requests.push({ method: q.method, path: q.url, body: body.toString() })
      const own = this.answer?.(q, body)
      if (own) {
        r.writeHead(own.status, own.headers)
        r.end(own.body)
        return
      }
      const headers = { ...q.headers, host: `127.0.0.1:${host.port}`, 'accept-encoding': 'identity', connection: 'close' }
      const up = http.request({ host: '127.0.0.1', port: host.port, method: q.method, path: q.url, headers }, a => {
        if (!this.lie || /event-stream/.test(a.headers['content-type'] ?? '')) {
          r.writeHead(a.statusCode, a.headers)
          a.pipe(r)
          r.on('close', () => a.destroy())
          return
        }
        const got = []
        a.on('data', d => got.push(d))
        a.on('end', () => {
          const honest = { status: a.statusCode, headers: a.headers, body: Buffer.concat(got) }
          const told = { ...honest, ...this.lie?.(q.url, honest) }
          const { 'content-length': _, ...rest } = told.headers
          r.writeHead(told.status, rest)
          r.end(told.body)
        })
      })
      up.on('error', () => r.destroy())
      up.end(body)
    })
  }
}

let browser

async function launched() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    timeout: 100_000,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--disable-dev-shm-usage',
    ],
  })
  return browser
}

atEnd(() => browser?.close())

/**
 * Opens the page and watches it: done() fails when a policy was violated, a
 * script failed, or anything was asked of another origin.
 */
export async function open(t, url, { width = 1280, height = 900, scheme = 'light', motion = 'no-preference', path = '/' } = {}) {
  const context = await (await launched()).newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion, permissions: ['clipboard-read', 'clipboard-write'] })
  context.setDefaultTimeout(60_000)
  const seen = { requests: [], faults: [] }
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', e => console.error(`Content Security Policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`))
  })
  const page = await context.newPage()
  const record = r => seen.requests.push({ url: r.url(), method: r.method(), headers: r.headers(), body: r.postData() ?? '' })
  context.on('request', record)
  page.on('pageerror', e => seen.faults.push(`script: ${e.stack ?? e}`))
  page.on('console', m => {
    const text = m.text()
    if (/Content.Security.Policy|Trusted ?Type/i.test(text)) seen.faults.push(text)
    else if (m.type() === 'error' && !/Failed to load resource|net::ERR_/.test(text)) seen.faults.push(text)
  })
  t.after(async () => {
    await context.close()
    assert.deepEqual(seen.faults, [])
    for (const r of seen.requests) assert.ok(r.url.startsWith(`${url}/`) || r.url.startsWith(`blob:${url}/`), `the page asked ${r.url}`)
  })
  await page.goto(url + path)
  return { page, seen, context }
}

/** Asserts that a secret went nowhere: not into a request, an address or what the browser stores. */
export async function keptSecret({ page, seen }, secret) {
  assert.ok(secret.length > 20)
  const about = JSON.stringify(seen.requests)
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + location.href + document.cookie)
  for (const part of [secret, secret.slice(8, 40), encodeURIComponent(secret)]) {
    assert.ok(!about.includes(part), 'the private key is in a request')
    assert.ok(!stored.includes(part), 'the private key is stored')
  }
}

let vite

/** Loads a source of the page, as the build would. */
export async function load(name) {
  vite ??= await createServer({ root: join(root, 'web'), configFile: join(root, 'web/vite.config.ts'), logLevel: 'error', server: { middlewareMode: true, watch: null, ws: false }, optimizeDeps: { noDiscovery: true } })
  return vite.ssrLoadModule(name)
}

atEnd(() => vite?.close())

/** The SDK in this process, for events that a test needs to be there. */
export async function sdk() {
  const { readFileSync } = await import('node:fs')
  const seal = await load('/src/sdk.ts')
  await seal.init(new WebAssembly.Module(readFileSync(join(root, 'wasm/eventseal.wasm'))))
  return seal
}

/** Makes a signed record. */
export function record(seal, { privateKey, publicKey }, type, body, parents = [], o = {}) {
  const created = seal.createEvent(type, body, publicKey, parents, o.proofs, { createdAt: o.createdAt ?? 1_758_390_021, maxBytes: 4 << 20 })
  return { hash: created.hash, text: seal.canonicalize(JSON.stringify(seal.signEvent(created, privateKey, { maxBytes: 4 << 20 }))) }
}

export const at = (page, address) => page.evaluate(a => { location.hash = a }, address)
