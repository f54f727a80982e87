// What every generator uses: deterministic keys, signatures that two libraries
// agree on, and one way to write a file.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import canonicalize from 'canonicalize';
import * as wharfkit from '@wharfkit/antelope';

const require = createRequire(import.meta.url);
export const eosjs = require('eosjs/dist/eosjs-key-conversions');
export const numeric = require('eosjs/dist/eosjs-numeric');
const { ec: EC } = require('elliptic');
const BN = require('bn.js');
export { canonicalize, wharfkit, BN };

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const curves = { K1: new EC('secp256k1'), R1: new EC('p256') };
const types = { K1: numeric.KeyType.k1, R1: numeric.KeyType.r1 };

export const sha256 = (data) => createHash('sha256').update(data).digest();
export const ripemd160 = (...parts) => {
  const h = createHash('ripemd160');
  for (const p of parts) h.update(p);
  return h.digest();
};
export const hex = (b) => Buffer.from(b).toString('hex');
export const unhex = (s) => new Uint8Array(Buffer.from(s, 'hex'));

/** bytes draws n bytes that depend on nothing but the label. */
export function bytes(label, n = 32) {
  const out = [];
  for (let i = 0; out.length < n; i++) out.push(...sha256(`eventseal test vectors/${label}/${i}`));
  return new Uint8Array(out.slice(0, n));
}

export const be32 = (bn) => new Uint8Array(bn.toArray('be', 32));

// Texts of any payload, valid or not: eosjs writes what it is given.
export const publicText = (curve, data) => numeric.publicKeyToString({ type: types[curve], data });
export const legacyText = (data) => numeric.publicKeyToLegacyString({ type: types.K1, data });
export const privateText = (curve, data) => numeric.privateKeyToString({ type: types[curve], data });
export const signatureText = (curve, data) => numeric.signatureToString({ type: types[curve], data });

/** checked is Base58(payload ‖ RIPEMD-160(payload ‖ suffix)[:4]), for payloads of odd lengths. */
export function checked(prefix, payload, suffix) {
  payload = Uint8Array.from(payload);
  const sum = ripemd160(payload, suffix).subarray(0, 4);
  return prefix + numeric.binaryToBase58(new Uint8Array([...payload, ...sum]));
}

/** wif is version ‖ payload ‖ double SHA-256 checksum, for versions and payloads of any kind. */
export function wif(version, payload) {
  const body = new Uint8Array([version, ...payload]);
  return numeric.binaryToBase58(new Uint8Array([...body, ...sha256(sha256(body)).subarray(0, 4)]));
}

/** key is the key pair whose secret is the given 32 bytes, in every spelling. */
export function key(curve, scalar) {
  const priv = privateText(curve, scalar);
  const e = eosjs.PrivateKey.fromString(priv);
  const w = wharfkit.PrivateKey.from(priv);
  const pub = e.getPublicKey();
  const text = pub.toString();
  assert.equal(w.toPublic().toString(), text);
  const k = { curve, scalar, private: priv, public: text, point: new Uint8Array(w.toPublic().data.array), eosjs: e, wharfkit: w };
  if (curve === 'K1') {
    k.legacy = pub.toLegacyString();
    k.wif = e.toLegacyString();
    assert.equal(w.toPublic().toLegacyString(), k.legacy);
    assert.equal(w.toWif(), k.wif);
  }
  return k;
}

/** sign is the signature text that eosjs and wharfkit both make. */
export function sign(k, digest) {
  const text = k.eosjs.sign(digest, false).toString();
  assert.equal(k.wharfkit.signDigest(wharfkit.Checksum256.from(digest)).toString(), text);
  return text;
}

export const compact = (text) => new Uint8Array(numeric.stringToSignature(text).data);

/** craft is the signature with nonce k, its s not lowered: [header, r, s] as bytes. */
export function craft(curve, scalar, digest, nonce, { s: mirror = false } = {}) {
  const { n, g } = curves[curve];
  const R = g.mul(nonce);
  const r = R.getX().umod(n);
  let id = (R.getY().isOdd() ? 1 : 0) | (R.getX().cmp(n) >= 0 ? 2 : 0);
  let s = nonce.invm(n).mul(r.mul(new BN(scalar)).add(new BN(digest))).umod(n);
  if (mirror) { s = n.sub(s); id ^= 1; }
  return pack(31 + id, r, s);
}

export function pack(header, r, s) {
  return new Uint8Array([header, ...be32(r), ...be32(s)]);
}

export const unpack = (c) => ({ header: c[0], r: new BN(c.slice(1, 33)), s: new BN(c.slice(33)) });

/** eosCanonical is EOSIO's is_canonical, for choosing cases; never for expecting. */
export const eosCanonical = (c) => !(c[1] & 0x80) && !(c[1] === 0 && !(c[2] & 0x80)) && !(c[33] & 0x80) && !(c[33] === 0 && !(c[34] & 0x80));

/** signed completes an unsigned event: canonical bytes by `canonicalize`, SHA-256 by Node. */
export function signed(event, k) {
  const preimage = canonicalize(event);
  const hash = sha256(preimage);
  const full = { ...event, sig: sign(k, hash) };
  return { preimage, hash: hex(hash), event: full, record: canonicalize(full) };
}

export const typeCodes = {
  CREATE_RELEASE_BUNDLE: 21, CREATE_GROUP: 22, ADD_MEMBER: 23, REMOVE_MEMBER: 24, ADD_CLAIM: 30, EDIT_CLAIM: 31, DELETE_CLAIM: 32,
  VOTE: 40, LIKE: 41, DISCUSS: 42, FINALIZE: 50, DISTRIBUTE_REWARDS: 51, MERGE_NODE: 60, SPLIT_NODE: 61,
};

/** accepted is what verify reports of a valid event. */
export function accepted(s, k, code = typeCodes[s.event.type]) {
  return {
    hash: s.hash,
    record: s.record,
    record_digest: hex(sha256(s.record)),
    type: s.event.type,
    type_code: code,
    author: s.event.author_pubkey,
    author_key: (k.curve === 'K1' ? '00' : '01') + hex(k.point),
    created_at: s.event.created_at,
    parents: s.event.parents,
  };
}

/** write stores one file of cases; a name stands once in it. */
export function write(path, description, cases) {
  const names = new Set();
  for (const c of cases) {
    assert(c.name && c.op && c.in, `${path}: a case lacks name, op or in`);
    assert((c.out === undefined) !== (c.refuse === undefined), `${path}: ${c.name}: one of out and refuse`);
    assert(!names.has(c.name), `${path}: ${c.name} stands twice`);
    names.add(c.name);
  }
  const body = cases.map((c) => '    ' + JSON.stringify(c)).join(',\n');
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `{\n  "description": ${JSON.stringify(description)},\n  "cases": [\n${ascii(body)}\n  ]\n}\n`);
}

/** writeAnchor stores a file of anchor/, whose cases are of their own form, which its description tells. */
export function writeAnchor(file, { description, cases }) {
  const names = new Set(cases.map((c) => c.name));
  assert.equal(names.size, cases.length, `anchor/${file}: a name stands twice`);
  const body = cases.map((c) => '    ' + JSON.stringify(c)).join(',\n');
  mkdirSync(join(root, 'anchor'), { recursive: true });
  writeFileSync(join(root, 'anchor', file), `{\n  "description": ${JSON.stringify(description)},\n  "cases": [\n${ascii(body)}\n  ]\n}\n`);
}

// Everything beyond printable ASCII is escaped, so that no editor, and no
// checkout on any system, changes a vector.
export const ascii = (s) => s.replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
