// What is in an event stays in its place: it widens nothing, covers nothing and
// can be read to its end, in every view and whatever the fonts make of it.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { logOf } from '../../sdk-js/test/proofs.mjs'
import { squares } from './fonts.mjs'
import { Host, Proxy, at, endAll, open, record, sdk, test } from './harness.mjs'

after(endAll)
const host = await Host.start()
const seal = await sdk()
const pair = seal.generateKeyPair()

const hostile = {
  'stacked marks': 'Z' + '\u0300\u0489\u0336'.repeat(300),
  'marks that stand side by side': 'Z' + '\u0488\u0489'.repeat(300),
  'marks on nothing': '\u20dd\u20e0'.repeat(300),
  'letters of many words': '\ufdfd'.repeat(40),
  'right to left, unbroken': '\u05ea\u05b8\u05bc'.repeat(300),
  'joined': '\u0640'.repeat(400),
  'a family without end': '\u{1f468}\u200d'.repeat(200) + '\u{1f468}',
  'far above and below': '\u0e01\u0e33\u0e49\u0e48'.repeat(80) + ' ' + '\u0f40\u0f71\u0f74\u0f84'.repeat(80),
  'one endless word': 'W'.repeat(2000),
  'never to be broken': 'a\u00a0\u202f'.repeat(500),
}
const marks = hostile['marks that stand side by side']
const bodies = Object.entries(hostile).map(([name, text]) => ({ name, ...record(seal, pair, 'DISCUSS', { target: text, text, [text]: { [text]: [text] } }) }))
const plain = record(seal, pair, 'DISCUSS', { target: 'x', text: 'Plain.' })
await host.store([plain.text, ...bodies.map(b => b.text)])

// Of characters that the page's own words do without, and of all.
const others = 'U+0300-1FFF, U+202F, U+20D0-20FF, U+2E80-10FFFF'
const fonts = {
  'the fonts installed': undefined,
  'wide ones': { bytes: squares(4, 1), range: others },
  'tall ones': { bytes: squares(1, 8), range: others },
  'wide letters': { bytes: squares(0.62, 1), range: 'U+0-10FFFF' },
}

async function setIn(page, font) {
  if (!font) return
  await page.evaluate(async ({ bytes, range }) => {
    const face = new FontFace('Squares', new Uint8Array(bytes).buffer, { unicodeRange: range })
    document.fonts.add(await face.load())
    const { style } = document.documentElement
    for (const name of ['--sans', '--mono']) style.setProperty(name, `Squares, ${getComputedStyle(document.documentElement).getPropertyValue(name)}`)
  }, font)
}

/** Texts that stick out of the page, or are cut off where one cannot scroll to the rest. */
const outOfReach = page =>
  page.evaluate(() => {
    const root = document.documentElement
    const found = root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth} wide, not ${root.clientWidth}`] : []
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (words.nextNode()) {
      const range = document.createRange()
      range.selectNodeContents(words.currentNode)
      const text = range.getBoundingClientRect()
      if (text.width === 0) continue
      for (let box = words.currentNode.parentElement; ; box = box.parentElement) {
        // An ellipsis says that there is more, which the event's own view shows; the rest is for screen readers, and far up.
        if (box === null || box.matches('.row-gist, .unseen-text, .skip, option')) break
        const style = getComputedStyle(box)
        const edge = box === root ? { left: 0, right: root.clientWidth } : box.getBoundingClientRect()
        const clips = box === root || /hidden|clip/.test(style.overflowX) || /paint|content|strict/.test(style.contain) || style.contentVisibility !== 'visible'
        if (/auto|scroll/.test(style.overflowX)) {
          if (box.scrollWidth > box.clientWidth && box.clientWidth < 24) found.push(`“${words.currentNode.data.slice(0, 20)}” scrolls in ${box.clientWidth} px`)
          break
        }
        if (clips && (text.left < edge.left - 1 || text.right > edge.right + 1)) found.push(`“${words.currentNode.data.slice(0, 20)}” in ${box.tagName}.${box.className}: ${text.left}–${text.right} of ${edge.left}–${edge.right}`)
        if (box === root) break
      }
    }
    return found
  })

/** How many dots of ink texts from outside leave outside of their boxes. */
async function spilt(page) {
  await page.evaluate(() => {
    const ink = new CSSStyleSheet()
    ink.replaceSync('.outside, .outside * { color: #f0f !important }')
    document.adoptedStyleSheets = [ink]
  })
  const picture = (await page.screenshot({ fullPage: true, animations: 'disabled' })).toString('base64')
  return page.evaluate(async picture => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(picture), c => c.charCodeAt(0))]))
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
    canvas.drawImage(image, 0, 0)
    const inked = () => {
      const { data } = canvas.getImageData(0, 0, image.width, image.height)
      let n = 0
      for (let i = 0; i < data.length; i += 4) if (data[i] > 200 && data[i + 1] < 60 && data[i + 2] > 200) n++
      return n
    }
    const all = inked()
    for (const e of document.querySelectorAll('.outside')) {
      const box = (e.closest('.tree, pre, .row-gist') ?? e).getBoundingClientRect()
      canvas.clearRect(Math.floor(box.left + scrollX), Math.floor(box.top + scrollY), Math.ceil(box.width) + 1, Math.ceil(box.height) + 1)
    }
    document.adoptedStyleSheets = []
    return { all, outside: inked() }
  }, picture)
}

/** Every view that shows what others wrote, with the worst in it. */
async function everyView(page, proxy, look) {
  const events = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await events.filter({ hasText: 'verified' }).nth(bodies.length - 1).waitFor()
  await look('the list')
  for (const b of bodies) {
    await at(page, `#/event/${b.hash}`)
    await page.locator('.hash-line').filter({ hasText: b.hash }).waitFor()
    await page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
    await page.getByText('redundant', { exact: true }).waitFor()
    await look(`the event, ${b.name}`)
  }
  await page.getByRole('button', { name: 'Canonical bytes' }).click()
  await look('its bytes')

  // A proof by a log that is called so, and a file that is.
  const log = logOf(seal, [seal.verifyEvent(plain.text)], { origin: `Z${marks.slice(1, 61)}` })
  await at(page, '#/verify')
  await page.locator('input[type=file]:enabled').waitFor()
  const choose = content => page.getByLabel('Choose a .proof.json file').setInputFiles({ name: `${marks.slice(0, 60)}.json`, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(content)) })
  await choose(log.proof(0))
  await page.getByText('This event was taken in as number 1.').waitFor()
  await look('a proof')
  await choose({ ...log.proof(0), [marks]: 1 })
  await page.getByText('This is not a proof that can be read.').waitFor()
  await look('no proof')

  // A host that puts them where no event can be.
  const rename = o => ({ ...o, replica: marks, name: marks, kind: marks, location: marks, state: 'owed', error: marks, last_error: marks })
  const post = { kind: 'head', state: 'failed', number: 2 ** 53 - 1, count: 1, size: 2 ** 53 - 1, reason: marks, transaction_id: 'f'.repeat(64), block_num: 2 ** 32 - 1, block_id: 'f'.repeat(64), events: [] }
  const lies = {
    [`/v1/events/${plain.hash}`]: e => ({ ...e, type: marks, author_pubkey: marks, created_at: marks, sig: marks, [marks]: marks }),
    [`/v1/events/${plain.hash}/status`]: s => ({ ...s, replicas: s.replicas.map(rename), anchor: { state: 'failed', head: post, single: { ...post, kind: 'events' } } }),
    '/v1/anchor': () => ({ state: marks, why: marks, heads: { queued: post }, contract: marks, permission: marks, posts: [post, { ...post, kind: 'events' }], requests: [{ uri: marks }] }),
    '/v1/health': h => ({ ...h, status: marks, version: marks, warnings: [marks], anchor: { state: marks, why: marks, stuck: [{ sequence: 2 ** 53 - 1, why: marks }] }, log: { origin: marks, state: marks, why: marks }, module: { ...h.module, version: marks, sha256: marks }, replicas: h.replicas.map(rename) }),
    '/v1/events': l => ({ ...l, events: l.events.map(e => ({ ...e, hash: marks, event: { ...e.event, type: marks, author_pubkey: marks } })) }),
  }
  proxy.lie = (path, { body }) => {
    const lie = lies[path.split('?')[0]]
    return lie && { ...(path === '/v1/anchor' && { status: 200 }), body: JSON.stringify(lie(JSON.parse(body))) }
  }
  await at(page, `#/event/${plain.hash}`)
  await page.getByRole('heading', { name: 'Not valid' }).waitFor()
  await page.getByText('trying again').first().waitFor()
  await page.getByRole('heading', { name: 'On the chain' }).waitFor()
  await look('an event that is none')
  await at(page, '#/status')
  await page.getByRole('list', { name: 'Recent posts' }).waitFor()
  await page.getByText('The host’s request to sign is not one for its anchor.').waitFor()
  await look('the status')
  await at(page, '#/explore?type=DISCUSS')
  await events.filter({ hasText: 'invalid' }).first().waitFor()
  await look('a list of lies')
  proxy.lie = undefined

  proxy.answer = q => q.url.startsWith('/v1/events') && {
    status: 503, headers: { 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ title: marks, status: 503, code: marks, pointer: `/body/${marks}/${marks}`, detail: marks, request_id: marks, replicas: [{ replica: marks, error: marks }] }),
  }
  await at(page, '#/explore?type=LIKE')
  await page.getByRole('alert').getByText('does not know').waitFor()
  await look('a refusal')
  proxy.answer = undefined

  const another = seal.generateKeyPair()
  await at(page, `#/explore?author=${another.publicKey}`)
  await page.getByText('No event fits these filters.').waitFor()
  await page.getByRole('button', { name: 'Go live' }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  await host.store([record(seal, another, 'DISCUSS', { target: marks, text: marks }).text])
  await events.first().waitFor()
  await look('the stream')

  await at(page, '#/sign')
  await page.getByRole('button', { name: 'Make a new key' }).click()
  await page.getByLabel('Type of event').selectOption('DISCUSS')
  await page.getByRole('tab', { name: 'JSON' }).first().click()
  await page.getByLabel('Body as JSON').fill(JSON.stringify({ target: marks, text: marks, [marks]: marks }))
  await page.getByRole('button', { name: 'Sign', exact: true }).waitFor()
  await page.getByRole('region', { name: 'Canonical bytes' }).waitFor()
  await look('what will be signed')
  await page.getByLabel('Body as JSON').fill(`{"${marks}":1,"${marks}":2}`)
  await page.getByText('same member name twice').waitFor()
  await look('what cannot be signed')
}

for (const [name, width] of [...Object.keys(fonts).map(name => [name, 360]), ['wide ones', 1280]]) {
  test(`what is in an event stays in its place, in ${name} at ${width} px`, async t => {
    const proxy = await Proxy.before(host)
    const { page } = await open(t, proxy.url, { width, motion: 'reduce' })
    await setIn(page, fonts[name])
    const faults = {}
    let inked = 0
    await everyView(page, proxy, async where => {
      const found = await outOfReach(page)
      const ink = await spilt(page)
      inked += ink.all
      if (ink.outside > 0) found.push(`${ink.outside} dots of ink outside of its box`)
      if (found.length > 0) faults[where] = found
    })
    assert.deepEqual(faults, {})
    assert.ok(inked > 1000, 'the ink is seen at all')
  })
}
