// What `make bench` times in Node: each task is one whole operation on the same
// 1 KB event, key and digest, and says whether it worked, which is checked once
// before it is timed.
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import canonicalize from 'canonicalize';
import * as tiny from 'tiny-secp256k1';
import { instantiateSecp256k1 } from '@bitauth/libauth';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import * as wharfkit from '@wharfkit/antelope';

const require = createRequire(import.meta.url);
const eosjs = require('eosjs/dist/eosjs-key-conversions');

// A key for measuring: the scalar is the number 0x2a… repeated, known to everyone.
const scalar = new Uint8Array(32).fill(0x2a);
const sha256 = (data) => createHash('sha256').update(data).digest();

export async function peers() {
  const wifless = wharfkit.PrivateKey.from(wharfkitPrivate(scalar));
  const publicKey = wifless.toPublic().toString();
  const event = sampleEvent(publicKey);
  const preimage = canonicalize(event);
  const digest = sha256(preimage);
  const sig = wifless.signDigest(wharfkit.Checksum256.from(digest)).toString();
  const record = canonicalize({ ...event, sig });

  const libauth = await instantiateSecp256k1();
  const compressed = tiny.pointFromScalar(scalar, true);
  const compact = wharfkit.Signature.from(sig).data.array.slice(1);
  const eosPrivate = eosjs.PrivateKey.fromString(wifless.toString());
  const eosPublic = eosjs.PublicKey.fromString(publicKey);
  const eosSig = eosjs.Signature.fromString(sig);
  const wharfPublic = wharfkit.PublicKey.from(publicKey);
  const wharfSig = wharfkit.Signature.from(sig);
  const wharfDigest = wharfkit.Checksum256.from(digest);

  assert.equal(eosPrivate.sign(digest, false).toString(), sig, 'eosjs and wharfkit sign alike');
  const text = new TextDecoder();
  const recordBytes = new TextEncoder().encode(record);

  const tasks = [
    { section: 'verify', name: 'eosjs 22 Signature.verify', run: () => eosSig.verify(digest, eosPublic, false) },
    { section: 'verify', name: 'wharfkit verifyDigest', run: () => wharfSig.verifyDigest(wharfDigest, wharfPublic) },
    { section: 'verify', name: 'noble-curves verify', run: () => secp256k1.verify(compact, digest, compressed, { prehash: false, lowS: true }) },
    { section: 'verify', name: 'tiny-secp256k1 verify', run: () => tiny.verify(digest, compressed, compact) },
    { section: 'verify', name: 'libauth verifySignatureCompact', run: () => libauth.verifySignatureCompact(compact, compressed, digest) === true },
    { section: 'sign', name: 'eosjs 22 PrivateKey.sign', run: () => eosPrivate.sign(digest, false) !== null },
    { section: 'sign', name: 'wharfkit signDigest', run: () => wifless.signDigest(wharfDigest) !== null },
    { section: 'sign', name: 'noble-curves sign', run: () => secp256k1.sign(digest, scalar, { prehash: false }).length === 64 },
    { section: 'sign', name: 'tiny-secp256k1 sign', run: () => tiny.sign(digest, scalar).length === 64 },
    { section: 'sign', name: 'libauth signMessageHashCompact', run: () => libauth.signMessageHashCompact(scalar, digest).length === 64 },
    { section: 'canonicalize+sha256', name: 'JSON.parse + canonicalize + node:crypto', run: () => sha256(canonicalize(JSON.parse(text.decode(recordBytes)))).length === 32 },
  ];
  return { tasks, event, record: recordBytes, preimage, digest, sig, publicKey, privateKey: wifless.toString() };
}

/** ours are the module's tasks, from bytes to the verdict or the bytes. */
export async function ours({ record, digest, sig, publicKey, privateKey }) {
  const file = readFileSync(new URL('../../wasm/eventseal.wasm', import.meta.url));
  const load = async () => {
    const { instance: { exports: x } } = await WebAssembly.instantiate(file, {});
    x._initialize();
    return x;
  };
  const x = await load();
  const put = (bytes) => {
    const at = x.input(bytes.length);
    new Uint8Array(x.memory.buffer).set(bytes, at);
    return bytes.length;
  };
  const ok = (at) => new DataView(x.memory.buffer).getUint32(at, true) === 0;
  const field = (bytes) => Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer), bytes]);
  const batch = Buffer.concat(Array(64).fill(field(record)));
  const toSign = Buffer.concat([digest, Buffer.from(privateKey)]);
  const signed = Buffer.concat([digest, field(Buffer.from(publicKey)), Buffer.from(sig)]);
  return [
    { section: 'verify', name: 'module: whole event, bytes to verdict', run: () => ok(x.verify(put(record), 0)) },
    { section: 'verify', name: 'module: a batch of 64, per event', each: 64, run: () => ok(x.verify_batch(put(batch), 0)) },
    { section: 'verify', name: 'module: a digest, texts of key and signature', run: () => ok(x.verify_digest(put(signed))) },
    { section: 'sign', name: 'module: a digest, text of the key', run: () => ok(x.sign_digest(put(toSign))) },
    { section: 'canonicalize+sha256', name: 'module: the event checked, preimage and record hashed', run: () => ok(x.name(put(record), 0)) },
  ];
}

/** sampleEvent is the event of about 1 KB that every bench uses. */
function sampleEvent(author) {
  return {
    v: 1, type: 'CREATE_RELEASE_BUNDLE', author_pubkey: author, created_at: 1758390021, parents: [],
    body: {
      release: { name: 'Abbey Road', release_date: '1969-09-26', format: ['LP', 'CD'], label_id: 'label:parlophone' },
      groups: [{
        group_id: 'group:beatles', name: 'The Beatles',
        members: ['lennon', 'mccartney', 'harrison', 'starr'].map((name) => ({ person_id: `person:${name}`, role: 'vocals', instrument: 'guitar' })),
      }],
      tracks: [{ title: 'Come Together', performed_by_group: { group_id: 'group:beatles' }, guests: [] }],
      tracklist: [{ track_id: 'track:come-together', disc: 1, track_number: 1, seconds: 259.5 }],
    },
    proofs: { source_links: ['https://example.org/release/1', 'https://example.org/release/2'] },
  };
}

function wharfkitPrivate(bytes) {
  return new wharfkit.PrivateKey(wharfkit.KeyType.K1, wharfkit.Bytes.from(bytes));
}
