// What a person comes for: write, sign, submit, find, check.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { Host, Proxy, at, endAll, keptSecret, load, open, record, sdk, test, until } from './harness.mjs'

after(endAll)
const host = await Host.start()
const seal = await sdk()
const pair = seal.generateKeyPair()

const button = (page, name) => page.getByRole('button', { name, exact: true })
const signAndSubmit = async page => {
  await button(page, 'Sign').click()
  await button(page, 'Submit').click()
  await page.getByText('All places have answered.').waitFor()
}

async function importKey(page, key = pair.privateKey) {
  await page.getByRole('button', { name: 'Import a key…' }).click()
  await page.getByLabel('Private key').fill(key)
  await button(page, 'Import').click()
}

test('an event is written, signed, submitted, confirmed, found and verified', async t => {
  const opened = await open(t, host.url)
  const { page } = opened
  await page.getByText('There are no events yet.').waitFor()
  await page.getByRole('link', { name: 'Sign the first one' }).click()
  await importKey(page)
  await page.getByText('Fill in an example').click()
  await page.getByLabel('Name', { exact: true }).first().fill('Low Tide')

  // What is shown is what the SDK in another process computes.
  const shown = await until('the preview follows', async () => {
    const text = await page.getByRole('region', { name: 'Canonical bytes' }).textContent()
    return text?.includes('"name":"Low Tide"') && text
  })
  const hash = seal.sha256(shown)
  assert.equal(seal.canonicalize(shown), shown)
  assert.equal(await page.locator('.preview .facts code').first().textContent(), hash)

  await button(page, 'Sign').click()
  await page.getByText('Submitting publishes the event.').waitFor()
  assert.equal((await fetch(`${host.url}/v1/events/${hash}`)).status, 404, 'nothing is sent before one says so')
  await button(page, 'Submit').click()
  await page.getByText('All places have answered.').waitFor()
  for (const name of ['replica-a', 'replica-b']) {
    assert.equal(await page.getByRole('listitem').filter({ hasText: name }).getByText('stored', { exact: true }).count(), 1, name)
  }
  const stored = await (await fetch(`${host.url}/v1/events/${hash}`)).text()
  const { sig, ...rest } = JSON.parse(stored)
  assert.deepEqual(rest, JSON.parse(shown))
  assert.ok(seal.verifyEvent(stored).valid && sig.startsWith('SIG_K1_'))

  await page.getByRole('link', { name: 'Explore' }).click()
  await page.getByRole('link', { name: 'Create a release' }).click()
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
  assert.equal(await page.locator('.checks .passed').count(), 5)
  assert.equal(await page.locator('.checks li').count(), 5)
  await page.getByText('2 durable copies, 2 required').waitFor()
  await page.getByRole('button', { name: 'Canonical bytes' }).click()
  assert.equal(await page.getByRole('region', { name: 'The whole record, as stored' }).textContent(), stored)
  await keptSecret(opened, pair.privateKey)
})

test('the form of every type makes a valid event, and both views say the same', async t => {
  const { page } = await open(t, host.url, { path: '/#/sign' })
  const { forms } = await load('/src/forms/types.ts')
  await importKey(page)
  for (const [type, form] of Object.entries(forms)) {
    await page.getByLabel('Type of event').selectOption(type)
    await page.getByText('Fill in an example').click()
    await page.getByRole('tab', { name: 'JSON' }).first().click()
    const text = await page.getByLabel('Body as JSON').inputValue()
    assert.deepEqual(JSON.parse(text), form.example, type)
    await page.getByRole('tab', { name: 'Form' }).click()
    assert.equal(await page.getByText('This holds something that the form does not show').count(), 0, `${type}: its form does not show all of its example`)
    await signAndSubmit(page)
    const hash = await page.locator('.preview .facts code').first().textContent()
    const stored = await (await fetch(`${host.url}/v1/events/${hash}`)).json()
    assert.equal(stored.type, type)
    assert.deepEqual(stored.body, form.example)
  }
})

test('the form and the JSON view stay in step', async t => {
  const { page } = await open(t, host.url, { path: '/#/sign' })
  await importKey(page)
  await page.getByLabel('Type of event').selectOption('ADD_CLAIM')
  await page.getByLabel('About').fill('track:1')
  await page.getByLabel('Kind of Value').selectOption('number')
  await page.getByLabel('Value', { exact: true }).fill('120.')
  await page.getByText('This is not a number. Write it like 12.5.').first().waitFor()
  assert.ok(await button(page, 'Sign').isDisabled(), 'a field that is not a value cannot be signed around')
  await page.getByLabel('Value', { exact: true }).fill('120.25')
  await page.getByLabel('Sources, source 1').fill('https://example.org/a')
  await page.getByLabel('Sources, source 2').fill('https://example.org/b')
  await page.getByRole('button', { name: 'Remove source 1' }).click()
  const json = () => page.getByLabel('Body as JSON')
  await page.getByRole('tab', { name: 'JSON' }).first().click()
  assert.deepEqual(JSON.parse(await json().inputValue()), { node: 'track:1', value: 120.25, sources: ['https://example.org/b'] })
  await json().fill('{"node": "track:2", "field": "key", "value": "C\u266f", "more": [1, {"two": null}]}')
  await page.getByRole('tab', { name: 'Form' }).click()
  assert.equal(await page.getByLabel('About').inputValue(), 'track:2')
  assert.equal(await page.getByLabel('Value', { exact: true }).inputValue(), 'C♯')
  await page.getByLabel('Property').fill('tonality')
  await page.getByRole('tab', { name: 'JSON' }).first().click()
  assert.deepEqual(JSON.parse(await json().inputValue()), { node: 'track:2', field: 'tonality', value: 'C♯', more: [1, { two: null }] }, 'what the form does not know stays')
  await json().fill('{"node": ')
  await page.getByText('This is not valid JSON').first().waitFor()
  assert.ok(await button(page, 'Sign').isDisabled())
  await page.getByRole('tab', { name: 'Form' }).click()
  await page.getByText('The JSON cannot be read at the moment.').waitFor()
})

test('an answer joins the thread of what it answers', async t => {
  const first = record(seal, pair, 'CREATE_GROUP', { group: { name: 'The Thread' } })
  const second = record(seal, pair, 'ADD_CLAIM', { node: 'group:thread', field: 'origin', value: 'Leeds' }, [first.hash])
  await host.store([first.text, second.text])
  const { page } = await open(t, host.url, { path: `/#/event/${second.hash}` })
  await page.getByRole('list', { name: 'Ancestors' }).getByText('The Thread').waitFor()
  await page.getByText('Nothing refers to it yet.').waitFor()
  await page.getByRole('link', { name: 'Discuss' }).click()
  // The form is shown before the answer is filled in.
  const filled = async label => await page.getByLabel(label).inputValue() === second.hash
  await until('the answer that names the event', async () => await filled('Parents, parent 1') && await filled('On which event'))
  await page.getByLabel('Text').fill('Are you sure?')
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await signAndSubmit(page)
  await page.getByRole('link', { name: 'Look at the event' }).click()
  const ancestors = page.getByRole('list', { name: 'Ancestors' }).getByRole('listitem')
  await ancestors.nth(1).waitFor()
  assert.equal(await ancestors.count(), 2)
  await page.getByRole('list', { name: 'Ancestors' }).getByRole('link', { name: 'Add a claim' }).click()
  await page.getByRole('list', { name: 'Events that follow' }).getByText('Are you sure?').waitFor()
})

test('lists are filtered, paged and live', async t => {
  const author = seal.generateKeyPair()
  const records = Array.from({ length: 120 }, (_, i) => record(seal, author, i % 2 ? 'LIKE' : 'DISCUSS', i % 2 ? { target: 'x' } : { text: `remark ${i}` }, [], { createdAt: 1_600_000_000 + i * 86_400 }))
  await host.store(records.map(r => r.text))
  const { page } = await open(t, host.url, { path: `/#/explore?author=${author.publicKey}` })
  const rows = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await rows.nth(49).waitFor()
  await page.getByRole('button', { name: 'Show older ones' }).click()
  await rows.nth(99).waitFor()
  await page.getByRole('button', { name: 'Show older ones' }).click()
  await page.getByText('That is all: 120 events.').waitFor()
  assert.equal(await rows.count(), 120)
  assert.equal(await page.getByText('verified', { exact: true }).count(), 120)

  await page.getByLabel('Type').selectOption('DISCUSS')
  await page.getByLabel('From (UTC)').fill('2020-09-14')
  await page.getByLabel('Until (UTC)').fill('2020-09-17')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.getByText(/^That is all: \d event/).waitFor()
  const inside = records.filter((_, i) => i % 2 === 0 && new Date((1_600_000_000 + i * 86_400) * 1000).toISOString().slice(0, 10) >= '2020-09-14' && new Date((1_600_000_000 + i * 86_400) * 1000).toISOString().slice(0, 10) <= '2020-09-17')
  assert.equal(await rows.count(), inside.length)
  assert.ok(inside.length > 0)

  await at(page, `#/explore?author=${author.publicKey}&type=VOTE`)
  await page.getByText('No event fits these filters.').waitFor()
  await page.getByRole('button', { name: 'Go live' }).click()
  await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  await host.store([record(seal, author, 'VOTE', { target: 'x', reason: 'arrived live' }).text, record(seal, author, 'LIKE', { target: 'not asked for' }).text])
  await page.getByText('arrived live').waitFor()
  assert.equal(await rows.count(), 1)

  await page.getByLabel('Find an event by its hash').fill(records[7].hash.toUpperCase())
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
  assert.match(page.url(), new RegExp(records[7].hash))
})

test('the live list goes on where it was when the host restarts', async t => {
  const author = seal.generateKeyPair()
  const vote = n => record(seal, author, 'VOTE', { target: 'x', reason: `vote ${n}` }).text
  await host.store([vote(1)])
  const { page } = await open(t, host.url, { path: `/#/explore?author=${author.publicKey}` })
  await page.getByText('vote 1').waitFor()
  await page.getByRole('button', { name: 'Go live' }).click()
  await button(page, 'Live').waitFor()
  await host.store([vote(2)])
  await page.getByText('vote 2').waitFor()
  await host.stop()
  await button(page, 'Connecting…').waitFor()
  await host.up()
  await host.store([vote(3)])
  await page.getByText('vote 3').waitFor()
  assert.deepEqual(await page.locator('.row-gist').allTextContents(), ['vote 3', 'vote 2', 'vote 1'])
})

test('a host whose journal was rebuilt is shown in its new order', async t => {
  const own = await Host.start()
  const author = seal.generateKeyPair()
  const vote = n => record(seal, author, 'VOTE', { target: 'x', reason: `vote ${n}` }).text
  await own.store(Array.from({ length: 60 }, (_, n) => vote(n)))
  const { page } = await open(t, own.url, { path: `/#/explore?author=${author.publicKey}` })
  const rows = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await rows.nth(49).waitFor()

  // The cursor of the list is of the order before: the list begins anew.
  const everything = async n => {
    await until(`all ${n} are shown`, async () => {
      if (await page.getByText(`That is all: ${n} events.`).isVisible()) return true
      await page.getByRole('button', { name: 'Show older ones' }).click({ timeout: 500 }).catch(() => undefined)
      return false
    })
    assert.equal(await rows.count(), n)
    assert.equal(await page.getByText('another order').count(), 0)
  }
  await own.rebuild()
  await everything(60)

  await page.getByRole('button', { name: 'Reload' }).click()
  await page.getByRole('button', { name: 'Go live' }).click()
  await button(page, 'Live').waitFor()
  await own.rebuild()
  await own.store([vote(60)])
  await page.getByText('vote 60', { exact: true }).waitFor()
  await button(page, 'Live').waitFor()
  await own.store([vote(61)])
  await page.getByText('vote 61', { exact: true }).waitFor()
  await everything(62)
})

test('a type that the host has registered can be written, signed and found', async t => {
  const own = await Host.start({ EVENTSEAL_EVENT_TYPES: 'NOTE=1000' })
  const { page } = await open(t, own.url, { path: '/#/sign' })
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByLabel('Type of event').selectOption('NOTE')
  await page.getByLabel('Body as JSON').fill('{"text": "a type of our own"}')
  await signAndSubmit(page)
  await page.getByRole('link', { name: 'Look at the event' }).click()
  await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
  await at(page, '#/explore?type=NOTE')
  await page.getByRole('list', { name: 'Events' }).getByText('a type of our own').waitFor()
})

test('keys of the other curve, and old spellings, sign too', async t => {
  const { page } = await open(t, host.url, { path: '/#/sign' })
  const legacy = '5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3' // from EOSIO's documentation
  for (const [key, sig] of [[seal.generateKeyPair({ curve: 'R1' }).privateKey, 'SIG_R1_'], [legacy, 'SIG_K1_']]) {
    await importKey(page, key)
    await page.getByText('Fill in an example').click()
    await signAndSubmit(page)
    const hash = await page.locator('.preview .facts code').first().textContent()
    const stored = await (await fetch(`${host.url}/v1/events/${hash}`)).json()
    assert.ok(stored.sig.startsWith(sig) && stored.author_pubkey === seal.publicKeyOf(key))
    await page.getByRole('button', { name: 'Use another' }).click()
  }
})

test('the host goes and comes back', async t => {
  const proxy = await Proxy.before(host)
  const { page } = await open(t, proxy.url, { path: '/#/sign' })
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByLabel('Type of event').selectOption('DISCUSS')
  await page.getByLabel('Text').fill('written while the host was away')
  await host.stop()
  await button(page, 'Sign').click()
  await button(page, 'Submit').click()
  await page.getByText('The host cannot be reached.').first().waitFor()
  await page.getByText('The signed event is still here; nothing is lost.').waitFor()
  await page.getByRole('link', { name: 'Explore' }).click()
  await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).first().waitFor()
  await host.up()
  await page.getByText('Trying again…').waitFor({ state: 'detached' })
  await page.getByRole('list', { name: 'Events' }).getByRole('listitem').first().waitFor()
  await page.getByRole('link', { name: 'Sign', exact: true }).click()
  assert.equal(await page.getByLabel('Text').inputValue(), 'written while the host was away')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByText('All places have answered.').waitFor()
})

test('the status view shows the host as it is', async t => {
  const { page } = await open(t, host.url, { path: '/#/status' })
  await page.getByText('This page runs the very bytes that the host runs.').waitFor()
  for (const name of ['replica-a', 'replica-b']) await page.getByRole('listitem').filter({ hasText: name }).getByText('up', { exact: true }).waitFor()
  await page.getByText(/one disk/).waitFor()
})

test('an event that the host does not have is said to be missing', async t => {
  const { page } = await open(t, host.url, { path: `/#/event/${'ab'.repeat(32)}` })
  await page.getByText('There is no event with this hash here.').waitFor()
  await at(page, '#/elsewhere')
  await page.getByText('This address leads nowhere.').waitFor()
})
