// What goes to a chain of Antelope's kind: transactions, the data of the
// contract's actions and rows, names, requests to wallets, the contract's ABI.
// Bytes are wharfkit's; eosjs, which shares no code with it, has to agree.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { RequestDataV2, RequestFlags, SigningRequest, ChainId } from '@wharfkit/signing-request';
import { bytes, hex, key, root, sha256, sign, wharfkit, writeAnchor } from './lib.mjs';

const require = createRequire(import.meta.url);
const { Api } = require('eosjs/dist/eosjs-api');
const { SerialBuffer } = require('eosjs/dist/eosjs-serialize');
const { ABI, Checksum256, Name, Serializer, Transaction } = wharfkit;
const coders = { textDecoder: new TextDecoder(), textEncoder: new TextEncoder() };

/** below draws a number under n that depends on nothing but the label. */
const below = (n, label) => Number(Buffer.from(bytes(`anchor/${label}`, 6)).readUIntBE(0, 6) % n);
const pick = (list, label) => list[below(list.length, label)];
const digest = (label) => hex(bytes(`anchor/${label}`));

// Names

const letters = '.12345abcdefghijklmnopqrstuvwxyz';

/** drawName is a name as the chain writes it: no dot at its end. */
function drawName(label) {
  const length = 1 + below(13, `${label}/length`);
  let text = '';
  for (let i = 0; i < length; i++) text += letters[below(i === 12 ? 16 : 32, `${label}/${i}`)];
  return text.replace(/\.+$/, '') || 'a';
}

/** value is what both libraries make of a name's text; undefined if it is none. */
function value(text) {
  if (text === '') return undefined; // the name zero has a text of no characters, which says nothing
  const b = new SerialBuffer(coders);
  try {
    b.pushName(text);
  } catch {
    return undefined;
  }
  const again = new SerialBuffer({ ...coders, array: b.asUint8Array() });
  if (again.getName() !== text) return undefined; // nodeos: "Name not properly normalized"
  const number = Buffer.from(b.asUint8Array()).readBigUInt64LE().toString();
  assert.equal(Name.from(text).value.toString(), number);
  assert.equal(Name.from(wharfkit.UInt64.from(number)).toString(), text);
  return number;
}

const edgeNames = [
  'a', 'z', '1', '5', '.a', '..1', '............1', '............j', 'zzzzzzzzzzzzj', '555555555555', '1234512345123',
  'eosio', 'eosio.token', 'a.b', 'a..b', 'a.b.c.d.e.f.g', 'abcdefghijklm'.slice(0, 12), 'aaaaaaaaaaaaj', 'aaaaaaaaaaaa1', 'active', 'owner',
  'eosio.code', 'post', 'event', 'heads', 'events', 'anchor',
];
const names = [...new Set([...edgeNames, ...Array.from({ length: 200 }, (_, i) => drawName(`name/${i}`))])];
const notNames = {
  'nothing': '', 'a dot': '.', 'thirteen dots': '.............', 'a dot at the end': 'a.', 'the thirteenth a dot': 'aaaaaaaaaaaa.', 'upper case': 'UPPER', 'one of upper case': 'eosiO',
  'digit 0': 'a0', 'digit 6': 'a6', 'digit 9': '9', 'fourteen': 'aaaaaaaaaaaaaa', 'fourteen, the last a dot': 'aaaaaaaaaaaaa.', 'the thirteenth a k': 'aaaaaaaaaaaak', 'the thirteenth a z': 'zzzzzzzzzzzzz',
  'a space': 'a b', 'a space before': ' a', 'a space after': 'a ', 'a line end': 'a\n', 'a NUL': 'a\0', 'an underscore': 'event_row', 'a hyphen': 'a-b', 'an at sign': 'a@active', 'a letter beyond ASCII': 'ä', 'a digit beyond ASCII': '١',
  'a full-width letter': '\uff41', 'a number': '6138663591592764928', 'a very long one': 'a'.repeat(300),
};
writeAnchor('names.json', {
  description: "Names of accounts, permissions, actions and tables. A case has text and either value, the name's 64 bits as a decimal number, or refuse: true, where the text is not the one spelling of any name.",
  cases: [
    ...names.map((text) => {
      const number = value(text);
      assert(number !== undefined, text);
      return { name: text, text, value: number };
    }),
    ...Object.entries(notNames).map(([name, text]) => {
      assert(value(text) === undefined, name);
      return { name, text, refuse: true };
    }),
  ],
});

// The contract's ABI, and what it says of data

const json = readFileSync(join(root, '../host/anchor/contract/anchor.abi'), 'utf8');
const abi = ABI.from(JSON.parse(json));
const packedABI = Serializer.encode({ object: abi }).hexString;
writeAnchor('abi.json', {
  description: "The contract's ABI in the chain's binary form: what setabi takes, as hex. sha256 is what a chain calls abi_hash. The case's json is the file's path in the repository.",
  cases: [{ name: 'anchor.abi', json: 'host/anchor/contract/anchor.abi', packed: packedABI, sha256: hex(sha256(Buffer.from(packedABI, 'hex'))) }],
});

const max64 = '18446744073709551615';
const amounts = ['0', '1', '2', '255', '256', '65535', '4294967295', '4294967296', '9007199254740993', '9223372036854775808', max64];
const roots = ['00'.repeat(32), 'ff'.repeat(32), digest('root/1'), digest('root/2')];
const times = ['2000-01-01T00:00:00.000', '2000-01-01T00:00:00.500', '2026-11-28T05:00:00.500', '2068-01-19T00:00:00.000'];
const fields = {
  post: (i) => ({ seq: amounts[i % 11], size: amounts[(i * 7 + 3) % 11], root: roots[i % 4] }),
  event: (i) => ({ seq: amounts[i % 11], code: [0, 1, 21, 40, 61, 1000, 4294967295][i % 7], hash: roots[(i + 1) % 4] }),
};
fields.head = (i) => ({ ...fields.post(i), time: times[i % 4] });
fields.event_row = (i) => ({ ...fields.event(i), time: times[(i + 1) % 4] });
const encode = (type, object) => Serializer.encode({ object, type, abi }).hexString;
writeAnchor('data.json', {
  description: "Data of the contract's actions (type post or event) and rows (head or event_row) by its ABI. Numbers of 64 bits are decimal strings; time is the block's, of which the data have the slot.",
  cases: Object.entries(fields).flatMap(([type, make]) =>
    Array.from({ length: 44 }, (_, i) => {
      const data = encode(type, make(i));
      const decoded = Serializer.objectify(Serializer.decode({ data, type, abi }));
      for (const [field, v] of Object.entries(make(i))) assert.equal(String(decoded[field]), String(v));
      return { name: `${type} ${i}`, type, fields: make(i), data };
    }),
  ),
});

// Transactions

const chains = [digest('chain/1'), digest('chain/2'), 'aca376f206b8fc25a6ed44dbdc66547c36c6c33e3a119ffbeaef943642f0e906', '00'.repeat(32)];
const keys = [1, 2, 3].map((i) => key('K1', bytes(`anchor/key/${i}`)));
const eosjs = new Api({ ...coders, rpc: null, signatureProvider: null, chainId: chains[0] });

const permission = (actor, name = 'active') => ({ actor, permission: name });
const action = (account, name, authorization, data) => ({ account, name, authorization, data });
const postAction = (contract, n, by = permission(contract, 'anchor')) =>
  action(contract, 'post', [by], encode('post', { seq: n, size: n * 10, root: digest(`head/${n}`) }));
const eventAction = (contract, n, by = permission(contract, 'anchor')) =>
  action(contract, 'event', [by], encode('event', { seq: n, code: pick([21, 30, 40, 50, 1000], `code/${n}`), hash: digest(`hash/${n}`) }));
const plain = (changes = {}) => ({
  expiration: 1795842000, ref_block_num: 4660, ref_block_prefix: 2309737967, max_net_usage_words: 0, max_cpu_usage_ms: 0, delay_sec: 0,
  context_free_actions: [], actions: [postAction('eventseal', 1)], transaction_extensions: [], ...changes,
});
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i + 1));
const withData = (n) => plain({ actions: [action('eventseal', 'post', [permission('eventseal')], hex(bytes(`anchor/data/${n}`, n)))] });

const transactions = {
  'one head': plain(),
  'one event': plain({ actions: [eventAction('eventseal', 1)] }),
  '48 events': plain({ actions: many(48, (n) => eventAction('eventseal', n)) }),
  'a head and events': plain({ actions: [postAction('eventseal', 1), ...many(3, (n) => eventAction('eventseal', n))] }),
  'events, then a head': plain({ actions: [...many(2, (n) => eventAction('eventseal', n)), postAction('eventseal', 2)] }),
  'two contracts': plain({ actions: [postAction('eventseal', 1), postAction('other.seal', 1)] }),
  'no action': plain({ actions: [] }),
  'everything zero': plain({ expiration: 0, ref_block_num: 0, ref_block_prefix: 0, actions: [] }),
  'no authorization': plain({ actions: [action('eventseal', 'post', [], '')] }),
  'two authorizations': plain({ actions: [action('eventseal', 'post', [permission('payer'), permission('eventseal', 'anchor')], '00')] }),
  '128 authorizations': plain({ actions: [action('eventseal', 'post', many(128, (n) => permission(drawName(`actor/${n}`), 'owner')), '00')] }),
  'names of every edge': plain({ actions: edgeNames.map((n, i) => action(n, edgeNames[(i + 1) % edgeNames.length], [permission(edgeNames[(i + 2) % edgeNames.length], edgeNames[(i + 3) % edgeNames.length])], '')) }),
  'context free actions': plain({ context_free_actions: [action('eosio.null', 'nonce', [], '0102'), action('eosio.null', 'nonce', [], '')] }),
  'an extension': plain({ transaction_extensions: [{ type: 0, data: '' }] }),
  'extensions': plain({ transaction_extensions: [{ type: 1, data: 'ff' }, { type: 65535, data: '00'.repeat(200) }] }),
};
for (const n of [0, 1, 1795842000, 0x7fffffff, 0x80000000, 0xffffffff]) transactions[`expiration ${n}`] = plain({ expiration: n });
for (const n of [0, 1, 255, 256, 65535]) transactions[`ref_block_num ${n}`] = plain({ ref_block_num: n });
for (const n of [0, 1, 0x80000000, 0xffffffff]) transactions[`ref_block_prefix ${n}`] = plain({ ref_block_prefix: n });
for (const n of [1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456, 4294967295]) {
  transactions[`max_net_usage_words ${n}`] = plain({ max_net_usage_words: n });
  transactions[`delay_sec ${n}`] = plain({ delay_sec: n });
}
for (const n of [1, 127, 128, 255]) transactions[`max_cpu_usage_ms ${n}`] = plain({ max_cpu_usage_ms: n });
for (const n of [1, 47, 48, 49, 127, 128, 129, 255, 256, 16383, 16384]) transactions[`${n} bytes of data`] = withData(n);
for (const n of [127, 128]) transactions[`${n} actions`] = plain({ actions: many(n, (i) => action('eventseal', 'a', [], i % 2 ? '' : 'aa')) });
for (let i = 0; i < 200; i++) {
  const at = (what) => `transaction/${i}/${what}`;
  const contract = drawName(at('contract'));
  const by = permission(contract, drawName(at('permission')));
  const first = 1 + below(100000, at('first'));
  transactions[`drawn ${i}`] = plain({
    expiration: below(2 ** 32, at('expiration')), ref_block_num: below(65536, at('num')), ref_block_prefix: below(2 ** 32, at('prefix')),
    max_net_usage_words: pick([0, 0, 0, 8, 200], at('net')), max_cpu_usage_ms: pick([0, 0, 0, 1, 30], at('cpu')),
    actions: pick([
      [postAction(contract, first, by)],
      many(1 + below(8, at('events')), (n) => eventAction(contract, first + n, by)),
      [action(drawName(at('account')), drawName(at('action')), many(below(4, at('auths')), (n) => permission(drawName(at(`actor/${n}`)), drawName(at(`of/${n}`)))), hex(bytes(`anchor/${at('data')}`, below(100, at('length')))))],
    ], at('kind')),
  });
}

let number = 0;
writeAnchor('transactions.json', {
  description:
    "Transactions: their packed bytes without signatures (hex), id = SHA-256(packed), digest = SHA-256(chain_id, packed, 32 zero bytes), and signature, the K1 one of digest by private (RFC 6979 as eosjs and wharfkit draw it: sign_digest of the module gives the same text). expiration is in seconds since 1970; data are hex.",
  cases: Object.entries(transactions).map(([name, t]) => {
    const packed = Serializer.encode({ object: Transaction.from({ ...t, expiration: wharfkit.TimePointSec.fromInteger(t.expiration) }) }).hexString;
    // eosjs takes the time as a date and leaves out what it has a default for.
    const expiration = new Date(t.expiration * 1000).toISOString().slice(0, -1);
    const transaction_extensions = t.transaction_extensions.map(({ type, data }) => ({ type, data: Uint8Array.from(Buffer.from(data, 'hex')) }));
    if (transaction_extensions.length === 0) assert.equal(hex(eosjs.serializeTransaction({ ...t, expiration })), packed, name);
    const id = hex(sha256(Buffer.from(packed, 'hex')));
    assert.equal(Transaction.from(Serializer.decode({ data: packed, type: Transaction })).id.toString(), id, name);
    const chain_id = chains[number % chains.length];
    const signed = sha256(Buffer.from(chain_id + packed + '00'.repeat(32), 'hex'));
    assert.equal(Serializer.decode({ data: packed, type: Transaction }).signingDigest(Checksum256.from(chain_id)).toString(), hex(signed), name);
    const k = keys[number++ % keys.length];
    return { name, transaction: t, packed, id, chain_id, digest: hex(signed), private: k.private, public: k.public, signature: sign(k, signed) };
  }),
});

// Requests to wallets (EEP-7)

const requests = {
  'a head': { actions: [postAction('eventseal', 1)] },
  'a head, of no permission named': { actions: [postAction('eventseal', 1, permission('............1', '............2'))] },
  'an event': { actions: [eventAction('eventseal', 1)] },
  '48 events': { actions: many(48, (n) => eventAction('eventseal', n)) },
  'a chain with an alias': { actions: [postAction('eventseal', 1)], chain: 2, alias: 1 },
  'a callback': { actions: [postAction('eventseal', 2)], callback: 'https://example.org/anchored?tx={{tx}}' },
  'a callback in the background': { actions: [postAction('eventseal', 2)], callback: 'https://example.org/anchored', background: true },
  'not broadcast': { actions: [postAction('eventseal', 3)], broadcast: false },
};
for (let i = 0; i < 24; i++) {
  const contract = drawName(`request/${i}`);
  requests[`drawn ${i}`] = { actions: many(1 + (i % 4), (n) => (i % 3 ? eventAction : postAction)(contract, i * 10 + n)), chain: i % 2 };
}
writeAnchor('requests.json', {
  description:
    'Requests to sign with a wallet (EEP-7), of the variant action[]. uri is the whole; payload is what stands compressed in it behind its first byte, header (the version, and 0x80 for compressed): compressed bytes differ from library to library, payloads do not. chain_alias, where it stands, is what the payload has instead of the chain id.',
  cases: Object.entries(requests).map(([name, { actions, chain = 0, alias, callback = '', background = false, broadcast = true }]) => {
    const flags = RequestFlags.from(0);
    flags.broadcast = broadcast;
    flags.background = background;
    const id = ChainId.from(chains[chain]);
    const data = RequestDataV2.from({ chain_id: id.chainVariant, req: ['action[]', actions], flags, callback, info: [] });
    const deflate = { deflateRaw: (b) => new Uint8Array(zlib.deflateRawSync(b)), inflateRaw: (b) => new Uint8Array(zlib.inflateRawSync(b)) };
    const uri = new SigningRequest(2, data, deflate).encode(true, false);
    const raw = Buffer.from(uri.slice('esr:'.length), 'base64url');
    const payload = Serializer.encode({ object: data }).hexString;
    assert.equal(zlib.inflateRawSync(raw.subarray(1)).toString('hex'), payload);
    const back = SigningRequest.from(uri, { zlib: deflate });
    assert.equal(back.getChainId().toString(), chains[chain]);
    assert.deepEqual(JSON.parse(JSON.stringify(back.getRawActions())), actions);
    return { name, chain_id: chains[chain], ...(alias === undefined ? {} : { chain_alias: alias }), actions, broadcast, background, callback, header: raw[0], payload, uri };
  }),
});
