// Every refusal has words of its own.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { endAll, load, root, test } from './harness.mjs'

after(endAll)

const { codes } = JSON.parse(readFileSync(join(root, 'testvectors/codes.json'), 'utf8'))

test('each code of the one list is explained, and nothing else is', async () => {
  const { explanations } = await load('/src/refusals.ts')
  const sdkCodes = ['not_initialized', 'unreachable', 'unexpected_answer']
  assert.ok(codes.length > 40)
  assert.deepEqual(Object.keys(explanations).sort(), [...codes.map(c => c.code), ...sdkCodes].sort())
  for (const [code, { what, todo }] of Object.entries(explanations)) {
    for (const words of [what, todo]) {
      assert.match(words, /^[A-Z].{12,}\.$/s, code)
      assert.ok(!/[a-z]_[a-z]/.test(words), `${code} speaks in codes`)
    }
  }
  assert.equal(new Set(Object.values(explanations).map(e => e.what)).size, Object.keys(explanations).length, 'two codes say the same')
})

test('a pointer is a place in words', async () => {
  const { place } = await load('/src/refusals.ts')
  assert.equal(place('/sig'), 'the signature')
  assert.equal(place('/parents/2'), 'the parents, at item 3')
  assert.equal(place('/body/a~1b/x~0y'), 'the body, at a/b › x~y')
  assert.equal(place('/__proto__'), '“__proto__”')
  assert.equal(place(''), '')
})

test('what cannot be seen is named', async () => {
  const { segments, cut, time } = await load('/src/ui/text.tsx')
  const shown = s => [...segments(s)].map(p => (p.hidden ? `[${p.text}]` : p.text)).join('')
  assert.equal(shown('a\u202eb\u0000c'), 'a[U+202E]b[U+0000]c')
  assert.equal(shown('👩\u200d🚀 ok'), '👩\u200d🚀 ok')
  assert.equal(shown('a\u200db'), 'a[U+200D]b')
  assert.equal(shown('\ud800x'), '[U+D800]x')
  assert.equal(shown('line\n\ttab'), 'line\n\ttab')
  assert.equal(cut('ab😀', 3), 'ab…')
  assert.equal(time(0), '1970-01-01 00:00:00 UTC')
  assert.equal(time(2 ** 53 - 1), '9007199254740991 s after 1970')
})

test('numbers that signing would change are not taken', async () => {
  const { readNumber } = await load('/src/forms/number.ts')
  for (const [text, value] of [['1', 1], [' -0.5 ', -0.5], ['-0', 0], ['1e21', 1e21], ['9007199254740991', 9007199254740991]]) assert.deepEqual(readNumber(text), { value })
  for (const text of ['', '1.', '.5', '01', '+1', '0x10', 'NaN', '1e999', '9007199254740993', '1 2']) assert.ok('error' in readNumber(text), text)
  assert.ok('error' in readNumber('1.5', true))
})

test('a change touches what it names and nothing else', async () => {
  const { withValue, valueAt } = await load('/src/json.ts')
  assert.deepEqual(withValue({}, ['a', 'b', 0, 'c'], 1), { a: { b: [{ c: 1 }] } })
  assert.deepEqual(withValue({ a: { b: 1 }, z: 2 }, ['a', 'b'], undefined), { z: 2 })
  assert.deepEqual(withValue({ a: [{ c: 1 }, { d: 2 }] }, ['a', 0, 'c'], undefined), { a: [{}, { d: 2 }] })
  assert.deepEqual(withValue({ a: [1, 2] }, ['a', 0], undefined), { a: [2] })
  const odd = withValue(JSON.parse('{"__proto__":{"x":1}}'), ['__proto__', 'x'], 2)
  assert.equal(JSON.stringify(odd), '{"__proto__":{"x":2}}')
  assert.equal(valueAt({}, ['constructor']), undefined)
})

test('every built-in type has a form, and every example fits its form', async () => {
  const { EventTypes } = await load('/src/sdk.ts')
  const { forms } = await load('/src/forms/types.ts')
  const { missing } = await load('/src/forms/missing.ts')
  assert.deepEqual(Object.keys(forms), Object.keys(EventTypes))
  for (const [type, f] of Object.entries(forms)) assert.deepEqual(missing(f.fields, f.example), [], type)
})

test('no source of the page makes HTML or code of text', () => {
  const folder = join(root, 'web/src')
  const sources = readdirSync(folder, { recursive: true }).filter(f => /\.tsx?$/.test(f))
  assert.ok(sources.length > 30)
  for (const f of sources) assert.doesNotMatch(readFileSync(join(folder, f), 'utf8'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/i, f)
})

test('no two sources of the page import each other', () => {
  const folder = join(root, 'web/src')
  const imports = f => [...readFileSync(f, 'utf8').matchAll(/^(?:import|export) (?!type )(?:[^'"/;]* from )?'(\.[^'?]+)/gm)].map(m => join(f, '..', m[1]))
  const done = new Set()
  const visit = (f, way) => {
    assert.ok(!way.includes(f), [...way, f].map(w => w.slice(folder.length)).join(' → '))
    if (done.has(f)) return
    for (const next of imports(f)) visit(next, [...way, f])
    done.add(f)
  }
  visit(join(folder, 'main.tsx'), [])
  visit(join(folder, 'worker.ts'), [])
  assert.ok(done.size > 40)
})
