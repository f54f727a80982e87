// That everyone can use it: keyboard, screen reader, small screen, any contents.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after } from 'node:test'
import { logOf, witness } from '../../sdk-js/test/proofs.mjs'
import { Host, Proxy, at, endAll, open, record, sdk, test, until } from './harness.mjs'
import { chain, esr, postData } from './requests.mjs'

after(endAll)
const host = await Host.start()
const seal = await sdk()
const pair = seal.generateKeyPair()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const rtl = '\u202Eתירבע \u2066hidden\u2069 العربية'
const deep = JSON.parse('[1,'.repeat(58) + '"bottom"' + ']'.repeat(58))
const hostile = {
  'markup': { target: 'x', text: '<img src=x onerror="document.title=\'pwned\'"><script>document.title="pwned"</script><style>body{display:none}</style>' },
  'one endless word': { target: 'x', text: 'W'.repeat(20_000) },
  'right to left and unseen': { target: 'x', text: rtl, [rtl]: '\u0000\u0007\u001b[31m\u200b\u2028' },
  'stacked marks': { target: 'x', text: 'Z' + '\u0300\u0489\u0336'.repeat(500) },
  'deep': { target: 'x', text: 'deep', deep },
  'wide': { target: 'x', text: 'wide', ...Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`member ${i}`, i])) },
  'names of every object': JSON.parse('{"target":"x","text":"proto","__proto__":{"polluted":true},"constructor":"c","toString":"t","hasOwnProperty":1}'),
}
const worst = Object.entries(hostile).map(([name, body]) => ({ name, ...record(seal, pair, 'DISCUSS', body) }))
const large = Array.from({ length: 20 }, (_, i) => record(seal, pair, 'ADD_CLAIM', { field: `large ${i}`, value: 'x\u0301'.repeat(40_000), list: Array.from({ length: 10_000 }, (_, n) => n) }))
const root = record(seal, pair, 'CREATE_GROUP', { group: { name: 'Harbour' } })
const answer = record(seal, pair, 'LIKE', { target: root.hash }, [root.hash])
const log = logOf(seal, [root, answer].map(e => seal.verifyEvent(e.text)))
await host.store([root.text, answer.text, ...worst.map(w => w.text), ...large.map(l => l.text)])

const post = { kind: 'head', number: 4, count: 1, size: 1234, root: answer.hash, state: 'final', reason: '', transaction_id: root.hash, block_num: 1700, block_id: answer.hash, block_time: '2026-11-28T05:00:00.5Z' }
const uri = esr({ actions: [['post', postData(5, 1240, root.hash)]] })
const anchor = {
  state: 'waiting', why: 'a wallet has to sign', chain_id: chain, contract: 'evntseal.abc', permission: 'anchor', signer: 'wallet',
  heads: { state: 'waiting', queued: { ...post, state: 'queued', reason: 'a wallet has to sign' } }, events: null, stuck: [], requests: [{ kind: 'head', uri, post }],
  posts: [post, { kind: 'events', number: 7, count: 2, state: 'failed', reason: 'it has no CPU', transaction_id: root.hash, events: [] }, { ...post, number: 3, state: 'submitted' }, { ...post, number: 2, state: 'included' }],
}

const button = (page, name) => page.getByRole('button', { name, exact: true })

async function sideways(page, where) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return ''
    const wide = [...document.querySelectorAll('body *')].find(e => e.getBoundingClientRect().right > width + 1)
    return `${document.documentElement.scrollWidth} > ${width}: ${wide?.tagName}.${wide?.className}`
  })
  assert.equal(over, '', `${where} scrolls sideways`)
}

async function accessible(page, where) {
  await page.evaluate(axe)
  const faults = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
    return violations.map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | ')}`)
  })
  assert.deepEqual(faults, [], where)
}

/** Every view, in the states that it has. */
async function everyView(page, proxy, look) {
  await page.getByRole('list', { name: 'Events' }).waitFor()
  await look('explore')
  await page.getByText('Filter', { exact: true }).click()
  await page.getByLabel('Find an event by its hash').fill('not a hash')
  await look('explore, filters and a fault')
  await at(page, '#/explore?type=SPLIT_NODE')
  await page.getByText('No event fits these filters.').waitFor()
  await look('explore, empty')
  await at(page, '#/sign')
  await page.getByRole('button', { name: 'Make a new key' }).waitFor()
  await look('sign, nothing chosen')
  await page.getByRole('button', { name: 'Import a key…' }).click()
  await page.getByLabel('Private key').fill('wrong')
  await button(page, 'Import').click()
  await page.getByText('mistyped').waitFor()
  await look('sign, a wrong key')
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByText('Fill in an example').click()
  await page.getByRole('button', { name: 'Keep it here…' }).click()
  await look('sign, filled in')
  await page.getByRole('tab', { name: 'JSON' }).first().click()
  await page.getByLabel('Body as JSON').fill('{"a":1,"a":2}')
  await page.getByText('same member name twice').waitFor()
  await look('sign, refused')
  await page.getByText('Fill in an example').click()
  await button(page, 'Sign').click()
  await button(page, 'Submit').click()
  await page.getByText('All places have answered.').waitFor()
  await look('sign, stored')
  for (const type of ['DISTRIBUTE_REWARDS', 'SPLIT_NODE', 'ADD_CLAIM', 'EDIT_CLAIM']) {
    await page.getByLabel('Type of event').selectOption(type)
    await page.getByText('Fill in an example').click()
    await page.getByRole('tab', { name: 'Form' }).click()
    await look(`sign, ${type}`)
  }
  await at(page, `#/event/${answer.hash}`)
  await page.getByRole('list', { name: 'Ancestors' }).waitFor()
  await page.getByRole('button', { name: 'Canonical bytes' }).click()
  await look('event')
  await button(page, 'Save the proof').click()
  await button(page, 'Save it again').waitFor()
  await look('event, its proof')
  proxy.lie = (path, { body }) => (path.endsWith('/status') ? { body: JSON.stringify({ ...JSON.parse(body), anchor: { state: 'included', head: post, single: { ...post, kind: 'events', state: 'included', events: [{ sequence: 2, hash: answer.hash, code: 41, number: 7 }] } } }) } : undefined)
  await at(page, '#/explore')
  await page.getByRole('list', { name: 'Events' }).waitFor()
  await at(page, `#/event/${answer.hash}`)
  await page.getByRole('heading', { name: 'On the chain' }).waitFor()
  await page.getByRole('list', { name: 'Ancestors' }).waitFor()
  await look('event, its anchor')
  proxy.lie = path => (path === `/v1/events/${root.hash}` ? { body: root.text.replace('Harbour', 'Hafen') } : undefined)
  await at(page, `#/event/${root.hash}`)
  await page.getByRole('heading', { name: 'Not valid' }).waitFor()
  await page.getByRole('list', { name: 'Events that follow' }).waitFor()
  await look('event, invalid')
  proxy.lie = undefined
  await at(page, `#/event/${'0'.repeat(64)}`)
  await page.getByText('There is no event with this hash here.').waitFor()
  await look('event, missing')
  await at(page, '#/verify')
  await page.locator('input[type=file]:enabled').waitFor()
  await look('verify, nothing chosen')
  const choose = file => page.getByLabel('Choose a .proof.json file').setInputFiles({ name: `${'a long name '.repeat(20)}.proof.json`, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) })
  await choose(log.proof(0, 2, [witness(1)]))
  await page.getByLabel('Keys that you trust').fill(`${log.keys}${witness(1).vkey}`)
  await page.getByText('By the keys that you trust, this event').waitFor()
  await look('verify, valid')
  await page.getByLabel('Keys that you trust').fill(log.key.slice(0, -1))
  await page.getByText('This is no text of keys').waitFor()
  await look('verify, no keys')
  await page.getByLabel('Keys that you trust').fill('')
  await choose({ ...log.proof(0), receipt: log.receipt(1) })
  await page.getByText('This proof does not hold.').waitFor()
  await look('verify, invalid')
  await choose({})
  await page.getByText('This is not a proof that can be read.').waitFor()
  await look('verify, no proof')
  await at(page, '#/status')
  await page.getByRole('heading', { name: 'Replicas' }).waitFor()
  await look('status')
  proxy.lie = (path, { body }) => {
    if (path === '/v1/health') return { body: JSON.stringify({ ...JSON.parse(body), anchor: { state: 'waiting', why: 'a wallet has to sign', backlog: 3, stuck: [{ sequence: 1, hash: root.hash, why: 'one of two copies' }] } }) }
    return path === '/v1/anchor' ? { status: 200, body: JSON.stringify(anchor) } : undefined
  }
  await page.getByRole('link', { name: 'Sign in a wallet' }).waitFor()
  await look('status, an anchor')
  proxy.lie = undefined
  await at(page, '#/nowhere/at/all')
  await look('nowhere')
}

for (const [width, scheme] of [[1280, 'light'], [1280, 'dark'], [360, 'light'], [360, 'dark']]) {
  test(`nothing stands in anyone’s way at ${width} px, ${scheme}`, async t => {
    const proxy = await Proxy.before(host)
    const { page } = await open(t, proxy.url, { width, scheme, motion: 'reduce' })
    let looks = 0
    await everyView(page, proxy, async where => {
      looks++
      await accessible(page, `${where}, ${width} px, ${scheme}`)
      await sideways(page, `${where}, ${width} px`)
    })
    assert.equal(looks, 25)
    proxy.server.closeAllConnections()
    proxy.answer = () => ({ status: 502, headers: {}, body: '' })
    await at(page, '#/explore')
    await page.getByText('Trying again…').waitFor()
    await accessible(page, 'host away')
    await sideways(page, 'host away')
  })
}

test('contents of any kind stay contents', async t => {
  const { page } = await open(t, host.url, { width: 360 })
  const rows = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await rows.filter({ hasText: 'deep' }).waitFor()
  await sideways(page, 'the list')
  assert.ok((await page.content()).length < 1_000_000, 'a list is small whatever is in its events')
  for (const w of [...worst, { name: 'large', ...large[0] }]) {
    await at(page, `#/event/${w.hash}`)
    await page.locator('.hash-line').filter({ hasText: w.hash }).waitFor()
    await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
    await page.getByRole('button', { name: 'Canonical bytes' }).click()
    await sideways(page, w.name)
    assert.ok((await page.evaluate(() => document.querySelectorAll('*').length)) < 3000, `${w.name} fills the page with elements`)
    assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main script, main style').length), 0, w.name)
    assert.match(await page.title(), /Eventseal$/, w.name)
    assert.equal(await page.evaluate(() => ({}).polluted), undefined)
  }
  await at(page, `#/event/${worst.find(w => w.name === 'right to left and unseen').hash}`)
  await page.getByText('U+202E').first().waitFor()
  // Down to the bottom of what is nested.
  await at(page, `#/event/${worst.find(w => w.name === 'deep').hash}`)
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
  const shut = page.locator('.tree .branch-title[aria-expanded=false]')
  for (let i = 0; i < 70 && (await shut.count()) > 0; i++) await shut.last().evaluate(e => e.click())
  await page.locator('.tree').getByText('bottom').waitFor()
  await sideways(page, 'sixty levels')
})

test('the whole way by keyboard alone', async t => {
  const { page } = await open(t, host.url)
  await page.getByRole('list', { name: 'Events' }).waitFor()
  const focused = () => page.evaluate(() => {
    const e = document.activeElement
    return { text: e.innerText ?? '', label: e.getAttribute('aria-label') ?? '', id: e.id, role: e.getAttribute('role'), tag: e.tagName, outline: getComputedStyle(e).outlineStyle }
  })
  // Presses Tab until the focus is there; wherever it is on the way, one can see it.
  const reach = async what => {
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab')
      const f = await focused()
      if (f.tag !== 'BODY') assert.notEqual(f.outline, 'none', `the focus cannot be seen on ${JSON.stringify(f)}`)
      if (what(f)) return f
    }
    assert.fail(`Tab does not lead to ${what}`)
  }
  await page.keyboard.press('Tab')
  assert.match((await focused()).text, /Skip to the content/)
  await reach(f => f.text === 'Sign')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Sign an event' }).waitFor()
  assert.equal((await focused()).text, 'Sign an event', 'whoever sees a new view is in it')
  await reach(f => f.tag === 'SELECT')
  for (let i = 0; (await page.getByLabel('Type of event').inputValue()) !== 'DISCUSS'; i++) {
    assert.ok(i < 20, 'the arrow does not lead to the type')
    await page.keyboard.press('ArrowDown')
  }
  await reach(f => f.role === 'tab')
  await page.keyboard.press('ArrowRight')
  assert.equal((await focused()).text, 'JSON')
  await page.keyboard.press('ArrowLeft')
  await reach(f => f.tag === 'INPUT')
  await page.keyboard.type(root.hash)
  await reach(f => f.tag === 'TEXTAREA')
  await page.keyboard.type('By hand.')
  await reach(f => /Make a new key/.test(f.text))
  await page.keyboard.press('Enter')
  await page.getByText('In the memory of this page only').waitFor()
  await page.keyboard.press('Control+Home')
  await page.evaluate(() => document.activeElement.blur())
  await until('it can be signed', () => button(page, 'Sign').isEnabled())
  await reach(f => f.tag === 'BUTTON' && f.text === 'Sign')
  await page.keyboard.press('Enter')
  await until('the focus goes on to what is next', async () => (await focused()).text.trim() === 'Submit')
  await page.keyboard.press('Enter')
  await page.getByText('All places have answered.').waitFor()
  await reach(f => f.text === 'Look at the event')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
})

test('the theme is the system’s until one chooses', async t => {
  const { page } = await open(t, host.url, { scheme: 'dark' })
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const dark = await ground()
  await page.getByRole('button', { name: /^Colours/ }).click()
  const light = await ground()
  assert.notEqual(light, dark)
  await page.reload()
  assert.equal(await ground(), light, 'the choice is kept')
  await page.getByRole('button', { name: /^Colours/ }).click()
  assert.equal(await ground(), dark)
  await page.getByRole('button', { name: /^Colours/ }).click()
  await page.emulateMedia({ colorScheme: 'light' })
  assert.equal(await ground(), light, 'back to the system’s')
})
