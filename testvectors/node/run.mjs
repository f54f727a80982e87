#!/usr/bin/env node
// Runs the test vectors through the module in this JavaScript engine.
//
//   node run.mjs [FILE…]     every file, or the given ones: one JSON line for
//                            each, {file, cases, failed: […]}; exits 1 if any failed.
//                            Every file: their sequences, too, held to the checksums
//   node run.mjs --serve     answers one case a line: {op, in} → {out} or {refuse}
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { field, load, Refusal, uint64 } from './module.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** bytes reads a string, or an array of pieces, as the README says. */
export function bytes(text) {
  if (typeof text === 'string') return encoder.encode(text);
  return Buffer.concat(text.map((p) => {
    if (typeof p === 'string') return Buffer.from(p);
    return p.hex !== undefined ? Buffer.from(p.hex, 'hex') : Buffer.from(p.repeat.repeat(p.times));
  }));
}

/** written is the other way round: a string where the bytes are UTF-8. */
function written(b) {
  try {
    return decoder.decode(b);
  } catch {
    return [{ hex: Buffer.from(b).toString('hex') }];
  }
}

const hex = (s) => new Uint8Array(Buffer.from(s, 'hex'));
const toHex = (b) => Buffer.from(b).toString('hex');

/** answer runs one case and returns {out} or {refuse}. */
function answer(m, { op, in: i }) {
  try {
    return { out: operations[op](m, i) };
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { refuse: { code: e.code, pointer: e.pointer } };
  }
}

/** cut takes fields apart. */
function cut(b) {
  const out = [];
  while (b.length > 0) {
    const n = new DataView(b.buffer, b.byteOffset).getUint32(0, true);
    out.push(decoder.decode(b.subarray(4, 4 + n)));
    b = b.subarray(4 + n);
  }
  return out;
}

const curves = ['K1', 'R1'];
const maximum = (i) => i.max_bytes ?? 0;
const digits = (v) => ({ hash: toHex(v.hash), record_digest: toHex(v.recordDigest) });

const operations = {
  canonicalize: (m, i) => ({ text: written(m.ask('canonicalize', bytes(i.text))) }),
  create(m, i) {
    const parts = [uint64(i.created_at), field(i.type), field(i.author_pubkey), field(JSON.stringify(i.parents ?? [])), field(bytes(i.body))];
    if (i.proofs !== undefined) parts.push(field(bytes(i.proofs)));
    const v = m.judge('create', maximum(i), ...parts);
    return { hash: toHex(v.hash), preimage: written(v.record) };
  },
  hash(m, i) {
    const v = m.judge('name', maximum(i), bytes(i.text));
    return { hash: toHex(v.hash), preimage: written(m.ask('preimage')) };
  },
  sign(m, i) {
    const v = m.judge('sign', maximum(i), field(i.private), bytes(i.text));
    return { hash: toHex(v.hash), signature: v.signature, record: written(v.record) };
  },
  verify(m, i) {
    m.ask('register_types', ...(i.types ?? []).flatMap((t) => [uint64(t.code).subarray(0, 4), field(t.name)]));
    const v = m.judge('verify', maximum(i), bytes(i.text));
    const parents = Array.from({ length: v.parents.length / 32 }, (_, n) => toHex(v.parents.subarray(32 * n, 32 * n + 32)));
    return { ...digits(v), record: written(v.record), type: v.type, type_code: v.typeCode, author: v.author, author_key: toHex(v.authorKey), created_at: v.createdAt, parents };
  },
  verify_batch(m, i) {
    const items = m.batch(maximum(i), i.texts.map(bytes));
    return { items: items.map(({ verdict: v, refusal: r }) => (r ? { refuse: { code: r.code, pointer: r.pointer } } : { out: digits(v) })) };
  },
  match(m, i) {
    if (toHex(m.judge('verify', maximum(i), bytes(i.text)).hash) !== i.hash) throw new Refusal(19, '');
    return {};
  },
  public_text(m, i) {
    const b = m.ask('public_text', bytes(i.text));
    const [text, legacy] = cut(b.subarray(34));
    return { curve: curves[b[0]], point: toHex(b.subarray(1, 34)), text, legacy };
  },
  private_text(m, i) {
    const b = m.ask('private_text', bytes(i.text));
    m.x.erase();
    const [text, pub] = cut(b.subarray(1));
    return { curve: curves[b[0]], text, public: pub };
  },
  key_from_random(m, i) {
    const b = m.ask('key_from_random', Uint8Array.of(curves.indexOf(i.curve ?? 'K1')), hex(i.random));
    m.x.erase();
    const [text, pub] = cut(b.subarray(1));
    return { private: text, public: pub };
  },
  signature_text(m, i) {
    const b = m.ask('signature_text', bytes(i.text));
    if (written(m.ask('signature_of', b)) !== written(bytes(i.text))) throw new Error('signature_of is not the inverse of signature_text');
    return { curve: curves[b[0]], compact: toHex(b.subarray(1)) };
  },
  sign_digest: (m, i) => ({ signature: written(m.ask('sign_digest', hex(i.digest), i.private)) }),
  verify_digest(m, i) {
    m.ask('verify_digest', hex(i.digest), field(i.public), i.signature);
    return {};
  },
  recover: (m, i) => ({ public: cut(m.ask('recover', hex(i.digest), i.signature).subarray(34))[0] }),
  verify_proof: (m, i) => ({ text: written(m.report('verify_proof', i.max_bytes ?? 0, field(i.trust ?? ''), bytes(i.text))) }),
  verify_receipt: (m, i) => ({ text: written(m.ask('verify_receipt', bytes(i.text))) }),
  sign_receipt: (m, i) => ({ text: written(m.ask('sign_receipt', field(i.private ?? ''), bytes(i.text))) }),
  inclusion(m, i) {
    m.ask('inclusion', hex(i.hash), hex(i.root), uint64(i.index ?? 0), uint64(i.size ?? 0), ...(i.path ?? []).map(hex));
    return {};
  },
};

/** same compares an answer with a case: absent and empty are one. */
function same(got, want) {
  if (want.refuse) {
    return got.refuse?.code === want.refuse.code && (want.refuse.pointer === undefined || got.refuse.pointer === want.refuse.pointer);
  }
  if (!got.out) return false;
  if (want.out.items) {
    return got.out.items.length === want.out.items.length && want.out.items.every((w, i) => same(got.out.items[i], w));
  }
  return isDeepStrictEqual(full(got.out), full(want.out));
}

const texts = new Set(['text', 'preimage', 'record']);
function full(out) {
  const entries = Object.entries(out).map(([k, v]) => [k, texts.has(k) ? written(bytes(v)) : v]);
  return Object.fromEntries(entries.filter(([, v]) => v !== 0 && v !== '' && v !== undefined && !(Array.isArray(v) && v.length === 0)).sort());
}

function caseFiles() {
  const out = [];
  for (const d of readdirSync(root, { withFileTypes: true })) {
    if (!d.isDirectory() || ['anchor', 'generate', 'node'].includes(d.name)) continue;
    for (const f of readdirSync(join(root, d.name))) if (f.endsWith('.json')) out.push(join(root, d.name, f));
  }
  return out.sort();
}

const json = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const sha256 = (data) => createHash('sha256').update(data).digest();

/** checker takes the lines of a sequence; left are the checksums that they did not reach or have. */
function checker(checksums) {
  const running = createHash('sha256');
  const left = { ...checksums };
  let n = 0;
  return {
    left,
    done: () => n >= Math.max(...Object.keys(checksums)),
    add(line) {
      running.update(line);
      if (left[++n] && left[n] === running.copy().digest('hex')) delete left[n];
    },
    get lines() { return n; },
  };
}

/** numberSequence is the sequence of numbers/es6.json through canonicalize. */
function* numberSequence() {
  const { published, sequence } = json('numbers/es6.json');
  const of = (bits) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(bits); return b.readDoubleBE(); };
  function* doubles() {
    for (const h of sequence.chosen) yield BigInt('0x' + h);
    for (let i = 0; i < sequence.serial.count; i++) yield BigInt('0x' + sequence.serial.from) + BigInt(i);
    for (let block = sha256(Buffer.alloc(32)); ; block = sha256(block)) {
      for (let at = 0; at < 32; at += 8) {
        const bits = block.readBigUInt64LE(at);
        if (Number.isFinite(of(bits)) && of(bits) !== 0) yield bits;
      }
    }
  }
  const c = checker(published);
  let bits = [];
  for (const b of doubles()) {
    bits.push(b);
    if (bits.length < 1000) continue;
    const text = `[${bits.map((x) => of(x).toExponential(16))}]`;
    const out = written(m.ask('canonicalize', encoder.encode(text))).slice(1, -1).split(',');
    bits.forEach((x, i) => c.add(`${x.toString(16)},${out[i]}\n`));
    if (c.done()) break;
    bits = [];
  }
  yield ['numbers/es6.json, the sequence', c];
}

/** signatureSequences are those of signatures/sequence.json. */
function* signatureSequences() {
  for (const [curve, checksums] of Object.entries(json('signatures/sequence.json').checksums)) {
    const c = checker(checksums);
    for (let i = 0; !c.done(); i++) {
      const k = operations.key_from_random(m, { curve, random: toHex(sha256(`${curve} key ${i}`)) });
      c.add(operations.sign_digest(m, { private: k.private, digest: toHex(sha256(`${curve} digest ${i}`)) }).signature + '\n');
    }
    yield [`signatures/sequence.json, the sequence on ${curve}`, c];
  }
}

const m = await load(readFileSync(join(root, '../wasm/eventseal.wasm')));
if (process.argv[2] === '--serve') {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    process.stdout.write(JSON.stringify(answer(m, JSON.parse(line))) + '\n');
  }
} else {
  const files = process.argv.length > 2 ? process.argv.slice(2) : caseFiles();
  for (const file of files) {
    const { cases } = JSON.parse(readFileSync(file, 'utf8'));
    const failed = [];
    for (const c of cases) {
      const got = answer(m, c);
      if (!same(got, c)) failed.push({ name: c.name, got, want: c.refuse ? { refuse: c.refuse } : { out: c.out } });
    }
    console.log(JSON.stringify({ file: relative(root, file), cases: cases.length, failed }));
    if (failed.length > 0 || cases.length === 0) process.exitCode = 1;
  }  if (process.argv.length === 2) {
    for (const sequence of [numberSequence, signatureSequences]) {
      for (const [file, c] of sequence()) {
        const failed = Object.entries(c.left);
        console.log(JSON.stringify({ file, cases: c.lines, failed }));
        if (failed.length > 0) process.exitCode = 1;
      }
    }
  }
}
