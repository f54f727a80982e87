// From an event to its head on a chain, as the page shows it: the real host, and
// the test chain, which makes a block when the test says so.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after } from 'node:test'
import { startChain } from '../../sdk-js/test/chain.mjs'
import { Host, at, atEnd, endAll, load, open, record, sdk, test } from './harness.mjs'

after(endAll)
const seal = await sdk()
const author = seal.generateKeyPair()
let events = 0
const event = () => record(seal, author, 'DISCUSS', { target: 'x', text: `words ${++events}` })

const card = page => page.getByRole('region', { name: 'Anchor' })
const posts = page => card(page).getByRole('list', { name: 'Recent posts' }).locator('> li')
const step = post => post.locator('[aria-current=step]')

/** A host that anchors to a chain of its own, and the status view of it. */
async function anchored(t, more) {
  const chain = await startChain(atEnd, seal.generateKeyPair())
  const host = await Host.start(chain.settings(more))
  const opened = await open(t, host.url, { path: '/#/status' })
  await card(opened.page).getByText('anchoring', { exact: true }).waitFor()
  return { chain, host, ...opened }
}

test('an event is followed onto the chain, through a fork', async t => {
  const { chain, host, page } = await anchored(t, { EVENTS: '*' })
  const mine = event()
  await host.store([mine.text])
  const head = posts(page).filter({ has: page.getByText('Head of 1 event', { exact: true }) })
  const single = posts(page).filter({ has: page.getByText('Event № 1', { exact: true }) })
  for (const post of [head, single]) await step(post).getByText('submitted').waitFor()
  await chain.produce()
  for (const post of [head, single]) await step(post).getByText('included').waitFor()
  await chain.ask('fork', { depth: 1 })
  for (const post of [head, single]) await step(post).getByText('submitted').waitFor()
  await chain.produce()
  await step(head).getByText('included').waitFor()
  await chain.produce(4)
  for (const post of [head, single]) await step(post).getByText('final').waitFor()
  await card(page).getByText('nothing waits').waitFor()
  const { rows, transactions } = await chain.ask('state')
  assert.deepEqual([rows.heads.length, rows.events.length], [1, 1], 'each is there once')

  await at(page, `#/event/${mine.hash}`)
  const chained = page.getByRole('region', { name: 'On the chain' })
  await chained.getByText('Event 1 of the contract').waitFor()
  assert.deepEqual(await step(chained).allTextContents(), ['final', 'final'])
  for (const { id } of transactions) assert.equal(await chained.getByTitle(id).count(), 1)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the proof' }).click()])
  await page.getByText('needs its chain').waitFor()
  const report = seal.verifyProof(await readFile(await download.path(), 'utf8'))
  assert.ok(report.valid && transactions.some(x => x.id === report.anchor.transactionId && x.block === report.anchor.blockNum))
  await page.getByRole('region', { name: 'What is left for the chain to say' }).getByTitle(report.anchor.transactionId).waitFor()
})

test('what the chain refuses has failed, with the reason, until it takes it', async t => {
  const { chain, host, page } = await anchored(t)
  await chain.ask('node', { refuse: 1_000_000, code: 3080004 })
  await host.store([event().text])
  await step(posts(page)).getByText('failed').waitFor()
  const [{ reason }] = (await (await fetch(`${host.url}/v1/anchor`)).json()).posts
  assert.ok(reason.length > 10)
  await posts(page).getByText(reason).waitFor()
  await chain.ask('node', { refuse: 0 })
  await step(posts(page)).getByText('submitted').waitFor()
  await chain.produce(5)
  await step(posts(page)).getByText('final').waitFor()
  assert.equal(await page.getByText(reason).count(), 0)
})

test('a wallet is asked for what is due, and what it posts is followed', async t => {
  const { chain, host, page } = await anchored(t, { SIGNER: 'wallet', KEY: undefined })
  const { requestOf, anchoringOf } = await load('/src/esr.ts')
  await host.store([event().text])
  const link = card(page).getByRole('link', { name: 'Sign in a wallet' })
  await link.waitFor()
  await step(posts(page)).getByText('queued').waitFor()
  await card(page).getByText('Head 1 of the contract: 1 event, root').waitFor()
  const asked = await requestOf(await link.getAttribute('href'))
  const [action] = asked.actions
  assert.deepEqual([asked.chain, asked.actions.length, action.account, action.authorization, anchoringOf(action).size], [chain.id, 1, 'eventseal', 'eventseal@anchor', 1n])
  await chain.ask('act', { action: action.name, data: Buffer.from(action.data).toString('hex') })
  await chain.produce()
  await step(posts(page)).getByText('included').waitFor()
  await link.waitFor({ state: 'detached' })
  await chain.produce(4)
  await step(posts(page)).getByText('final').waitFor()
  await card(page).getByText('nothing waits').waitFor()
})
