// keys/: texts of public and private keys, as eosjs and wharfkit write them.
import { BN, be32, bytes, checked, curves, hex, key, legacyText, privateText, publicText, wif, write } from './lib.mjs';

const scalars = (curve) => {
  const n = curves[curve].n;
  return [
    ['1', be32(new BN(1))], ['2', be32(new BN(2))], ['n-1', be32(n.subn(1))], ['n-2', be32(n.subn(2))], ['half', be32(n.shrn(1))],
    ['two leading zero bytes', new Uint8Array([0, 0, ...bytes(`leading ${curve}`, 30)])],
    ...Array.from({ length: 12 }, (_, i) => [`drawn ${i}`, bytes(`key ${curve} ${i}`)]),
  ].map(([name, scalar]) => [name, key(curve, scalar)]);
};

const publics = [], privates = [], random = [];
for (const curve of ['K1', 'R1']) {
  for (const [name, k] of scalars(curve)) {
    const out = { curve, point: hex(k.point), text: k.public, ...(k.legacy && { legacy: k.legacy }) };
    publics.push({ name: `${curve} ${name}`, op: 'public_text', in: { text: k.public }, out });
    if (k.legacy) publics.push({ name: `${curve} ${name}, legacy`, op: 'public_text', in: { text: k.legacy }, out });
    const priv = { curve, text: k.private, public: k.public };
    privates.push({ name: `${curve} ${name}`, op: 'private_text', in: { text: k.private }, out: priv });
    if (k.wif) privates.push({ name: `${curve} ${name}, WIF`, op: 'private_text', in: { text: k.wif }, out: priv });
    random.push({ name: `${curve} ${name}`, op: 'key_from_random', in: { curve, random: hex(k.scalar) }, out: { private: k.private, public: k.public } });
  }
  const n = curves[curve].n;
  for (const [name, b] of [['zero', new Uint8Array(32)], ['n', be32(n)], ['n+1', be32(n.addn(1))], ['all ones', new Uint8Array(32).fill(0xff)]]) {
    random.push({ name: `${curve} ${name}`, op: 'key_from_random', in: { curve, random: hex(b) }, refuse: { code: 'invalid_private_key' } });
  }
}
random.push({ name: 'the other curve\'s order minus one', op: 'key_from_random', in: { curve: 'K1', random: hex(be32(curves.R1.n.subn(1))) }, out: keyOut('K1', be32(curves.R1.n.subn(1))) });

function keyOut(curve, scalar) {
  const k = key(curve, scalar);
  return { private: k.private, public: k.public };
}

write('keys/public.json', 'public_text: a public key in any spelling → its curve, its compressed point, its text, and the legacy text where there is one.', publics);
write('keys/private.json', 'private_text: a private key in any spelling → its curve, its text, its public key.', privates);
write('keys/random.json', 'key_from_random: 32 random bytes, a big-endian number in [1, n−1], are the key.', random);

// Malformed ones.
const K = key('K1', bytes('key K1 0')), R = key('R1', bytes('key R1 0'));
const bad = (op, code) => (name, text) => ({ name, op, in: { text }, refuse: { code } });
const pub = bad('public_text', 'invalid_public_key');
const flip = (text, at) => text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1);
const point = (prefix, x) => new Uint8Array([prefix, ...x]);
/** offCurve finds the least x ≥ from that is on no point. */
const offCurve = (curve) => {
  for (let x = new BN(1); ; x = x.addn(1)) {
    try { curves[curve].curve.pointFromX(x, false); } catch { return be32(x); }
  }
};
const p = { K1: curves.K1.curve.p, R1: curves.R1.curve.p };
const both = (f) => ['K1', 'R1'].flatMap((c) => f(c, c === 'K1' ? K : R));

export const badPublic = [
  pub('empty', ''), pub('prefix only', 'PUB_K1_'), pub('legacy prefix only', 'EOS'), pub('no prefix', K.legacy.slice(3)),
  pub('half a prefix', 'PUB_K'), pub('lower-case prefix', 'pub_k1_' + K.public.slice(7)), pub('lower-case legacy prefix', 'eos' + K.legacy.slice(3)),
  pub('PUB_ without a curve', 'PUB_' + K.public.slice(7)), pub('unknown curve', 'PUB_X1_' + K.public.slice(7)),
  pub('PUB_WA_ is not read yet', checked('PUB_WA_', [...K.point, 0, 0], 'WA')),
  pub('a private key', K.private), pub('a signature', K.wharfkit.signDigest(bytes('d')).toString()),
  pub('space before', ' ' + K.public), pub('space after', K.public + ' '), pub('line feed after', K.public + '\n'), pub('NUL after', K.public + '\0'), pub('space within', K.public.slice(0, 20) + ' ' + K.public.slice(20)),
  pub('0 is not in the alphabet', K.public.slice(0, 20) + '0' + K.public.slice(21)), pub('O is not in the alphabet', K.public.slice(0, 20) + 'O' + K.public.slice(21)),
  pub('I is not in the alphabet', K.public.slice(0, 20) + 'I' + K.public.slice(21)), pub('l is not in the alphabet', K.public.slice(0, 20) + 'l' + K.public.slice(21)),
  pub('a letter beyond ASCII', K.public.slice(0, 20) + '\u00e9' + K.public.slice(21)), pub('full-width digit', K.public.slice(0, 20) + '\uff11' + K.public.slice(21)),
  ...both((c, k) => [
    pub(`${c}: one letter changed`, flip(k.public, 30)), pub(`${c}: last letter changed`, flip(k.public, k.public.length - 1)), pub(`${c}: last letter missing`, k.public.slice(0, -1)),
    pub(`${c}: one letter more`, k.public + '1'), pub(`${c}: a zero byte more`, k.public.slice(0, 7) + '1' + k.public.slice(7)),
    pub(`${c}: two letters swapped`, k.public.slice(0, 20) + k.public[21] + k.public[20] + k.public.slice(22)),
    pub(`${c}: 32 bytes`, checked(`PUB_${c}_`, k.point.slice(0, 32), c)), pub(`${c}: 34 bytes`, checked(`PUB_${c}_`, [...k.point, 0], c)),
    pub(`${c}: uncompressed point`, checked(`PUB_${c}_`, curves[c].keyFromPublic(k.point).getPublic(false, 'array'), c)),
    pub(`${c}: empty payload`, checked(`PUB_${c}_`, [], c)),
    ...[0, 1, 4, 5, 6, 7, 0x82, 0xff].map((h) => pub(`${c}: point form ${h}`, publicText(c, point(h, k.point.slice(1))))),
    pub(`${c}: x on no point`, publicText(c, point(2, offCurve(c)))), pub(`${c}: x on no point, odd`, publicText(c, point(3, offCurve(c)))),
    pub(`${c}: x is p`, publicText(c, point(2, be32(p[c])))), pub(`${c}: x is p+1`, publicText(c, point(2, be32(p[c].addn(1))))), pub(`${c}: x is all ones`, publicText(c, point(3, new Uint8Array(32).fill(0xff)))),
    pub(`${c}: all zeros`, publicText(c, new Uint8Array(33))),
  ]),
  pub('K1: x is zero, which is on no point', publicText('K1', point(2, new Uint8Array(32)))),
  pub('PUB_K1_ with the legacy checksum', 'PUB_K1_' + K.legacy.slice(3)), pub('legacy with the K1 checksum', 'EOS' + K.public.slice(7)),
  pub('PUB_R1_ with the K1 checksum', 'PUB_R1_' + K.public.slice(7)), pub('PUB_K1_ with the R1 checksum', 'PUB_K1_' + R.public.slice(7)),
  pub('PUB_R1_ with no suffix', checked('PUB_R1_', R.point, '')), pub('legacy form of an R1 point', checked('EOS', R.point, 'R1')),
  pub('an R1 point as K1', publicText('K1', onlyOn('R1', 'K1'))), pub('an R1 point as legacy', legacyText(onlyOn('R1', 'K1'))), pub('a K1 point as R1', publicText('R1', onlyOn('K1', 'R1'))),
  pub('very long', K.public + 'z'.repeat(4000)), pub('very long, all ones', 'PUB_K1_' + '1'.repeat(4000)),
];
write('refusals/invalid_public_key.text.json', 'Texts that are no public key.', badPublic);

/** onlyOn is a point of one curve whose x is on no point of the other. */
function onlyOn(curve, other) {
  for (let i = 0; ; i++) {
    const q = key(curve, bytes(`only on ${curve} ${i}`)).point;
    try { curves[other].curve.pointFromX(new BN(q.slice(1)), false); } catch { return q; }
  }
}

const prv = bad('private_text', 'invalid_private_key');
write('refusals/invalid_private_key.json', 'Texts that are no private key.', [
  prv('empty', ''), prv('prefix only', 'PVT_K1_'), prv('the 5 of a WIF only', '5'), prv('no prefix', K.private.slice(7)), prv('a public key', K.public), prv('a legacy public key', K.legacy),
  prv('lower-case prefix', 'pvt_k1_' + K.private.slice(7)), prv('unknown curve', 'PVT_X1_' + K.private.slice(7)), prv('PVT_WA_', checked('PVT_WA_', K.scalar, 'WA')),
  prv('hex', hex(K.scalar)), prv('space before', ' ' + K.private), prv('space after', K.private + ' '), prv('WIF, line feed after', K.wif + '\n'),
  ...both((c, k) => [
    prv(`${c}: one letter changed`, flip(k.private, 30)), prv(`${c}: last letter changed`, flip(k.private, k.private.length - 1)), prv(`${c}: last letter missing`, k.private.slice(0, -1)),
    prv(`${c}: 31 bytes`, checked(`PVT_${c}_`, k.scalar.slice(0, 31), c)), prv(`${c}: 33 bytes`, checked(`PVT_${c}_`, [...k.scalar, 1], c)), prv(`${c}: no suffix in the checksum`, checked(`PVT_${c}_`, k.scalar, '')),
    prv(`${c}: zero`, privateText(c, new Uint8Array(32))), prv(`${c}: n`, privateText(c, be32(curves[c].n))), prv(`${c}: n+1`, privateText(c, be32(curves[c].n.addn(1)))),
    prv(`${c}: all ones`, privateText(c, new Uint8Array(32).fill(0xff))), prv(`${c}: not in the alphabet`, k.private.slice(0, 20) + '0' + k.private.slice(21)),
  ]),
  prv('PVT_R1_ with the K1 checksum', 'PVT_R1_' + K.private.slice(7)), prv('PVT_K1_ with the R1 checksum', 'PVT_K1_' + R.private.slice(7)),
  prv('a WIF behind PVT_K1_', 'PVT_K1_' + K.wif), prv('the payload of PVT_K1_ behind a 5', '5' + K.private.slice(7)),
  prv('WIF: one letter changed', flip(K.wif, 20)), prv('WIF: last letter missing', K.wif.slice(0, -1)), prv('WIF: zero', wif(0x80, new Uint8Array(32))), prv('WIF: n', wif(0x80, be32(curves.K1.n))),
  prv('WIF: compressed form (K… or L…)', wif(0x80, [...K.scalar, 1])), prv('WIF: test network (9…)', wif(0xef, K.scalar)), prv('WIF: 31 bytes', wif(0x80, K.scalar.slice(1))), prv('WIF: 33 bytes', wif(0x80, [...K.scalar, 0])),
  prv('WIF: version 129', wif(0x81, K.scalar)), prv('very long', 'PVT_K1_' + 'z'.repeat(4000)), prv('very long WIF', '5' + 'z'.repeat(4000)),
]);
