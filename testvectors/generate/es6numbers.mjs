// numbers/: the published sequence of ES6 test numbers, made anew.
//
// The sequence is a list of chosen doubles, then 2,000 neighbours from the
// smallest normal double upward, then the finite, non-zero doubles of a chain
// of SHA-256 blocks: the first block is the hash of 32 zero bytes, each next
// one the hash of the one before, read as four little-endian doubles. A line is
// the bits in hex without leading zeros, a comma, the number as ECMAScript
// prints it, and a line feed.
import { createHash } from 'node:crypto';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { root, sha256 } from './lib.mjs';

/** published is the SHA-256 of the file's first lines, as its authors give it. */
const published = {
  1000: 'be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687',
  10000: 'b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892',
  100000: '22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7',
  1000000: '49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16',
};

// About a third of each power of ten from 10^22 down to 10^-27.
const thirds = `
  446696695dbd1cc3 443211ede4974a35 43fce97ca0f21056 43c7213080c1a6ac 439280f39a348556 435d9b1f5d20d557 4327af4c4a80aaac 42f2f2a36ecd5556
  42be51057e155558 428840d131aaaaac 4253670dc1555557 421f0b4935555557 41e8d5d42aaaaaac 41b3de4355555556 417fca0555555556 41496e6aaaaaaaab
  4114585555555555 40e046aaaaaaaaab 40aa0aaaaaaaaaaa 4074d55555555555 4040aaaaaaaaaaab 400aaaaaaaaaaaab 3fd5555555555555 3fa1111111111111
  3f6b4e81b4e81b4f 3f35d867c3ece2a5 3f0179ec9cbd821e 3ecbf647612f3696 3e965e9f80f29212 3e61e54c672874db 3e2ca213d840baf8 3df6e80fe033c8c6
  3dc2533fe68fd3d2 3d8d51ffd74c861c 3d5774ccac3d3817 3d22c3d6f030f9ac 3cee0624b3818f79 3cb804ea293472c7 3c833721ba905bd3 3c4ebe9c5db3c61e
  3c18987d17c304e5 3be3ad30dfcf371d 3baf7b816618582f 3b792f9ab81379bf 3b442615600f9499 3b101e77800c76e1 3ad9ca58cce0be35 3aa4a1e0a3e6fe90
  3a708180831f320d 3a3a68cd9e985016
`.trim().split(/\s+/).map((h) => BigInt('0x' + h));

const view = new DataView(new ArrayBuffer(8));
const bitsOf = (f) => { view.setFloat64(0, f); return view.getBigUint64(0); };
const doubleOf = (bits) => { view.setBigUint64(0, bits); return view.getFloat64(0); };
const sign = 1n << 63n;
const around = (f, from, to) => Array.from({ length: to - from + 1 }, (_, i) => bitsOf(f) + BigInt(from + i));

const chosen = [
  0n, sign, 1n, 1n | sign,
  ...thirds.map((b) => b | sign), ...thirds,
  // Fives shifted to where fixed notation ends, and a six that wanders off behind one.
  ...[10, 5, 0.5, 0.05, 0.005, 0.0005, 0.00005, 0.000005, 5e-7, 5e-8, 5e-9].map(bitsOf),
  ...Array.from({ length: 14 }, (_, i) => bitsOf(Number(`0.000005${'0'.repeat(i + 1)}6`))), bitsOf(0.000005),
  // Around one.
  ...[1, -1, -0.9999999999999993, -0.9999999999999994, 0.9999999999999993, 0.9999999999999994, 0.9999999999999996, 0.9999999999999998,
    -0.9999999999999999, -0.9999999999999999, 0.9999999999999999, 0.9999999999999999].map(bitsOf),
  ...around(0.3, -1, 1),
  // The ends of the range, of the integers, of fixed notation.
  ...[2.2250738585072014e-308, 2.2250738585072e-308, 2.225073858507201e-308, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, -(2 ** 53), 2 ** 68].map(bitsOf),
  ...around(1e23, -1, 1), ...around(1e21, -2, 0), ...around(1e-6, -1, 0),
  ...around(333333333.3333333, -2, 2),
  bitsOf(-0.0000033333333333333333), bitsOf(1424953923781206.2),
];
const serial = { from: 0x0010000000000000n, count: 2000 };

function* sequence() {
  yield* chosen;
  for (let i = 0; i < serial.count; i++) yield serial.from + BigInt(i);
  for (let block = sha256(Buffer.alloc(32)); ; block = sha256(block)) {
    for (let at = 0; at < 32; at += 8) {
      const bits = block.readBigUInt64LE(at);
      const f = doubleOf(bits);
      if (Number.isFinite(f) && f !== 0) yield bits;
    }
  }
}

const running = createHash('sha256');
const kept = [];
let n = 0, chunk = '';
for (const bits of sequence()) {
  const line = `${bits.toString(16)},${String(doubleOf(bits))}\n`;
  chunk += line;
  n++;
  if (n <= chosen.length || n % 9973 === 0) kept.push(line);
  if (published[n]) {
    running.update(chunk);
    chunk = '';
    assert.equal(running.copy().digest('hex'), published[n], `first ${n} lines`);
  }
  if (n === 1e6) break;
}

// Each number goes in with 17 significant digits, which name the double but
// are not its shortest text.
const cases = [];
for (let i = 0; i < kept.length; i += 10) {
  const lines = kept.slice(i, i + 10).map((l) => l.trimEnd().split(','));
  const digits = lines.map(([h]) => doubleOf(BigInt('0x' + h)).toExponential(16));
  cases.push({ name: `bits ${lines[0][0]}…`, op: 'canonicalize', in: { text: `[${digits}]` }, out: { text: `[${lines.map(([, t]) => t)}]` } });
}
cases.forEach((c, i) => { c.name = `${i}: ${c.name}`; });

mkdirSync(join(root, 'numbers'), { recursive: true });
writeFileSync(join(root, 'numbers/es6.json'), `{
  "description": "ES6 number serialization. 'sequence' makes the published test file: the doubles of 'chosen' (bits in hex), 'serial.count' doubles from bits 'serial.from' upward, then the finite non-zero doubles of SHA-256 blocks read as four little-endian doubles each, the first block the hash of 32 zero bytes, each next one the hash of the one before. A line is the bits in hex without leading zeros, a comma, the number, a line feed. 'published' is the SHA-256 of the first lines. 'cases' are the chosen ones and every 9,973rd line of the first million.",
  "published": ${JSON.stringify(published)},
  "sequence": {
    "chosen": ${JSON.stringify(chosen.map((b) => b.toString(16)))},
    "serial": {"from": "${serial.from.toString(16)}", "count": ${serial.count}}
  },
  "cases": [
${cases.map((c) => '    ' + JSON.stringify(c).replace('…', '')).join(',\n')}
  ]
}
`);
