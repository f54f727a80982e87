// signatures/: signing, checking and recovery over 32-byte digests. What is
// expected comes from eosjs and wharfkit, which must agree; what they do not
// hold to (canonical form, recovery id) from elliptic's points.
import assert from 'node:assert/strict';
import { BN, be32, bytes, checked, compact, craft, curves, eosCanonical, hex, key, pack, sign, signatureText, unhex, unpack, write } from './lib.mjs';

const digests = (curve) => {
  const n = curves[curve].n;
  return [
    ['zero', new Uint8Array(32)], ['one', be32(new BN(1))], ['n-1', be32(n.subn(1))], ['n', be32(n)], ['n+1', be32(n.addn(1))], ['all ones', new Uint8Array(32).fill(0xff)],
    ['leading zeros', new Uint8Array([0, 0, 0, ...bytes('leading zeros', 29)])],
    ...Array.from({ length: 40 }, (_, i) => [`drawn ${i}`, bytes(`digest ${i}`)]),
  ];
};

const drop = (c, f) => { const b = new Uint8Array(c); f(b); return b; };
const nonce = (label) => new BN(bytes(`nonce ${label}`)).umod(curves.K1.n);

for (const curve of ['K1', 'R1']) {
  const signing = [], recovering = [];
  const keys = [key(curve, be32(new BN(1))), key(curve, be32(curves[curve].n.subn(1))), ...Array.from({ length: 6 }, (_, i) => key(curve, bytes(`signer ${curve} ${i}`)))];
  for (const [i, [name, d]] of digests(curve).entries()) {
    for (const k of i < 7 ? keys.slice(0, 3) : [keys[i % keys.length]]) {
      const s = sign(k, d);
      const n = `${name}, ${k.public.slice(7, 13)}`;
      signing.push({ name: n, op: 'sign_digest', in: { private: k.private, digest: hex(d) }, out: { signature: s } });
      recovering.push({ name: n, op: 'recover', in: { signature: s, digest: hex(d) }, out: { public: k.public } });
    }
  }
  write(`signatures/${curve.toLowerCase()}.sign.json`, `sign_digest on ${curve}: the bytes of eosjs 22 and @wharfkit/antelope 1.`, signing);
  write(`signatures/${curve.toLowerCase()}.recover.json`, `recover on ${curve}: the one key that made the signature.`, recovering);
}

const K = key('K1', bytes('signer K1 0')), R = key('R1', bytes('signer R1 0'));
const d = bytes('digest 0'), other = bytes('digest 1');
const k1 = compact(sign(K, d)), r1 = compact(sign(R, d));
const verify = (name, k, digest, signature, code) => ({
  name, op: 'verify_digest', in: { public: k.public, digest: hex(digest), signature }, ...(code ? { refuse: { code } } : { out: {} }),
});
/** grind crafts signatures until one has the wanted property. */
const grind = (curve, k, label, want, opts) => {
  for (let i = 0; ; i++) {
    const c = craft(curve, k.scalar, d, nonce(`${label} ${i}`), opts);
    if (want(c)) return c;
  }
};

// Signatures that no library would make but that are the author's.
const valid = [];
for (let i = 0; i < 12; i++) {
  const c = grind('K1', K, `valid ${i}`, eosCanonical);
  assert(curves.K1.keyFromPublic(K.point).verify(d, { r: c.slice(1, 33), s: c.slice(33) }));
  valid.push(verify(`K1, another nonce ${i}`, K, d, signatureText('K1', c)));
}
const low = (c) => unpack(c).s.cmp(curves.R1.n.shrn(1)) <= 0;
for (let i = 0; i < 6; i++) {
  valid.push(verify(`R1, low s ${i}`, R, d, signatureText('R1', grind('R1', R, `low ${i}`, low))));
  valid.push(verify(`R1, high s ${i}: there is no rule against it`, R, d, signatureText('R1', grind('R1', R, `high ${i}`, (c) => !low(c)))));
}
valid.push(verify('R1, mirrored, with its own recovery id', R, d, signatureText('R1', mirrored('R1', r1))));
valid.push(verify('R1, short r and s', R, d, signatureText('R1', grind('R1', R, 'short', (c) => c[1] === 0 || c[33] === 0))));
valid.push(verify('K1, r with a zero byte before its top bit', K, d, signatureText('K1', grind('K1', K, 'zero r', (c) => eosCanonical(c) && c[1] === 0))));
valid.push(verify('K1, s with a zero byte before its top bit', K, d, signatureText('K1', grind('K1', K, 'zero s', (c) => eosCanonical(c) && c[33] === 0))));
const small = [];
for (const text of ['1', 'n-1']) small.push(key('K1', text === '1' ? be32(new BN(1)) : be32(curves.K1.n.subn(1))));
for (const [i, k] of small.entries()) valid.push(verify(`K1, author key ±G ${i}`, k, d, sign(k, d)));
// r beyond the order: the point's x is r + n, so the recovery id is 2 or 3.
for (const id of [2, 3]) {
  const { n, curve } = curves.R1;
  for (let i = 1, found = false; !found; i++) {
    let Rp;
    try { Rp = curve.pointFromX(n.addn(i), id === 3); } catch { continue; }
    if (Rp.getX().cmp(n) < 0) continue;
    found = true;
    const r = new BN(i), s = new BN(bytes(`s beyond ${id}`)).umod(n), w = r.invm(n);
    const q = Rp.mul(s).add(curves.R1.g.mul(new BN(d)).neg()).mul(w);
    const k = { public: publicOf('R1', q) };
    assert(curves.R1.keyFromPublic(q).verify(d, { r: be32(r), s: be32(s) }));
    valid.push(verify(`R1, recovery id ${id}`, k, d, signatureText('R1', pack(31 + id, r, s))));
    valid.push(verify(`R1, recovery id ${id} told as ${id - 2}`, k, d, signatureText('R1', pack(29 + id, r, s)), 'signature_mismatch'));
    valid.push({ name: `R1, recover with id ${id}`, op: 'recover', in: { signature: signatureText('R1', pack(31 + id, r, s)), digest: hex(d) }, out: { public: k.public } });
  }
}
write('signatures/verify.json', 'verify_digest: signatures that are valid although no library makes them, and their neighbours.', valid);

function publicOf(curve, q) {
  return checked(`PUB_${curve}_`, q.encodeCompressed(), curve);
}
function mirrored(curve, c) {
  const { header, r, s } = unpack(c);
  return pack(31 + ((header - 31) ^ 1), r, curves[curve].n.sub(s));
}

// Not the author's.
const mismatch = [
  verify('K1: another digest', K, other, signatureText('K1', k1), 'signature_mismatch'),
  verify('K1: one bit of the digest', K, drop(d, (b) => { b[31] ^= 1; }), signatureText('K1', k1), 'signature_mismatch'),
  verify('K1: another key', key('K1', bytes('signer K1 1')), d, signatureText('K1', k1), 'signature_mismatch'),
  verify('K1: the negated key', key('K1', be32(curves.K1.n.sub(new BN(K.scalar)))), d, signatureText('K1', k1), 'signature_mismatch'),
  verify('R1: another digest', R, other, signatureText('R1', r1), 'signature_mismatch'),
  verify('R1: another key', key('R1', bytes('signer R1 1')), d, signatureText('R1', r1), 'signature_mismatch'),
  verify('R1: the negated key', key('R1', be32(curves.R1.n.sub(new BN(R.scalar)))), d, signatureText('R1', r1), 'signature_mismatch'),
  verify('R1: mirrored, recovery id kept', R, d, signatureText('R1', drop(mirrored('R1', r1), (b) => { b[0] = r1[0]; })), 'signature_mismatch'),
  verify('K1 key, R1 signature', K, d, signatureText('R1', r1), 'signature_mismatch'),
  verify('R1 key, K1 signature', R, d, signatureText('K1', k1), 'signature_mismatch'),
  ...[1, 2, 3].map((x) => verify(`K1: recovery id changed by ${x}`, K, d, signatureText('K1', drop(k1, (b) => { b[0] = 31 + ((b[0] - 31) ^ x); })), 'signature_mismatch')),
  ...[1, 2, 3].map((x) => verify(`R1: recovery id changed by ${x}`, R, d, signatureText('R1', drop(r1, (b) => { b[0] = 31 + ((b[0] - 31) ^ x); })), 'signature_mismatch')),
  ...[5, 20, 31].map((i) => verify(`K1: byte ${i} of r changed`, K, d, signatureText('K1', drop(k1, (b) => { b[1 + i] ^= 1; })), 'signature_mismatch')),
  ...[5, 20, 31].map((i) => verify(`K1: byte ${i} of s changed`, K, d, signatureText('K1', drop(k1, (b) => { b[33 + i] ^= 1; })), 'signature_mismatch')),
  ...[0, 20, 31].map((i) => verify(`R1: byte ${i} of s changed`, R, d, signatureText('R1', drop(r1, (b) => { b[33 + i] ^= 1; })), 'signature_mismatch')),
];
for (const curve of ['K1', 'R1']) {
  const { n, g, curve: E } = curves[curve];
  const k = curve === 'K1' ? K : R;
  // r that is on no point, and numbers whose key is the point at infinity.
  for (let i = 0, left = 2; left; i++) {
    const c = new Uint8Array([31, ...bytes(`no point ${curve} ${i}`), ...bytes('s')]);
    c[1] = c[33] = 0x11;
    try { E.pointFromX(new BN(c.slice(1, 33)), false); continue; } catch { left--; }
    mismatch.push(verify(`${curve}: r is on no point ${left}`, k, d, signatureText(curve, c), 'signature_mismatch'));
    mismatch.push({ name: `${curve}: recover, r is on no point ${left}`, op: 'recover', in: { signature: signatureText(curve, c), digest: hex(d) }, refuse: { code: 'signature_mismatch' } });
  }
  for (let i = 0, left = 2; left; i++) {
    const t = nonce(`infinity ${i}`), P = g.mul(t), r = P.getX().umod(n), s = new BN(d).umod(n).mul(t.invm(n)).umod(n);
    const c = pack(31 + (P.getY().isOdd() ? 1 : 0), r, s);
    if (curve === 'K1' && !eosCanonical(c)) continue;
    left--;
    mismatch.push(verify(`${curve}: leads to the point at infinity ${left}`, k, d, signatureText(curve, c), 'signature_mismatch'));
    mismatch.push({ name: `${curve}: recover, leads to the point at infinity ${left}`, op: 'recover', in: { signature: signatureText(curve, c), digest: hex(d) }, refuse: { code: 'signature_mismatch' } });
  }
}
// r + n is the abscissa of a point only modulo p, or modulo 2^256: nothing was
// signed with that point, though the key that it would lead to is in place.
for (const curve of ['K1', 'R1']) {
  const { n, g, curve: E } = curves[curve], p = E.p, beyond = new BN(1).shln(256);
  const wraps = { '2^256': [beyond, (i) => g.mul(nonce(`wrap ${curve} ${i}`))] };
  // On K1 such an r is too short to be canonical.
  if (curve === 'R1') wraps.p = [p, (i) => { try { return E.pointFromX(new BN(i), false); } catch { return null; } }];
  for (const [name, [wrap, draw]] of Object.entries(wraps)) {
    for (let i = 1, left = 2; left; i++) {
      const P = draw(i), s = new BN([0x11, ...bytes(`s of wrap ${curve} ${i}`).slice(1)]);
      if (!P) continue;
      const r = P.getX().add(wrap).sub(n), c = pack(34 - (P.getY().isOdd() ? 0 : 1), r.umod(n), s);
      if (r.cmp(n) >= 0 || (name === 'p' && r.add(n).cmp(beyond) >= 0) || (curve === 'K1' && !eosCanonical(c))) continue;
      left--;
      const q = P.mul(s).add(g.mul(new BN(d)).neg()).mul(r.invm(n));
      assert(!curves[curve].keyFromPublic(q).verify(d, { r: be32(r), s: be32(s) }));
      mismatch.push(verify(`${curve}: r + n is a point's x modulo ${name} ${left}`, { public: publicOf(curve, q) }, d, signatureText(curve, c), 'signature_mismatch'));
      mismatch.push({ name: `${curve}: recover, r + n is a point's x modulo ${name} ${left}`, op: 'recover', in: { signature: signatureText(curve, c), digest: hex(d) }, refuse: { code: 'signature_mismatch' } });
    }
  }
}
write('refusals/signature_mismatch.digest.json', 'Signatures that are well formed and not the key\'s.', mismatch);

// Not in canonical form.
const parse = (code) => (name, text) => ({ name, op: 'signature_text', in: { text }, refuse: { code } });
const nc = parse('noncanonical_signature');
const rough = (label, want) => signatureText('K1', grind('K1', K, label, want));
// The first two bytes of a number at their limits, and whether they are canonical.
const edges = { '0000': false, '007f': false, '0080': true, '00ff': true, '0100': true, '7fff': true, '8000': false, '80ff': false, ff00: false };
const edge = (r, s) => signatureText('K1', new Uint8Array([32, ...unhex(r), ...bytes('edge of r').slice(2), ...unhex(s), ...bytes('edge of s').slice(2)]));
write('refusals/noncanonical_signature.text.json', 'K1 signatures of the author that are not EOS-canonical.', [
  nc('mirrored', signatureText('K1', mirrored('K1', k1))), nc('r has its top bit', rough('top r', (c) => c[1] >= 0x80 && c[33] < 0x80 && c[33])),
  nc('s has its top bit', rough('top s', (c) => c[33] >= 0x80 && c[1] < 0x80 && c[1])), nc('both have', rough('top both', (c) => c[1] >= 0x80 && c[33] >= 0x80)),
  nc('r is short', rough('short r', (c) => c[1] === 0 && c[2] < 0x80 && c[33] < 0x80 && c[33])), nc('s is short', rough('short s', (c) => c[33] === 0 && c[34] < 0x80 && c[1] < 0x80 && c[1])),
  nc('r is 1', signatureText('K1', pack(31, new BN(1), new BN(k1.slice(33))))), nc('s is 1', signatureText('K1', pack(31, new BN(k1.slice(1, 33)), new BN(1)))),
  nc('s is n-1', signatureText('K1', pack(31, new BN(k1.slice(1, 33)), curves.K1.n.subn(1)))), nc('r is n-1', signatureText('K1', pack(31, curves.K1.n.subn(1), new BN(k1.slice(33))))),
  ...Object.entries(edges).filter(([, canonical]) => !canonical).flatMap(([h]) => [nc(`r begins with ${h}`, edge(h, '1111')), nc(`s begins with ${h}`, edge('1111', h)), nc(`both begin with ${h}`, edge(h, h))]),
  verify('mirrored, checked against its key', K, d, signatureText('K1', mirrored('K1', k1)), 'noncanonical_signature'),
  verify('not canonical and another key', key('K1', bytes('signer K1 1')), d, signatureText('K1', mirrored('K1', k1)), 'noncanonical_signature'),
  { name: 'recover from a mirrored one', op: 'recover', in: { signature: signatureText('K1', mirrored('K1', k1)), digest: hex(d) }, refuse: { code: 'noncanonical_signature' } },
]);

// Malformed.
const bad = parse('invalid_signature');
const malformed = [
  bad('empty', ''), bad('prefix only', 'SIG_K1_'), bad('no prefix', signatureText('K1', k1).slice(7)), bad('lower-case prefix', 'sig_k1_' + signatureText('K1', k1).slice(7)), bad('unknown curve', 'SIG_X1_' + signatureText('K1', k1).slice(7)),
  bad('SIG_WA_ is not read yet', checked('SIG_WA_', [...r1, 0, 0], 'WA')), bad('a public key', K.public), bad('hex', hex(k1)),
  bad('space before', ' ' + signatureText('K1', k1)), bad('space after', signatureText('K1', k1) + ' '), bad('line feed after', signatureText('R1', r1) + '\n'),
  bad('very long', 'SIG_K1_' + 'z'.repeat(4000)), bad('very long, all ones', 'SIG_K1_' + '1'.repeat(4000)),
  bad('SIG_R1_ with the K1 checksum', 'SIG_R1_' + signatureText('K1', k1).slice(7)), bad('SIG_K1_ with the R1 checksum', 'SIG_K1_' + signatureText('R1', r1).slice(7)), bad('SIG_K1_ with no suffix in the checksum', checked('SIG_K1_', k1, '')),
];
for (const [curve, c] of [['K1', k1], ['R1', r1]]) {
  const { n } = curves[curve], { r, s } = unpack(c), t = signatureText(curve, c);
  const put = (name, r, s) => malformed.push(bad(`${curve}: ${name}`, signatureText(curve, pack(c[0], r, s))));
  put('r is zero', new BN(0), s); put('s is zero', r, new BN(0)); put('both are zero', new BN(0), new BN(0));
  put('r is n', n, s); put('s is n', r, n); put('r is n+1', n.addn(1), s); put('s is n+1', r, n.addn(1)); put('both are n', n, n);
  put('r is all ones', new BN(new Uint8Array(32).fill(0xff)), s); put('s is all ones', r, new BN(new Uint8Array(32).fill(0xff)));
  put('r is p', curves[curve].curve.p, s);
  for (const h of [0, 1, 26, 27, 28, 29, 30, 35, 36, 39, 63, 159, 255]) malformed.push(bad(`${curve}: header ${h}`, signatureText(curve, drop(c, (b) => { b[0] = h; }))));
  malformed.push(
    bad(`${curve}: one letter changed`, t.slice(0, 40) + (t[40] === 'a' ? 'b' : 'a') + t.slice(41)), bad(`${curve}: last letter missing`, t.slice(0, -1)), bad(`${curve}: one letter more`, t + '1'), bad(`${curve}: a zero byte more`, t.slice(0, 7) + '1' + t.slice(7)),
    bad(`${curve}: not in the alphabet`, t.slice(0, 40) + 'l' + t.slice(41)), bad(`${curve}: a letter beyond ASCII`, t.slice(0, 40) + '\u00e9' + t.slice(41)),
    bad(`${curve}: 64 bytes`, checked(`SIG_${curve}_`, c.slice(0, 64), curve)), bad(`${curve}: 66 bytes`, checked(`SIG_${curve}_`, [...c, 0], curve)), bad(`${curve}: r and s without a header`, checked(`SIG_${curve}_`, c.slice(1), curve)), bad(`${curve}: empty payload`, checked(`SIG_${curve}_`, [], curve)),
    verify(`${curve}: r is zero, checked against its key`, curve === 'K1' ? K : R, d, signatureText(curve, pack(c[0], new BN(0), s)), 'invalid_signature'),
    verify(`${curve}: r is n, checked against its key`, curve === 'K1' ? K : R, d, signatureText(curve, pack(c[0], n, s)), 'invalid_signature'),
    { name: `${curve}: recover, r is zero`, op: 'recover', in: { signature: signatureText(curve, pack(c[0], new BN(0), s)), digest: hex(d) }, refuse: { code: 'invalid_signature' } },
    { name: `${curve}: recover, s is n`, op: 'recover', in: { signature: signatureText(curve, pack(c[0], r, n)), digest: hex(d) }, refuse: { code: 'invalid_signature' } },
  );
}
write('refusals/invalid_signature.text.json', 'Texts that are no signature.', malformed);

write('signatures/text.json', 'signature_text: a signature → its curve and its 65 bytes.', [
  ...Array.from({ length: 10 }, (_, i) => ['K1', compact(sign(K, bytes(`text ${i}`)))]), ...Array.from({ length: 10 }, (_, i) => ['R1', compact(sign(R, bytes(`text ${i}`)))]),
  ...Object.entries(edges).filter(([, canonical]) => canonical).flatMap(([h]) => [edge(h, '1111'), edge('1111', h), edge(h, h)]).map((text) => ['K1', compact(text)]),
].map(([curve, c], i) => ({ name: `${curve} ${i}`, op: 'signature_text', in: { text: signatureText(curve, c) }, out: { curve, compact: hex(c) } })));
