// Takes the README's pictures of the real page on the real host: make screenshots.
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { startChain } from '../sdk-js/test/chain.mjs'
import { Host, atEnd, endAll, load, open, record, root, sdk, until } from './test/harness.mjs'

const folder = join(root, 'docs/screenshots')
mkdirSync(folder, { recursive: true })
const seal = await sdk()
const chain = await startChain(atEnd, seal.generateKeyPair())
const host = await Host.start(chain.settings({ EVENTS: 'CREATE_RELEASE_BUNDLE,ADD_CLAIM' }))
const { forms } = await load('/src/forms/types.ts')
const [ada, bo, cy] = [1, 2, 3].map(n => seal.generateKeyPair({ random: new Uint8Array(32).fill(n) }))
const now = Math.floor(Date.now() / 1000)
const events = []
const add = (who, type, body, parents, minutes, o) => {
  const e = record(seal, who, type, body, parents, { createdAt: now - minutes * 60, ...o })
  events.push(e)
  return e.hash
}

add(cy, 'CREATE_GROUP', forms.CREATE_GROUP.example, [], 1500)
const release = add(ada, 'CREATE_RELEASE_BUNDLE', forms.CREATE_RELEASE_BUNDLE.example, [], 340, { proofs: forms.CREATE_RELEASE_BUNDLE.example_proofs })
const claim = add(bo, 'ADD_CLAIM', forms.ADD_CLAIM.example, [release], 210)
const remark = add(cy, 'DISCUSS', { target: claim, text: 'The 2019 remaster runs slightly faster. Which pressing is this?' }, [claim], 95)
add(bo, 'DISCUSS', { target: claim, reply_to: remark, text: 'The first UK pressing; I have it here.' }, [remark], 61)
add(bo, 'EDIT_CLAIM', { claim, patch: [{ op: 'replace', path: '/value', value: 82.25 }], reason: 'Measured again from the first UK pressing' }, [claim, remark], 44)
add(ada, 'VOTE', { target: claim, value: 1, weight: 1, reason: 'Matches my copy' }, [claim], 12)
add(cy, 'LIKE', { target: release }, [release], 3)
const { head } = await chain.ask('state')
await chain.ask('advance', { seconds: Math.floor((Date.now() - Date.parse(head.time)) / 1000) }) // its clock is the picture's
const anchor = () => fetch(`${host.url}/v1/anchor`).then(a => a.json())
await until('the chain is seen', async () => (await anchor()).state === 'anchoring')
const store = async some => { for (const e of some) await host.store([e.text]) } // one by one, so that their order is theirs
await store(events.slice(0, -1))
await until('all but the last is final', async () => {
  await chain.produce()
  const { heads, events } = await anchor()
  return heads.backlog + events.backlog === 0
})
await store(events.slice(-1))
await until('the last is on its way', async () => (await anchor()).posts[0].state === 'submitted')

const after = []
const t = { after: f => after.push(f) }
const settled = page => page.evaluate(() => document.fonts.ready).then(() => page.waitForTimeout(250))
// What the documents show; every view is looked at in both themes all the same: SCREENSHOTS=all.
const kept = ['sign-light', 'event-dark', 'explore-light', 'status-dark', 'phone-explore-light', 'phone-event-dark']

async function shoot(page, name, o = {}) {
  if (process.env.SCREENSHOTS !== 'all' && !kept.includes(name)) return
  await settled(page)
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, ...o })
  try {
    execFileSync('pngquant', ['--force', '--skip-if-larger', '--strip', '--output', path, '128', path])
  } catch {
    // Not installed, or no gain: the picture stays as it is.
  }
  console.log(`${name}.png ${(statSync(path).size / 1024).toFixed(0)} KiB`)
}

async function written(page) {
  await page.getByRole('button', { name: 'Import a key…' }).click()
  await page.getByLabel('Private key').fill(ada.privateKey)
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await page.getByLabel('Type of event').selectOption('DISCUSS')
  await page.getByLabel('On which event').fill(claim)
  await page.getByText('Make it a parent too').click()
  await page.getByLabel('Text').fill('Then 82.25 it is. I will close this one.')
}

for (const scheme of ['light', 'dark']) {
  const wide = await open(t, host.url, { scheme, height: 860 })
  await wide.page.getByRole('list', { name: 'Events' }).waitFor()
  await shoot(wide.page, `explore-${scheme}`)
  await wide.page.goto(`${host.url}/#/event/${claim}`)
  await wide.page.getByRole('list', { name: 'Events that follow' }).waitFor()
  await wide.page.getByRole('list', { name: 'Ancestors' }).waitFor()
  await wide.page.setViewportSize({ width: 1280, height: 1060 })
  await shoot(wide.page, `event-${scheme}`)
  await wide.page.goto(`${host.url}/#/status`)
  await wide.page.getByRole('list', { name: 'Recent posts' }).waitFor()
  await wide.page.setViewportSize({ width: 1280, height: 1330 })
  await shoot(wide.page, `status-${scheme}`)
  await wide.page.goto(`${host.url}/#/sign`)
  await written(wide.page)
  await wide.page.getByRole('button', { name: 'Sign', exact: true }).click()
  await wide.page.getByRole('button', { name: 'Submit', exact: true }).waitFor()
  await wide.page.mouse.move(0, 0)
  await wide.page.setViewportSize({ width: 1280, height: 1060 })
  await wide.page.evaluate(() => scrollTo(0, 0))
  await shoot(wide.page, `sign-${scheme}`)

  const phone = await open(t, host.url, { scheme, width: 360, height: 780 })
  await phone.page.getByRole('list', { name: 'Events' }).waitFor()
  await shoot(phone.page, `phone-explore-${scheme}`)
  await phone.page.goto(`${host.url}/#/event/${claim}`)
  await phone.page.getByRole('heading', { name: 'Verified in this page' }).waitFor()
  await phone.page.getByRole('list', { name: 'Events that follow' }).waitFor()
  await shoot(phone.page, `phone-event-${scheme}`)
}
for (const f of after) await f()
await endAll()
