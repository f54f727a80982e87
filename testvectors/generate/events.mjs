// events/: whole events of every type: created, signed, verified.
import { BN, accepted, be32, bytes, canonicalize, hex, key, publicText, sha256, signed, typeCodes, write } from './lib.mjs';
import { bodies, parents } from './bodies.mjs';

const authors = { K1: [0, 1, 2].map((i) => key('K1', bytes(`author K1 ${i}`))), R1: [0, 1, 2].map((i) => key('R1', bytes(`author R1 ${i}`))) };
const clock = (i) => 1758390021 + i * 86461;

const verified = { k1: [], legacy: [], r1: [] }, creates = [], signs = [], hashes = [];
let n = 0;
for (const [file, curve, spelling] of [['k1', 'K1', 'public'], ['legacy', 'K1', 'legacy'], ['r1', 'R1', 'public']]) {
  for (const type of Object.keys(typeCodes)) {
    for (const withProofs of [false, true]) {
      const k = authors[curve][n % 3];
      const event = {
        v: 1, type, author_pubkey: k[spelling], created_at: clock(n), parents: parents(n % 4), body: bodies[type],
        ...(withProofs && { proofs: { source_links: [`https://example.org/proof/${n}`], attestation: { by: 'label:archive', seq: n } } }),
      };
      n++;
      const s = signed(event, k);
      const name = type + (withProofs ? ', with proofs' : '');
      verified[file].push({ name, op: 'verify', in: { text: s.record }, out: accepted(s, k) });
      signs.push({ name: `${file}: ${name}`, op: 'sign', in: { text: s.preimage, private: n % 2 && k.wif ? k.wif : k.private }, out: { hash: s.hash, signature: s.event.sig, record: s.record } });
      hashes.push({ name: `${file}: ${name}`, op: 'hash', in: { text: JSON.stringify(event, null, 1) }, out: { hash: s.hash, preimage: s.preimage } });
      if (!withProofs || file === 'k1') {
        creates.push({
          name: `${file}: ${name}`, op: 'create',
          in: { type, author_pubkey: event.author_pubkey, created_at: event.created_at, parents: event.parents, body: JSON.stringify(event.body), ...(withProofs && { proofs: JSON.stringify(event.proofs) }) },
          out: { hash: s.hash, preimage: s.preimage },
        });
      }
    }
  }
}
write('events/k1.json', 'Signed events of every type by K1 authors.', verified.k1);
write('events/legacy.json', 'The same with the legacy spelling of the author\'s key; the spelling is part of what is hashed.', verified.legacy);
write('events/r1.json', 'The same by R1 authors.', verified.r1);
write('events/sign.json', 'sign: an unsigned event and its author\'s private key → the signed record.', signs);
write('events/hash.json', 'hash: an event in any JSON spelling, signed or not → its preimage and hash.', hashes);

// Other spellings of one JSON value, and values at their limits.
const k = authors.K1[0], r = authors.R1[0];
const base = { v: 1, type: 'ADD_CLAIM', author_pubkey: k.public, created_at: 1758390021, parents: parents(2), body: bodies.ADD_CLAIM };
const s0 = signed(base, k);
const spelling = (name, text, s = s0, by = k) => ({ name, op: 'verify', in: { text }, out: accepted(s, by) });
const limit = (name, change, by = k) => {
  const s = signed({ ...base, author_pubkey: by.public, ...change }, by);
  return spelling(name, s.record, s, by);
};
const reversed = Object.fromEntries(Object.entries(s0.event).reverse());
const nested = (depth) => { let v = {}; for (let i = 1; i < depth; i++) v = i % 2 ? [v] : { n: v }; return v; };
write('events/spelling.json', 'Events that are not written canonically are the same events; values at their limits.', [
  spelling('canonical', s0.record), spelling('members in another order', JSON.stringify(reversed)), spelling('indented', JSON.stringify(s0.event, null, 2)), spelling('indented by tabs, CRLF', JSON.stringify(reversed, null, '\t').replaceAll('\n', '\r\n')),
  spelling('white space around', ` \n\t\r${s0.record}\r\n\t `), spelling('names escaped', s0.record.replace('"body"', '"\\u0062ody"').replace('"sig"', '"\\u0073\\u0069\\u0067"')),
  spelling('type escaped', s0.record.replace('"ADD_CLAIM"', '"\\u0041DD_CLAIM"')), spelling('key escaped', s0.record.replace('PUB_K1_', 'PUB\\u005fK1_')), spelling('parents escaped', s0.record.replace(parents(2)[0], '\\u00' + parents(2)[0].charCodeAt(0).toString(16) + parents(2)[0].slice(1))),
  spelling('v as 1.0', s0.record.replace('"v":1', '"v":1.0')), spelling('v as 1e0', s0.record.replace('"v":1', '"v":1e0')), spelling('v as 10E-1', s0.record.replace('"v":1', '"v":10E-1')),
  spelling('created_at with an exponent', s0.record.replace('"created_at":1758390021', '"created_at":1758390021.0e0')), spelling('created_at with a fraction of zeros', s0.record.replace('"created_at":1758390021', '"created_at":1758390021.000')),
  limit('created_at zero', { created_at: 0 }), limit('created_at 2^53−1', { created_at: 2 ** 53 - 1 }),
  ...['-0', '-0.0', '0e99', '1e-400'].map((zero) => ((s) => spelling(`created_at zero as ${zero}`, s.record.replace('"created_at":0', `"created_at":${zero}`), s))(signed({ ...base, created_at: 0 }, k))),
  ...['9007199254740991.0', '90071992547409910e-1', '9.007199254740991E15', '9007199254740990.9999'].map((max) => ((s) => spelling(`created_at 2^53−1 as ${max}`, s.record.replace('9007199254740991', max), s))(signed({ ...base, created_at: 2 ** 53 - 1 }, k))),
  ((s) => spelling('zeros in the body', s.record.replace('[0,0,0]', '[-0,0.0,-0e5]'), s))(signed({ ...base, body: { n: [0, 0, 0] } }, k)),
  limit('no parents', { parents: [] }), limit('256 parents', { parents: parents(256) }), limit('parents in falling order', { parents: parents(5).sort().reverse() }),
  limit('parent of zeros', { parents: ['0'.repeat(64)] }),
  limit('empty body', { body: {} }), limit('empty proofs', { proofs: {} }), limit('proofs of any kind inside', { proofs: { a: [null, true, 1.5, 'x', { b: [] }] } }),
  limit('names of the event again in the body', { body: { v: 2, type: 1, sig: null, body: { sig: 'x' }, proofs: [], author_pubkey: '', parents: {}, created_at: 'now' } }),
  limit('nesting of 64', { body: nested(63) }), limit('64 levels of arrays', { body: { a: JSON.parse('['.repeat(62) + ']'.repeat(62)) } }),
  limit('fractions and exponents in the body', { body: { n: [0.1, 1e-7, 1.5e300, 5e-324, -0.5, 123456.789, 1e21] } }),
  limit('integers whose canonical form is themselves', { body: { n: [2 ** 53, 2 ** 53 + 2, -(2 ** 53) - 2, 295147905179352830000, 36893488147419103000, 1e20, 123456789012345680000] } }),
  limit('strings of all kinds in the body', { body: { s: ['', '\u0000\b\t\n\f\r"\\/', '\u007f\u0080\u2028\u2029\ufeff', '\ud834\udd1e', '\uffff', '<&>\''] } }),
  limit('names of all kinds in the body', { body: { '': 1, '\u20ac': 2, '\ud83d\ude00': 3, '\ufb33': 4, '~': 5, '/': 6, '\n': 7 } }),
  limit('R1 author', {}, r),
  limit('author key of scalar 1', {}, key('K1', be32(new BN(1)))),
  (() => { const s = signed({ ...base, author_pubkey: k.legacy }, k); return spelling('legacy key', s.record, s); })(),
  (() => {
    const event = { ...base, body: { pad: '' } };
    const room = 262144 - signed(event, k).record.length;
    event.body.pad = 'x'.repeat(room);
    const s = signed(event, k);
    const [head, tail] = s.record.split('x'.repeat(room));
    const text = [head, { repeat: 'x', times: room }, tail];
    return { name: 'exactly 256 KiB', op: 'verify', in: { text }, out: { ...accepted(s, k), record: text } };
  })(),
]);

write('events/create.json', 'create: the members of an event → its preimage and hash. body and proofs are JSON texts.', [
  ...creates,
  { name: 'body in another spelling', op: 'create', in: { type: 'VOTE', author_pubkey: k.public, created_at: 1, parents: [], body: ' { "b" : 1.0 , "\\u0061" : "\\u00e9" } ' }, out: ((p) => ({ hash: hex(sha256(p)), preimage: p }))(canonicalize({ v: 1, type: 'VOTE', author_pubkey: k.public, created_at: 1, parents: [], body: { b: 1, a: '\u00e9' } })) },
]);

// A host's own types.
const types = [{ name: 'ACME_NOTE', code: 1000 }, { name: 'ACME_\u00e9', code: 4294967295 }];
write('events/registered.json', 'Types that a host registers beside the built-in ones.', types.map((t) => {
  const s = signed({ ...base, type: t.name }, k);
  return { name: t.name, op: 'verify', in: { text: s.record, types }, out: accepted(s, k, t.code) };
}));

// An author whose key is 33 zero bytes, which is no point: what the neighbour
// in a batch signs must not pass for it.
const zeroKey = publicText('K1', new Uint8Array(33));
const forged = signed({ ...base, author_pubkey: zeroKey }, k).record;

// Batches: good and bad together, each with its own verdict.
const good = [...verified.k1.slice(0, 9), ...verified.r1.slice(0, 7), ...verified.legacy.slice(3, 8)];
const spoiled = (record) => record.replace(/"created_at":(\d+)/, (_, t) => `"created_at":${+t + 1}`);
const item = (c) => ({ text: c.in.text, out: { hash: c.out.hash, record_digest: c.out.record_digest } });
const badItem = (text, code, pointer) => ({ text, refuse: { code, ...(pointer !== undefined && { pointer }) } });
const batch = (name, items) => ({ name, op: 'verify_batch', in: { texts: items.map((i) => i.text) }, out: { items: items.map(({ text, ...rest }) => rest) } });
write('batch/verify.json', 'verify_batch: one verdict for each event, the same as verify gives.', [
  batch('none', []), batch('one', good.slice(0, 1).map(item)), batch('K1, R1 and legacy', good.map(item)), batch('the same twice', [good[0], good[0]].map(item)),
  batch('one bad signature in the middle', [item(good[0]), badItem(spoiled(good[1].in.text), 'signature_mismatch', '/sig'), item(good[2])]),
  batch('all bad', [badItem('', 'invalid_json'), badItem('{}', 'missing_field', '/v'), badItem(spoiled(good[3].in.text), 'signature_mismatch', '/sig')]),
  batch('every other one bad', good.slice(0, 12).map((c, i) => (i % 2 ? badItem(spoiled(c.in.text), 'signature_mismatch', '/sig') : item(c)))),
  batch('an empty text between', [item(good[0]), badItem('', 'invalid_json'), item(good[1])]),
  batch('one not canonical', [item(good[0]), { text: JSON.stringify(JSON.parse(good[1].in.text), null, 1), out: item(good[1]).out }]),
  batch('a key of zeros, signed by the author before it', [{ text: signed(base, k).record, out: { hash: signed(base, k).hash, record_digest: hex(sha256(signed(base, k).record)) } }, badItem(forged, 'invalid_public_key', '/author_pubkey'), item(good[0])]),
  batch('a key of zeros first', [badItem(forged, 'invalid_public_key', '/author_pubkey'), item(good[0])]),
  batch('a key of zeros after a point that is none', [badItem(signed({ ...base, author_pubkey: publicText('K1', new Uint8Array([2, ...new Uint8Array(31), 5])) }, k).record, 'invalid_public_key', '/author_pubkey'), badItem(forged, 'invalid_public_key', '/author_pubkey')]),
  batch('64 events', Array.from({ length: 64 }, (_, i) => item([...verified.k1, ...verified.r1, ...verified.legacy][i]))),
]);
