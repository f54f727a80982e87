// Proofs and receipts: what the page makes of files, and of what a host serves.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, beforeEach } from 'node:test'
import { logOf, witness } from '../../sdk-js/test/proofs.mjs'
import { Host, Proxy, at, endAll, load, open, record, sdk, test } from './harness.mjs'

after(endAll)
const host = await Host.start()
const proxy = await Proxy.before(host)
const seal = await sdk()
const pair = seal.generateKeyPair()
const events = [1, 2, 3, 4, 5].map(n => seal.verifyEvent(record(seal, pair, 'DISCUSS', { target: 'x', text: `words ${n}` }).text))
await host.store(events.map(e => e.record))
const log = logOf(seal, events)
const other = logOf(seal, events, { n: 2, origin: 'other.example/log/0000000000000001' })
const { explanations } = await load('/src/refusals.ts')

beforeEach(() => {
  proxy.lie = proxy.answer = undefined
  proxy.requests.length = 0
})

const button = (page, name) => page.getByRole('button', { name, exact: true })
const parts = page => page.getByRole('list', { name: 'Parts of the proof' }).getByRole('listitem')
const part = (page, name) => parts(page).filter({ has: page.getByText(name, { exact: true }) })
const chooser = page => page.getByLabel('Choose a .proof.json file')
const choose = (page, content, name = 'a.proof.json') => chooser(page).setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(typeof content === 'object' && !Buffer.isBuffer(content) ? JSON.stringify(content) : content) })

/** The view, once it needs nobody any more. */
async function offline(t, o) {
  const opened = await open(t, proxy.url, { path: '/#/verify', ...o })
  await opened.page.locator('input[type=file]:enabled').waitFor()
  await opened.context.setOffline(true)
  proxy.requests.length = opened.seen.requests.length = 0
  return opened
}

async function saved(page, act) {
  const [d] = await Promise.all([page.waitForEvent('download'), act()])
  return { name: d.suggestedFilename(), text: await readFile(await d.path(), 'utf8') }
}

test('a proof is verified in the page alone, and tells what it shows', async t => {
  const { page, seen } = await offline(t)
  await choose(page, log.proof(2, 5, [witness(1)]))
  await page.getByText('This event was taken in as number 3.').waitFor()
  assert.deepEqual(await parts(page).locator('.state').allTextContents(), ['valid', 'valid', 'valid', 'valid', 'not checked', 'not checked', 'not there'])
  await part(page, 'Log').getByText('The event is number 3 of the 5 in the log’s tree.').waitFor()
  for (const words of [events[2].hash, pair.publicKey, '№ 3 of 5', log.key, log.origin, '2026-09-21 14:13:20 UTC']) await page.locator('.verdict').getByText(words).waitFor()

  await page.getByLabel('Keys that you trust').fill(log.keys)
  await page.getByText('By the keys that you trust, this event was taken in as number 3.').waitFor()
  await part(page, 'Keys').getByText('valid', { exact: true }).waitFor()
  await page.getByLabel('Keys that you trust').fill(`${log.keys}${witness(1).vkey}`)
  await part(page, 'Witnesses').getByText('1 witness that you trust').waitFor()

  await page.getByLabel('Keys that you trust').fill(other.keys)
  await page.getByRole('alert').getByText(explanations.untrusted_key.what).waitFor()
  await part(page, 'Keys').getByText('untrusted_key').waitFor()
  assert.deepEqual(await parts(page).locator('.state').allTextContents(), ['valid', 'valid', 'valid', 'valid', 'not checked', 'wrong', 'not there'])
  await page.getByLabel('Keys that you trust').fill('my friend’s')
  await page.getByText('This is no text of keys').waitFor()
  await page.getByLabel('Keys that you trust').fill('')
  await page.getByText('This event was taken in as number 3.').waitFor()
  assert.deepEqual([seen.requests.map(r => r.url), proxy.requests], [[], []], 'nobody is asked')
})

test('a proof that does not hold is told by its parts', async t => {
  const { page } = await offline(t)
  const [one, two] = [log.proof(2), log.proof(3)]
  const text = JSON.stringify(one)
  const flip = part => {
    const b = Buffer.from(text)
    b[text.indexOf(part) + part.length] ^= 1
    return b
  }
  for (const [name, file, wrong] of [
    ['a bit of the event', flip('"text":"'), 'Event'],
    ['a bit of the receipt', flip('"admitted_at":'), 'Receipt'],
    ['a bit of the path', flip('index 2\\n'), 'Log'],
    ['a bit of the head', flip('\\n\\nevents.example.org/log/7c31a88e7c31a88'), 'Checkpoint'],
    ['another event', { ...one, record: two.record }, undefined],
    ['another receipt', { ...one, receipt: two.receipt }, undefined],
    ['another place', { ...one, log: two.log }, undefined],
    ['another host’s receipt', { ...one, receipt: other.proof(2).receipt }, undefined],
    ['another host’s log', { ...one, log: other.proof(2).log }, undefined],
  ]) {
    await choose(page, file, `${name}.json`)
    await page.locator('.side-column').getByText(`${name}.json`).waitFor()
    await page.getByRole('alert').getByText('This proof does not hold.').waitFor()
    const { code } = seal.verifyProof(Buffer.isBuffer(file) ? file : JSON.stringify(file))
    const told = await page.getByRole('alert').textContent()
    assert.ok(told.includes(explanations[code].what) && told.includes(code), `${name}: ${told}`)
    const failed = await page.locator('.checks .failed strong').allTextContents()
    assert.ok(failed.length > 0 && (wrong === undefined || failed.includes(wrong)), `${name}: ${failed}`)
  }
})

test('what a proof says of a chain is for the chain to say', async t => {
  const { page } = await offline(t)
  const left = page.getByRole('region', { name: 'What is left for the chain to say' })
  const anchor = log.anchor(4)
  const file = { ...log.proof(2), anchor }
  await choose(page, file)
  await page.getByText('This event was taken in as number 3.').waitFor()
  await part(page, 'Anchor').getByText('needs its chain').waitFor()
  assert.equal((await parts(page).locator('.state').allTextContents()).at(-1), 'needs its chain', 'nothing that is offline says valid of it')
  for (const words of ['seal.anchor', '7 of the contract, of 4 events', '2026-11-28 05:00:00 UTC', 'eventseal verify-proof --chain URL FILE']) await left.getByText(words).waitFor()
  for (const whole of [anchor.chain_id, anchor.block_id, seal.sha256(Buffer.from(anchor.transaction, 'hex'))]) assert.equal(await left.getByTitle(whole).count(), 1)

  for (const [change, code] of [[{ block_num: 43 }, 'invalid_anchor'], [{ keys: [log.key] }, 'signature_mismatch'], [{ consistency: [] }, 'invalid_proof']]) {
    await choose(page, { ...file, anchor: { ...anchor, ...change } }, `${code}.json`)
    await page.locator('.side-column').getByText(`${code}.json`).waitFor()
    await page.getByRole('alert').getByText(explanations[code].what).waitFor()
    await part(page, 'Anchor').getByText(code).waitFor()
    assert.equal(await left.count(), 0)
  }
  await page.getByLabel('Keys that you trust').fill(`chain ${anchor.chain_id} another`)
  await choose(page, file)
  await part(page, 'Anchor').getByText('untrusted_key').waitFor()
})

test('what is no proof is refused at once, and the next file is taken', async t => {
  const { page } = await offline(t)
  for (const [content, words] of [
    ['', explanations.invalid_json.what],
    ['<html>a page</html>', explanations.invalid_json.what],
    [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0, 1]), explanations.invalid_utf8.what],
    [Buffer.alloc(20 << 20, 'x'), 'This file is larger than any proof: it has 20.0 MiB'],
    ['{"eventseal_proof":1}', 'It lacks a part that every proof has.'],
    [events[0].record, 'It has a part that no proof has.'],
    ['[]', 'A part of it does not have the form that it must have.'],
    [`{"a":${'['.repeat(100_000)}`, 'It is nested more deeply than any proof.'],
  ]) {
    await choose(page, content)
    await page.getByRole('alert').getByText(words).waitFor()
    assert.equal(await page.locator('.checks').count(), 0)
    await choose(page, log.proof(4))
    await page.getByText('This event was taken in as number 5.').waitFor()
  }
})

test('files are dropped anywhere on the view', async t => {
  const { page } = await offline(t)
  const drop = (target, ...files) => page.evaluate(({ target, files }) => {
    const dataTransfer = new DataTransfer()
    for (const [name, text] of files) dataTransfer.items.add(new File([text], name))
    for (const type of ['dragover', 'drop']) {
      const e = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })
      document.querySelector(target).dispatchEvent(e)
      if (!e.defaultPrevented) throw new Error('the browser would leave the page for the file')
    }
  }, { target, files })
  await drop('.drop', ['one.proof.json', JSON.stringify(log.proof(0))])
  await page.getByText('This event was taken in as number 1.').waitFor()
  await drop('h1', ['two.proof.json', JSON.stringify(log.proof(1))])
  await page.getByText('This event was taken in as number 2.').waitFor()
  await drop('h1', ['a', '1'], ['b', '2'])
  await page.getByText('One at a time, please.').waitFor()
})

test('an event’s proof is verified, saved, and holds when the host is gone', async t => {
  const mine = events[1]
  const { page } = await open(t, proxy.url, { path: `/#/event/${mine.hash}` })
  const file = await saved(page, () => button(page, 'Save the proof').click())
  assert.equal(file.name, `${mine.hash}.proof.json`)
  await page.getByText(/This event was taken in as number \d+\./).waitFor()
  const report = seal.verifyProof(file.text, { keys: await (await fetch(`${host.url}/log/keys`)).text() })
  assert.deepEqual([report.valid, report.hash, report.parts.keys], [true, mine.hash, 'valid'])
  for (const words of [report.key, report.origin, `№ ${report.sequence.toLocaleString('en')} of ${report.size.toLocaleString('en')}`]) await page.getByText(words).waitFor()
  assert.deepEqual((await saved(page, () => button(page, 'Save it again').click())).text, file.text)

  await page.getByRole('link', { name: 'Verify a file' }).click()
  await page.locator('input[type=file]:enabled').waitFor()
  await host.stop()
  try {
    await choose(page, file.text)
    await page.getByText(`This event was taken in as number ${report.sequence.toLocaleString('en')}.`).waitFor()
  } finally {
    await host.up()
  }
})

test('a host that serves another proof, or none, is found out', async t => {
  const [one, two] = await Promise.all(events.slice(0, 2).map(async e => {
    for (;;) {
      const r = await fetch(`${host.url}/v1/events/${e.hash}/proof`)
      if (r.ok) return r.json()
      assert.equal((await r.json()).code, 'proof_pending')
    }
  }))
  const { page } = await open(t, proxy.url, { path: '/#/explore' })
  for (const [name, body, code] of [
    ['another event’s', two, 'hash_mismatch'],
    ['with another receipt', { ...one, receipt: two.receipt }, 'proof_mismatch'],
    ['of another host', log.proof(0), undefined],
    ['no proof', '<html>', 'invalid_json'],
  ]) {
    proxy.lie = path => (path.endsWith('/proof') ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : undefined)
    await at(page, '#/explore')
    await page.getByRole('heading', { name: 'Explore' }).waitFor()
    await at(page, `#/event/${events[0].hash}`)
    await button(page, 'Save the proof').click()
    if (code === undefined) { // it proves what it says, by another host: whose it is stands there
      await page.locator('.verdict').getByText(log.key).waitFor()
      continue
    }
    const file = await saved(page, () => button(page, 'Save it all the same').click())
    assert.equal(file.text, typeof body === 'string' ? body : JSON.stringify(body), name)
    await page.getByRole('alert').getByText(explanations[code].what).waitFor()
  }
  proxy.lie = undefined
  proxy.answer = q => q.url.endsWith('/proof') && { status: 503, headers: { 'Content-Type': 'application/problem+json' }, body: '{"code":"log_stopped","title":"x"}' }
  await at(page, '#/explore')
  await page.getByRole('heading', { name: 'Explore' }).waitFor()
  await at(page, `#/event/${events[0].hash}`)
  await button(page, 'Save the proof').click()
  await page.getByText(explanations.log_stopped.what).waitFor()
})

test('a proof that is not there yet is waited for', async t => {
  const { page } = await open(t, proxy.url, { path: `/#/event/${events[0].hash}` })
  let asked = 0
  proxy.answer = q => q.url.endsWith('/proof') && ++asked < 3 && { status: 503, headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' }, body: '{"code":"proof_pending","title":"x"}' }
  await saved(page, () => button(page, 'Save the proof').click())
  assert.equal(asked, 3)
})

test('what the host signed for is verified and can be kept', async t => {
  const { page } = await open(t, proxy.url, { path: '/#/sign' })
  const keys = await (await fetch(`${host.url}/log/keys`)).text()
  const [vkey, key] = keys.split('\n')
  await button(page, 'Make a new key').click()
  await page.getByLabel('Type of event').selectOption('DISCUSS')
  const outcome = page.locator('.outcome:not(.earlier)')
  const submit = async text => {
    await page.getByLabel('Text').fill(text)
    await button(page, 'Sign').click()
    await button(page, 'Submit').click()
    await page.getByText('All places have answered.').waitFor()
  }
  await submit('kept')
  await outcome.getByText(key).waitFor()
  await outcome.getByText(`of the log`).waitFor()
  const file = await saved(page, () => button(page, 'Save the receipt').click())
  const receipt = seal.verifyReceipt(file.text, { keys })
  assert.deepEqual([receipt.valid, receipt.key, receipt.log, `${receipt.hash}.receipt.json`], [true, key, vkey, file.name])

  const lies = {
    'another time': [s => ({ ...s, admitted_at: s.admitted_at + 1 }), explanations.untrusted_key.what],
    'another event': [() => JSON.parse(file.text), explanations.proof_mismatch.what],
    'no receipt': [() => ({}), explanations.invalid_receipt.what],
    'none': [() => undefined, 'The host gave no signed receipt.'],
  }
  for (const [name, [lie, words]] of Object.entries(lies)) {
    proxy.lie = (path, { body, status }) => {
      if (path !== '/v1/events' || status > 201) return undefined
      const d = JSON.parse(body)
      return { body: JSON.stringify({ ...d, signed: lie(d.signed) }) }
    }
    await submit(name)
    await outcome.getByText(words).waitFor()
    assert.equal(await outcome.getByText('signed', { exact: true }).count(), 0, name)
  }
})

test('the status view shows the log', async t => {
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  const card = page.getByRole('region', { name: 'Log' })
  await card.getByText('publishing', { exact: true }).waitFor()
  const { log } = await (await fetch(`${host.url}/v1/health`)).json()
  await card.getByText(log.origin).waitFor()
  proxy.lie = (path, { body }) => (path === '/v1/health' ? { body: JSON.stringify({ ...JSON.parse(body), log: { origin: 'x/log/1', size: 7, published: 5, cosigned: 2, state: 'stopped', why: 'the journal is behind' } }) } : undefined)
  for (const words of ['stopped', 'the journal is behind', 'the first 5, cosigned by 2 witnesses', 'x/log/1']) await card.getByText(words, { exact: true }).waitFor()
})
