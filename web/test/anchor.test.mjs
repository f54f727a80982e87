// What the page shows of a host's anchor, whatever the host says of it.
import assert from 'node:assert/strict'
import { after, beforeEach } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { Host, Proxy, at, endAll, load, open, record, sdk, test, until } from './harness.mjs'
import { chain, esr, eventData, hex, postData } from './requests.mjs'

after(endAll)
const host = await Host.start()
const proxy = await Proxy.before(host)
const seal = await sdk()
const event = record(seal, seal.generateKeyPair(), 'DISCUSS', { target: 'x', text: 'to be anchored' })
await host.store([event.text])

const minute = n => new Date(Date.now() - n * 60_000).toISOString()

beforeEach(() => {
  proxy.lie = proxy.answer = undefined
})

/** Has the host say these of its anchor, or, without them, nothing. */
function says({ health, document, status }) {
  proxy.lie = (path, { body }) => {
    if (path === '/v1/anchor') return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) }
    if (path !== '/v1/health' && !path.endsWith('/status')) return undefined
    return { body: JSON.stringify({ ...JSON.parse(body), anchor: path === '/v1/health' ? health : status }) }
  }
}

const well = { state: 'anchoring', why: '', backlog: 3, events_backlog: 1, last_final_at: minute(2), age_seconds: 120, stuck: [] }
const kind = { state: 'anchoring', why: '', number: 4, backlog: 3, posts: 0, queued: null, final: null }
const documentOf = more => ({ state: 'anchoring', why: '', chain_id: chain, contract: 'evntseal.abc', permission: 'anchor', signer: 'key', heads: kind, events: null, last_final_at: minute(2), stuck: [], requests: [], posts: [], ...more })
const head = { kind: 'head', number: 4, count: 1, size: 1234, root: hex(7), state: 'submitted', reason: '', transaction_id: hex(8), submitted_at: minute(1) }

const card = page => page.getByRole('region', { name: 'Anchor' })
const posts = page => card(page).getByRole('list', { name: 'Recent posts' }).locator('> li')
/** Leaves the view and comes back, which asks at once for what a view that stays asks for every few seconds. */
async function anew(page, address = '#/status') {
  await at(page, '#/explore')
  await page.getByRole('heading', { name: 'Explore' }).waitFor()
  await at(page, address)
}

/** The step that a post has come to. */
const step = post => post.locator('[aria-current=step]')

test('a host without an anchor, and one whose anchor is off', async t => {
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await page.getByRole('region', { name: 'Log' }).waitFor()
  for (const health of [null, 7, {}, undefined]) {
    says({ health })
    await anew(page)
    await page.getByRole('region', { name: 'Log' }).waitFor()
    assert.equal(await card(page).count(), 0)
  }
  says({ health: { state: 'off', why: '', backlog: 0, last_final_at: null, stuck: [] } })
  await anew(page)
  await card(page).getByText('This host puts nothing on a chain.').waitFor()
  assert.equal(await card(page).locator('dl').count(), 0)
  assert.ok(!proxy.requests.some(r => r.path === '/v1/anchor'), 'nobody is asked for what is not there')
})

test('a post is followed from queued to final', async t => {
  const say = post => says({ health: well, document: documentOf(post.state === 'queued' ? { heads: { ...kind, queued: post } } : { posts: [post] }) })
  say({ ...head, number: 0, transaction_id: '', state: 'queued', reason: 'two events have too few copies' })
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  await card(page).getByText('anchoring', { exact: true }).waitFor()
  for (const words of ['evntseal.abc@anchor', '3 events under no final head, 1 event not final by itself', '2 minutes ago', 'Head of 1,234 events', 'two events have too few copies', 'no transaction yet']) await card(page).getByText(words).first().waitFor()
  await step(posts(page)).getByText('queued').waitFor()
  say(head)
  await step(posts(page)).getByText('submitted').waitFor()
  await posts(page).getByText('head 4 of the contract').waitFor()
  say({ ...head, state: 'included', block_num: 1700, block_id: hex(9), block_time: minute(1) })
  await step(posts(page)).getByText('included').waitFor()
  await posts(page).getByText('block 1,700').waitFor()
  says({ health: { ...well, backlog: 0, events_backlog: 0 }, document: documentOf({ posts: [{ ...head, state: 'final', block_num: 1700 }, { kind: 'events', number: 11, count: 2, state: 'failed', reason: 'billed CPU time is greater', transaction_id: hex(5), events: [{ sequence: 8, hash: hex(1), code: 40, number: 11 }, { sequence: 9, hash: hex(2), code: 40, number: 12 }] }] }) })
  await step(posts(page).first()).getByText('final').waitFor()
  await card(page).getByText('nothing waits').waitFor()
  const failed = posts(page).nth(1)
  await step(failed).getByText('failed').waitFor()
  for (const words of ['2 events, № 8 to 9', 'events 11 to 12 of the contract', 'billed CPU time is greater']) await failed.getByText(words).waitFor()
  assert.equal(await failed.getByText('final').count(), 0)
})

test('trouble with the chain, and events that are stuck, are told', async t => {
  const stuck = [{ sequence: 7, hash: event.hash, why: 'one of two copies' }, { sequence: 9, hash: '', why: 'it cannot be read' }]
  says({ health: { ...well, state: 'stopped', why: 'another host uses this contract <b>', last_final_at: null, stuck }, document: documentOf({ state: 'stopped' }) })
  const { page } = await open(t, proxy.url, { path: '/#/status' })
  for (const words of ['stopped', 'another host uses this contract <b>', 'nothing yet']) await card(page).getByText(words, { exact: true }).waitFor()
  const list = card(page).getByRole('list', { name: 'Stuck events' }).getByRole('listitem')
  await list.nth(1).getByText('it cannot be read').waitFor()
  await card(page).getByText('2 events are stuck').waitFor()
  await list.first().getByRole('link').click()
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()

  proxy.answer = q => q.url === '/v1/anchor' && { status: 200, headers: { 'Content-Type': 'application/json' }, body: '[]' }
  await at(page, '#/status')
  await card(page).getByText('What answered does not tell of an anchor.').waitFor()
})

test('an event’s anchor is shown, and followed until it is final', async t => {
  let status = { state: 'queued', head: null, single: null }
  const say = () => says({ status })
  say()
  const { page } = await open(t, proxy.url, { path: `/#/event/${event.hash}` })
  const chained = page.getByRole('region', { name: 'On the chain' })
  await chained.getByText('No head of the log that covers it is on its way yet.').waitFor()
  status = { state: 'included', head, single: { kind: 'events', number: 12, count: 1, state: 'included', reason: '', transaction_id: hex(5), block_num: 1702, block_id: hex(6), block_time: minute(1), events: [{ sequence: 1, hash: event.hash, code: 40, number: 12 }] } }
  say()
  for (const words of ['1,233 other events', 'head 4 of the contract', 'Event 12 of the contract: its hash, and 40 as its type.', '1,702']) await chained.getByText(words).waitFor()
  assert.deepEqual(await step(chained).allTextContents(), ['submitted', 'included'])
  status = { ...status, state: 'final', head: { ...head, state: 'final', block_num: 1701 }, single: { ...status.single, state: 'final' } }
  say()
  await chained.getByText('1,701').waitFor()
  assert.deepEqual(await step(chained).allTextContents(), ['final', 'final'])
  status = null
  say()
  await anew(page, `#/event/${event.hash}`)
  await page.getByText('redundant', { exact: true }).waitFor()
  assert.equal(await chained.count(), 0)
})

test('a signing request is read for what it asks', async () => {
  const { requestOf, anchoringOf } = await load('/src/esr.ts')
  const actions = [['post', postData(5, 2 ** 40, hex(7))]]
  for (const form of [{}, { version: 3 }, { zip: false }, { slashes: '' }]) {
    const r = await requestOf(esr({ actions, ...form }))
    assert.deepEqual([r.chain, r.actions.map(a => [a.account, a.name, a.authorization])], [chain, [['evntseal.abc', 'post', 'evntseal.abc@anchor']]])
    assert.deepEqual(anchoringOf(r.actions[0]), { kind: 'head', number: 5n, size: 2n ** 40n, root: hex(7) })
  }
  for (const account of ['a', 'zzzzzzzzzzzzj', 'a.b.c', '.', '12345']) assert.equal((await requestOf(esr({ actions, account }))).actions[0].account, account === '.' ? '' : account)
  const [one, two] = (await requestOf(esr({ actions: [['event', eventData(12, 40, hex(9))], ['transfer', Buffer.alloc(44)]] }))).actions
  assert.deepEqual([anchoringOf(one), anchoringOf(two)], [{ kind: 'event', number: 12n, code: 40, hash: hex(9) }, undefined])
  const [short, long] = (await requestOf(esr({ actions: [['post', Buffer.alloc(47)], ['event', Buffer.alloc(45)]] }))).actions
  assert.deepEqual([anchoringOf(short), anchoringOf(long)], [undefined, undefined])

  const whole = esr({ actions, zip: false })
  for (const [what, uri] of Object.entries({
    'another scheme': whole.replace('esr:', 'javascript:'), 'nothing': 'esr:', 'no base64url': `${whole}%20`, 'cut short': whole.slice(0, -4), 'a byte more': esr({ actions, more: 'x' }),
    'a callback': esr({ actions, callback: 'https://x' }), 'further entries': esr({ actions, info: 1 }), 'an alias of a chain': esr({ actions, alias: 1 }), 'version 1': esr({ actions, version: 1 }),
    'no deflated bytes': `esr:${Buffer.from([0x82, 1, 2, 3]).toString('base64url')}`, 'without end': `esr:${'A'.repeat(1 << 20)}`,
    'a bomb': `esr:${Buffer.concat([Buffer.from([0x82]), deflateRawSync(Buffer.alloc(4 << 20))]).toString('base64url')}`,
  })) assert.equal(await requestOf(uri), undefined, what)
})

test('what a wallet is asked to sign is told from the request itself', async t => {
  const say = (uri, kind = 'head') => says({ health: { ...well, state: 'waiting', why: 'a wallet has to sign' }, document: documentOf({ signer: 'wallet', requests: [{ kind, uri, post: { ...head, state: 'queued' } }] }) })
  const uri = esr({ actions: [['post', postData(5, 1240, hex(0x77))]] })
  say(uri)
  const { page, seen } = await open(t, proxy.url, { path: '/#/status' })
  const link = card(page).getByRole('link', { name: 'Sign in a wallet' })
  await link.waitFor()
  assert.equal(await link.getAttribute('href'), uri)
  for (const words of ['a wallet, as', 'Head 5 of the contract: 1,240 events, root', 'Signed as']) await card(page).getByText(words).waitFor()
  // No wallet is here, and no policy of the page's stands in its way.
  await link.click()
  await until('the link is followed', () => seen.requests.some(r => r.url === uri))
  seen.requests = seen.requests.filter(r => r.url !== uri)
  await card(page).getByRole('button', { name: 'Copy request for a wallet' }).click()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), uri)

  const run = esr({ actions: Array.from({ length: 10 }, (_, i) => ['event', eventData(20 + i, 40, event.hash)]) })
  say(run, 'events')
  await anew(page)
  await card(page).getByText('Event 20 of the contract: type code 40, hash').waitFor()
  await card(page).getByText('And 2 events more.').waitFor()

  const post = [['post', postData(5, 1240, hex(0x77))]]
  for (const [what, lie] of Object.entries({
    'another chain': esr({ actions: post, on: hex(1) }), 'another contract': esr({ actions: post, account: 'eosio.token' }), 'another action': esr({ actions: [['transfer', postData(1, 2, hex(3))]] }),
    'one action more': esr({ actions: [...post, ['setcode', Buffer.alloc(9)]] }), 'a script': 'javascript:alert(1)', 'another place': 'https://wallet.example/sign', 'no action': esr({ actions: [] }),
  })) {
    say(lie)
    await anew(page)
    await card(page).getByRole('alert').getByText('The host’s request to sign is not one for its anchor.').waitFor()
    assert.equal(await link.count(), 0, what)
  }
})
