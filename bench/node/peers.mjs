// The peers' side of `make bench`: each task is one whole operation on the same
// 1 KB event, key and digest. Output of a task is checked once before it is timed,
// so that nothing is measured that does not work.
import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
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
    ['verify', 'eosjs 22 Signature.verify', () => eosSig.verify(digest, eosPublic, false)],
    ['verify', 'wharfkit verifyDigest', () => wharfSig.verifyDigest(wharfDigest, wharfPublic)],
    ['verify', 'noble-curves verify', () => secp256k1.verify(compact, digest, compressed, { prehash: false, lowS: true })],
    ['verify', 'tiny-secp256k1 verify', () => tiny.verify(digest, compressed, compact)],
    ['verify', 'libauth verifySignatureCompact', () => libauth.verifySignatureCompact(compact, compressed, digest) === true],
    ['sign', 'eosjs 22 PrivateKey.sign', () => eosPrivate.sign(digest, false) !== null],
    ['sign', 'wharfkit signDigest', () => wifless.signDigest(wharfDigest) !== null],
    ['sign', 'noble-curves sign', () => secp256k1.sign(digest, scalar, { prehash: false }).length === 64],
    ['sign', 'tiny-secp256k1 sign', () => tiny.sign(digest, scalar).length === 64],
    ['sign', 'libauth signMessageHashCompact', () => libauth.signMessageHashCompact(scalar, digest).length === 64],
    ['canonicalize+sha256', 'JSON.parse + canonicalize + node:crypto', () => sha256(canonicalize(JSON.parse(text.decode(recordBytes)))).length === 32],
  ];
  return { tasks, event, record: recordBytes, preimage, digest, sig, publicKey, privateKey: wifless.toString() };
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
