// What the page believes: nothing that it cannot check.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach } from 'node:test'
import { Host, Proxy, at, endAll, keptSecret, load, open, record, root, sdk, test, until } from './harness.mjs'

after(endAll)
const host = await Host.start()
const proxy = await Proxy.before(host)
const seal = await sdk()
const pair = seal.generateKeyPair()
const event = record(seal, pair, 'DISCUSS', { target: 'x', text: 'the true words' })
const other = record(seal, pair, 'DISCUSS', { target: 'x', text: 'other words' })
await host.store([event.text, other.text])

beforeEach(() => {
  proxy.lie = proxy.answer = undefined
  proxy.requests.length = 0
})

const button = (page, name) => page.getByRole('button', { name, exact: true })

// What a lying host may serve as the event, and the check that catches it.
const lies = {
  'a changed word': [event.text.replace('the true words', 'the fake words'), ['Hash', 'Hash, once more', 'Signature'], 'hash_mismatch'],
  'another event': [other.text, ['Hash'], 'hash_mismatch'],
  'a space more': [event.text.replace('{', '{ '), ['Canonical'], 'hash_mismatch'],
  'another signature': [event.text.replace(/SIG_K1_[^"]+/, JSON.parse(other.text).sig), ['Signature'], 'signature_mismatch'],
  'a damaged signature': [event.text.replace(/(SIG_K1_.{10})(.)/, (_, start, c) => start + (c === '1' ? '2' : '1')), ['Signature'], 'invalid_signature'],
  'another author': [event.text.replace(pair.publicKey, seal.generateKeyPair().publicKey), ['Hash', 'Signature'], 'hash_mismatch'],
  'a member twice': [event.text.replace('"v":1', '"v":1,"v":1'), ['Well formed'], 'duplicate_key'],
  'no event at all': ['<html>gone</html>', ['Well formed'], 'invalid_json'],
  'nothing': ['', ['Well formed'], 'invalid_json'],
  'bytes that are no text': [Buffer.from([0x7b, 0xff, 0xfe]), ['Well formed'], 'invalid_utf8'],
}

test('a lying host is found out, whatever it serves as an event', async t => {
  const { explanations } = await load('/src/refusals.ts')
  const { page } = await open(t, proxy.url)
  for (const [name, [body, failed, code]] of Object.entries(lies)) {
    proxy.lie = path => (path === `/v1/events/${event.hash}` ? { body } : undefined)
    await at(page, '#/explore')
    await page.getByRole('heading', { name: 'Explore' }).waitFor()
    await at(page, `#/event/${event.hash}`)
    await page.getByRole('heading', { name: 'Not valid' }).waitFor()
    const marked = await page.locator('.checks .failed strong').allTextContents()
    for (const f of failed) assert.ok(marked.includes(f), `${name}: ${f} should fail, failed are ${marked}`)
    const words = await page.locator('.verdict').textContent()
    assert.ok(words.includes(explanations[code].what) && words.includes(code), `${name}: ${words}`)
    assert.equal(await page.getByText('Verified in this page').count(), 0, name)
    assert.equal(await page.getByRole('heading', { name: 'Answer it' }).count(), 0, `${name}: nothing invites one to answer a forgery`)
  }
  // The host becomes honest: the browser's copy of the lie does not outlive it.
  proxy.lie = undefined
  await at(page, '#/explore')
  await page.getByRole('heading', { name: 'Explore' }).waitFor()
  await at(page, `#/event/${event.hash}`)
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
})

test('in a list, what was tampered with is marked and the rest is not', async t => {
  proxy.lie = (path, { body }) => (path.startsWith('/v1/events?') ? { body: body.toString().replace('the true words', 'the fake words') } : undefined)
  const { page } = await open(t, proxy.url)
  const rows = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await rows.filter({ hasText: 'the fake words' }).getByText('invalid', { exact: true }).waitFor()
  await rows.filter({ hasText: 'other words' }).getByText('verified', { exact: true }).waitFor()
  await page.getByText('1 invalid event').waitFor()
})

test('a valid event in an answer that it does not belong in is marked', async t => {
  const parent = record(seal, pair, 'CREATE_GROUP', { group: { name: 'The parent' } })
  const child = record(seal, pair, 'LIKE', { target: parent.hash }, [parent.hash])
  await host.store([parent.text, child.text])
  const { page } = await open(t, proxy.url, { path: '/#/explore?type=LIKE' })
  await page.getByRole('listitem').filter({ hasText: child.hash.slice(0, 8) }).getByText('verified', { exact: true }).waitFor()
  const swap = (_, { body }) => ({ body: body.toString().replaceAll(parent.hash, other.hash).replace(/"event":\{.*?"v":1\}/, `"event":${other.text}`) })
  proxy.lie = (path, a) => (path.startsWith('/v1/events?') ? { body: `{"events":[{"hash":"${other.hash}","sequence":1,"event":${other.text}}]}` } : path.includes('/ancestors') ? swap(path, a) : undefined)
  await page.getByRole('button', { name: 'Reload' }).click()
  await page.getByRole('listitem').filter({ hasText: 'other words' }).getByText('not asked for').waitFor()
  await at(page, `#/event/${child.hash}`)
  await page.getByRole('list', { name: 'Ancestors' }).getByText('not asked for').waitFor()
  await page.getByRole('list', { name: 'Events that follow' }).getByText('not asked for').waitFor()
})

test('trouble in the host is shown as it says', async t => {
  proxy.lie = (path, { body }) => {
    if (path !== '/v1/health') return undefined
    const h = JSON.parse(body)
    Object.assign(h, { status: 'failing', healthy: false, working: 1, disagreements: 2 })
    Object.assign(h.replicas[1], { up: false, breaker: 'open', backlog: 7, last_error: 'no route <b>to</b> host', last_error_at: new Date().toISOString() })
    return { status: 503, body: JSON.stringify(h) }
  }
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await page.getByText('Not able to store events safely').waitFor()
  const sick = page.getByRole('listitem').filter({ hasText: 'replica-b' })
  for (const words of ['down', '7 copies owed', 'calls are held back until it recovers', 'no route <b>to</b> host']) await sick.getByText(words).first().waitFor()
  await page.getByText('2 disagreements').waitFor()
})

test('events that are lost are told with their hashes', async t => {
  proxy.lie = (path, { body }) => {
    if (path !== '/v1/health' && !path.endsWith('/status')) return undefined
    const d = JSON.parse(body)
    if (path === '/v1/health') return { status: 503, body: JSON.stringify({ ...d, status: 'failing', healthy: false, lost: { events: 12, first: [event.hash, 'x', 7] } }) }
    return { body: JSON.stringify({ ...d, durable: 0, standing: 'lost', replicas: d.replicas.map(r => ({ ...r, state: 'missing' })) }) }
  }
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await page.getByLabel('Summary').getByText('Events are lost').waitFor()
  const notice = page.getByRole('alert').filter({ hasText: '12 events are lost' })
  assert.equal(await notice.getByRole('listitem').count(), 1)
  await notice.getByText('eventseal scrub --lost').waitFor()
  await notice.getByRole('link').click()
  await page.getByText('lost', { exact: true }).waitFor()
  assert.equal(await page.getByRole('list', { name: 'Places that hold the event' }).getByText('missing', { exact: true }).count(), 2)
})

test('answers that are no lists, and hosts that are none, are told as such', async t => {
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await page.getByText('This page runs the very bytes').waitFor()
  for (const body of ['[]', '{"events":{}}', 'null', '<p>hello</p>', '']) {
    proxy.lie = path => (path.startsWith('/v1/events?') ? { body } : undefined)
    await at(page, '#/status')
    await at(page, '#/explore')
    await page.getByText('What answered is not an Eventseal host.').waitFor()
  }
  proxy.lie = path => (path.startsWith('/v1/events?') ? { body: '{"events":[1,null,{"hash":7,"event":[]},{"hash":"x","event":{"type":{},"body":9}}]}' } : undefined)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('4 invalid events').waitFor()
})

test('whatever a host says of itself and of its places is borne', async t => {
  const odd = ['{}', '[]', '7', 'null', '<p>', '{"replicas":7}', '{"replicas":[],"module":7,"journal":null}',
    '{"replicas":[null,7,{},{"replica":{},"name":[],"state":"x","location":{},"last_error":7,"latency_ms":"fast","updated_at":5}],"anchor":{"state":"odd","head":{"kind":"events","events":[{}],"state":7},"single":{"state":"final","events":7},"backlog":"x","stuck":[null,{}]},"log":{"origin":7,"size":"x","state":{},"why":[]},"warnings":[1,{}],"admitted_at":"yesterday","sequence":"1","module":{"sha256":{},"version":[]},"uptime_seconds":"x","durable":{}}']
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await page.getByText('This page runs the very bytes').waitFor()
  for (const body of odd) {
    await at(page, '#/explore')
    await page.getByRole('heading', { name: 'Explore' }).waitFor()
    proxy.lie = path => (path === '/v1/health' || path.endsWith('/status') ? { body } : undefined)
    const fit = body.includes('"replicas":[')
    await at(page, '#/status')
    await (fit ? page.getByRole('heading', { name: 'Replicas' }) : page.getByText('What answered is not an Eventseal host.')).waitFor()
    await at(page, `#/event/${event.hash}`)
    await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
    await (fit ? page.getByText('0 durable copies, 0 required') : page.getByText('What answered is not an Eventseal host.')).waitFor()
  }
  await at(page, '#/sign')
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByText('Fill in an example').click()
  await button(page, 'Sign').click()
  let next = button(page, 'Submit')
  for (const body of odd) {
    proxy.answer = q => q.method === 'POST' && { status: 201, headers: { 'Content-Type': 'application/json' }, body }
    await next.click()
    await page.locator('.preview').getByText('What answered is not an Eventseal host.').waitFor()
    next = page.locator('.preview .notice').getByRole('button', { name: 'Try again' })
  }
})

test('a module that is not the host’s is not run', async t => {
  const bytes = readFileSync(join(root, 'wasm/eventseal.wasm'))
  proxy.lie = path => (path === '/v1/module.wasm' ? { body: Buffer.concat([bytes, Buffer.from([0, 2, 1, 0x78])]) } : undefined) // a custom section more: it would run
  const { page } = await open(t, proxy.url, { path: '/#/sign' })
  await page.getByText('The module that arrived is not the one that the host says it runs.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Make a new key' }).count(), 0)
  await page.getByText('no module').waitFor()
})

test('each refusal of the host is shown in words', async t => {
  const { codes } = JSON.parse(readFileSync(join(root, 'testvectors/codes.json'), 'utf8'))
  const { explanations } = await load('/src/refusals.ts')
  const opened = await open(t, proxy.url, { path: '/#/sign' })
  const { page } = opened
  await page.getByRole('button', { name: 'Import a key…' }).click()
  await page.getByLabel('Private key').fill(pair.privateKey)
  await button(page, 'Import').click()
  await page.getByText('Fill in an example').click()
  await button(page, 'Sign').click()
  await button(page, 'Submit').waitFor()
  let code
  proxy.answer = q => q.method === 'POST' && {
    status: code.status, headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ title: code.title, status: code.status, code: code.code, pointer: '/body/a', request_id: `request-${code.number}`, replicas: [{ replica: 'replica-b', error: 'no space <b>left</b>' }] }),
  }
  let next = button(page, 'Submit')
  for (code of codes) {
    await next.click()
    const notice = page.locator('.preview .notice').filter({ hasText: `request-${code.number}` })
    await notice.waitFor()
    const text = await notice.textContent()
    for (const part of [explanations[code.code].what, explanations[code.code].todo, code.code, 'the body, at a', 'no space <b>left</b>']) assert.ok(text.includes(part), `${code.code} is told as ${text}`)
    next = notice.getByRole('button', { name: 'Try again' })
  }
  proxy.answer = undefined
  await next.click()
  await page.getByText('All places have answered.').waitFor()
  await keptSecret(opened, pair.privateKey)
})

test('what cannot be signed is told where it is written', async t => {
  const { explanations } = await load('/src/refusals.ts')
  const { page } = await open(t, host.url, { path: '/#/sign' })
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByRole('tab', { name: 'JSON' }).first().click()
  for (const [body, code] of [
    ['{"a":1,"a":2}', 'duplicate_key'],
    ['{"n":9007199254740993}', 'number_not_interoperable'],
    ['{"n":1e999}', 'number_out_of_range'],
    ['{"s":"\\ud800"}', 'lone_surrogate'],
    [`{"d":${'['.repeat(70)}${']'.repeat(70)}}`, 'depth_exceeded'],
    [`{"s":"${'x'.repeat((4 << 20) + 1)}"}`, 'too_large'],
  ]) {
    await page.getByLabel('Body as JSON').fill(body)
    await page.getByText(explanations[code].what).waitFor()
    assert.ok(await button(page, 'Sign').isDisabled(), code)
  }
  await page.getByLabel('Body as JSON').fill('{}')
  await until('it can be signed again', () => button(page, 'Sign').isEnabled())
})

test('a wrong key is refused, and nothing is signed', async t => {
  const { page, context } = await open(t, host.url, { path: '/#/sign' })
  await page.getByRole('button', { name: 'Import a key…' }).click()
  for (const wrong of ['hello', pair.privateKey.slice(0, -1) + (pair.privateKey.endsWith('1') ? '2' : '1'), pair.publicKey, '5'.repeat(51)]) {
    await page.getByLabel('Private key').fill(wrong)
    await button(page, 'Import').click()
    await page.getByText('The private key is mistyped or damaged.').waitFor()
  }
  // Wallets: one that signs with another key, one that answers nonsense, one that declines, and an honest one.
  const stranger = seal.generateKeyPair()
  await context.exposeFunction('signWith', (who, hash) => seal.signDigest(hash, (who === 'honest' ? pair : stranger).privateKey))
  await page.evaluate(publicKey => {
    const wallet = (name, signDigest) => dispatchEvent(new CustomEvent('eventseal:wallet', { detail: { name, connect: async () => ({ publicKey, signDigest }) } }))
    wallet('Stranger', h => window.signWith('stranger', h))
    wallet('Nonsense', async () => 'SIG_K1_nonsense')
    wallet('Declining', async () => { throw new Error('You declined.') })
    wallet('Honest', h => window.signWith('honest', h))
  }, pair.publicKey)
  for (const [name, words] of [
    ['Stranger', 'The author did not sign these contents.'], ['Nonsense', 'The signature is mistyped or damaged.'], ['Declining', 'It was not signed: You declined.'],
  ]) {
    await page.getByRole('button', { name: `Use ${name}` }).click()
    await button(page, 'Sign').click()
    await page.getByText(words).waitFor()
    assert.equal(await button(page, 'Submit').count(), 0, name)
    await page.getByRole('button', { name: 'Use another' }).click()
  }
  await page.getByRole('button', { name: 'Use Honest' }).click()
  await page.getByText('the page never sees the private key').waitFor()
  await button(page, 'Sign').click()
  await button(page, 'Submit').click()
  await page.getByText('All places have answered.').waitFor()
})

test('a key is kept under a passphrase, and only so', async t => {
  const opened = await open(t, host.url, { path: '/#/sign' })
  const { page } = opened
  await page.getByRole('button', { name: 'Make a new key' }).click()
  const publicKey = await page.locator('.facts code').first().textContent()
  await page.getByRole('button', { name: 'Back it up…' }).click()
  await page.getByRole('button', { name: 'Show the private key' }).click()
  const privateKey = await page.locator('code.whole').textContent()
  assert.equal(seal.publicKeyOf(privateKey), publicKey)
  await page.getByRole('button', { name: 'Keep it here…' }).click()
  await page.getByLabel('Passphrase', { exact: true }).fill('correct horse battery')
  await page.getByLabel('Passphrase again').fill('correct horse batterx')
  await page.getByText('The two are not the same.').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Encrypt and keep' }).isDisabled())
  await page.getByLabel('Passphrase again').fill('correct horse battery')
  await page.getByRole('button', { name: 'Encrypt and keep' }).click()
  await page.getByText('Kept in this browser under your passphrase.').waitFor()
  await keptSecret(opened, privateKey)

  await page.reload()
  await page.getByRole('button', { name: 'Unlock…' }).click()
  await page.getByLabel('Passphrase').fill('wrong horse battery')
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await page.getByText('This passphrase does not open the key.').waitFor()
  await page.getByLabel('Passphrase').fill('correct horse battery')
  await page.getByRole('button', { name: 'Unlock', exact: true }).click()
  await page.getByText('Kept in this browser under your passphrase.').waitFor()
  assert.equal(await page.locator('.facts code').first().textContent(), publicKey)
  await page.getByText('Fill in an example').click()
  await button(page, 'Sign').click()
  await button(page, 'Submit').waitFor()
  await keptSecret(opened, privateKey)

  await page.reload()
  await page.getByRole('button', { name: 'Forget…' }).click()
  await page.getByRole('button', { name: 'Really forget it' }).click()
  await page.getByRole('button', { name: 'Unlock…' }).waitFor({ state: 'detached' })
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(publicKey))
})
