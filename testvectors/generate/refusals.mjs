// refusals/: events with exactly one fault each, by the code that it is refused
// with, and the place of the fault.
import { accepted, bytes, canonicalize, compact, craft, curves, BN, hex, key, legacyText, pack, publicText, sha256, sign, signatureText, signed, unpack, write } from './lib.mjs';
import { bodies, parents } from './bodies.mjs';

const k = key('K1', bytes('author K1 0')), k2 = key('K1', bytes('author K1 1')), r = key('R1', bytes('author R1 0'));
const base = { v: 1, type: 'ADD_CLAIM', author_pubkey: k.public, created_at: 1758390021, parents: parents(2), body: bodies.ADD_CLAIM };
const good = signed(base, k).record, goodR1 = signed({ ...base, author_pubkey: r.public }, r).record;

const refused = (code) => (name, text, pointer, more = {}) => ({ name, op: 'verify', in: { text, ...more }, refuse: { code, ...(pointer !== undefined && { pointer }) } });
const canon = (code) => (name, text, pointer) => ({ name: `canonicalize: ${name}`, op: 'canonicalize', in: { text }, refuse: { code, ...(pointer !== undefined && { pointer }) } });
const both = (code) => (name, text, pointer) => [refused(code)(name, text, pointer), canon(code)(name, text, pointer)];
/** spoil is a signed event with other members; what is signed is the spoilt one, where that has a canonical form. */
const spoil = (change, by = k) => {
  const event = { ...base, author_pubkey: by.public, ...change };
  for (const name of Object.keys(event)) if (event[name] === undefined) delete event[name];
  return signed(event, by).record;
};
/** put replaces a piece of the good event's text: for what has no canonical form. */
const put = (from, to, text = good) => {
  const out = text.replace(from, () => to);
  if (out === text) throw new Error(`no ${from}`);
  return out;
};
const inBodyOf = (pieces) => { const [head, tail] = good.split('"body":{'); return [head + '"body":{"x":', ...pieces, ',' + tail]; };
const inBody = (json) => put('"body":{', `"body":{"x":${json},`);

// Size.
{
  const of = refused('too_large');
  const padded = (size) => {
    const event = { ...base, body: { pad: '' } };
    const room = size - signed(event, k).record.length;
    event.body.pad = 'x'.repeat(room);
    const [head, tail] = signed(event, k).record.split('x'.repeat(room));
    return [head, { repeat: 'x', times: room }, tail];
  };
  write('refusals/too_large.json', 'Beyond the limit of 256 KiB, or another that is configured.', [
    of('one byte over 256 KiB', padded(262145), ''), of('4 MiB and one byte, limit 4 MiB', padded(4194305), '', { max_bytes: 4194304 }), of('limit of 256 bytes', good, '', { max_bytes: 256 }),
    of('white space counts', [good, { repeat: ' ', times: 262144 }], ''), of('4 MiB of digits', [{ repeat: '7', times: 4194304 }], ''), of('size comes before syntax', [{ repeat: '[', times: 262145 }], ''), of('a canonical form that is too large', inBodyOf(['[', { repeat: '1e20,', times: 20000 }, '0]']), ''),
    canon('too_large')('4 MiB and one byte', ['"', { repeat: 'x', times: 4194303 }, '"'], ''), { name: 'canonicalize: 4 MiB', op: 'canonicalize', in: { text: [{ repeat: ' ', times: 4194303 }, '1'] }, out: { text: '1' } },
    ...((s) => {
      const text = put('100000000000000000000', '1e20', s.record);
      return [of('a canonical form that is a bracket too large', text, '', { max_bytes: s.record.length - 1 }), { name: 'a canonical form just within a configured limit', op: 'verify', in: { text, max_bytes: s.record.length }, out: accepted(s, k) }];
    })(signed({ ...base, body: { n: 1e20 } }, k)),
    { name: 'just within a configured limit', op: 'verify', in: { text: good, max_bytes: good.length }, out: accepted(signed(base, k), k) },
    { name: '512 KiB under a limit of 4 MiB', op: 'verify', in: { text: padded(524288), max_bytes: 4194304 }, out: (() => { const t = padded(524288); const s = t.map((p) => (typeof p === 'string' ? p : p.repeat.repeat(p.times))).join(''); const { sig, ...un } = JSON.parse(s); void sig; return { ...accepted({ event: un, hash: hex(sha256(canonicalize(un))), record: s }, k), record: t }; })() },
  ]);
}

// Bytes that are not text.
{
  const at = (h, where = '"VALUE"') => put('"bpm"', 'MARK').split('MARK').flatMap((p, i) => (i ? [...where.split('VALUE').flatMap((q, j) => (j ? [{ hex: h }, q] : [q])), p] : [p]));
  const of = both('invalid_utf8');
  write('refusals/invalid_utf8.json', 'Invalid UTF-8 (Unicode section 3.9, table 3-7) and byte-order marks.', [
    ...of('byte-order mark', [{ hex: 'efbbbf' }, good]), ...of('byte-order mark alone', [{ hex: 'efbbbf' }]), ...of('UTF-16 big-endian', [{ hex: 'feff' }, '{}']), ...of('UTF-16 little-endian', [{ hex: 'fffe7b007d00' }]),
    ...of('byte ff', at('ff')), ...of('byte c0', at('c0')), ...of('lone continuation byte', at('80')), ...of('lone lead byte of two', at('c3')), ...of('two of three bytes', at('e282')), ...of('three of four bytes', at('f09f98')),
    ...of('overlong solidus', at('c0af')), ...of('overlong NUL', at('c080')), ...of('overlong in three bytes', at('e08080')), ...of('overlong in four bytes', at('f0808080')), ...of('surrogate in three bytes', at('eda080')), ...of('surrogate pair as six bytes', at('edb080edb080')),
    ...of('beyond U+10FFFF', at('f4908080')), ...of('five-byte form', at('f888808080')), ...of('Latin-1 letter', at('e9')), ...of('in a member name', put('"bpm"', 'MARK').split('MARK').flatMap((p, i) => (i ? ['"bpm","', { hex: 'ff' }, '":"x"', p] : [p]))),
    ...of('between values', [good.slice(0, -1), { hex: 'ff' }, '}']), ...of('after the value', [good, { hex: 'ff' }]), ...of('truncated in the last character', ['"', { hex: 'c3' }]),
  ]);
}

// Not JSON.
{
  const of = both('invalid_json');
  const texts = {
    'empty': '', 'white space only': ' \n', 'two values': good + good, 'two values with a comma': '{},{}', 'bytes after the value': good + 'x', 'closing bracket after the value': good + '}', 'NUL after the value': good + '\0', 'form feed around': '\f{}', 'no-break space around': '\u00a0{}', 'vertical tab': '{\v}',
    'unterminated object': '{', 'unterminated array': '[', 'unterminated string': '"abc', 'unterminated escape': '"abc\\', 'unterminated \\u': '"\\u00', 'truncated event': good.slice(0, -1), 'half an event': good.slice(0, good.length >> 1),
    'trailing comma in an object': '{"a":1,}', 'trailing comma in an array': '[1,]', 'leading comma': '[,1]', 'two commas': '[1,,2]', 'comma only': '[,]', 'missing comma': '[1 2]', 'missing comma between members': '{"a":1 "b":2}', 'missing colon': '{"a" 1}', 'missing value': '{"a":}', 'missing name': '{:1}', 'two colons': '{"a"::1}', 'comma for a colon': '{"a",1}', 'colon in an array': '[1:2]',
    'unquoted name': '{a:1}', 'name in single quotes': "{'a':1}", 'string in single quotes': "'a'", 'number as a name': '{1:1}', 'mismatched brackets': '[}', 'mismatched brackets 2': '{"a":[}]', 'closing bracket only': ']',
    'comment': '/* c */{}', 'line comment': '{} // c', 'hash comment': '# c\n{}', 'True': 'True', 'TRUE': 'TRUE', 'nul': 'nul', 'nulll': 'nulll', 'truefalse': 'truefalse', 'undefined': 'undefined', 'NaN': 'NaN', 'Infinity': '[Infinity]', '-Infinity': '[-Infinity]', 'a word': 'hello',
    'plus sign': '+1', 'leading zero': '01', 'leading zero, negative': '-01', 'zero zero': '00', 'minus only': '-', 'minus space': '- 1', 'two minus signs': '--1', 'point first': '.5', 'point last': '1.', 'point before exponent': '1.e5', 'exponent without digits': '1e', 'exponent with sign only': '1e+', 'exponent with a point': '1e5.5', 'two points': '1.2.3', 'hex number': '0x10', 'octal number': '0o7', 'underscore': '1_000', 'comma in a number': '1,000', 'big integer': '1n', 'full-width digit': '\uff11', 'letter after a number': '1a', 'space in a number': '1 000',
    'line feed in a string': '"a\nb"', 'tab in a string': '"a\tb"', 'NUL in a string': '"a\0b"', 'U+001F in a string': '"\u001f"', 'escape \\x': '"\\x41"', 'escape \\a': '"\\a"', 'escape \\0': '"\\0"', 'escape \\\'': '"\\\'"', 'escaped line feed': '"\\\n"', '\\u with 3 digits': '"\\u123"', '\\u with a non-digit': '"\\u12g4"', '\\u with a sign': '"\\u+123"', '\\u with a space': '"\\u 123"', '\\U': '"\\U00000041"', '\\u{}': '"\\u{41}"', 'malformed second escape of a pair': '"\\ud800\\u12"',
  };
  write('refusals/invalid_json.json', 'Not one JSON value (RFC 8259).', [
    ...Object.entries(texts).flatMap(([name, text]) => of(name, text)),
    refused('invalid_json')('trailing comma in an event', put('"v":1}', '"v":1,}')), refused('invalid_json')('unquoted member of an event', put('"v":1}', 'v:1}')), refused('invalid_json')('fault deep in the body', inBody('[1,2,{"y":[tru]}]')),
  ]);
}

// Duplicates.
{
  const of = both('duplicate_key');
  write('refusals/duplicate_key.json', 'A member name twice in one object, however it is spelt.', [
    ...of('at the top', '{"a":1,"b":2,"a":3}', '/a'), ...of('equal values', '{"a":1,"a":1}', '/a'), ...of('at depth', '{"o":[0,{"x":{"y":1,"z":2,"y":3}}]}', '/o/1/x/y'), ...of('empty name', '{"":1,"":2}', '/'),
    ...of('one is escaped', '{"a":1,"\\u0061":2}', '/a'), ...of('both are escaped, differently', '{"\\u000a":1,"\\n":2}', '/\n'), ...of('solidus escaped', '{"/":1,"\\/":2}', '/~1'), ...of('tilde', '{"~":1,"~":2}', '/~0'), ...of('astral, escaped and not', '{"\\ud83d\\ude00":1,"\u{1f600}":2}', '/\u{1f600}'),
    ...of('three times', '[{"k":1,"k":2,"k":3}]', '/0/k'), ...of('far apart', `{"k":0,${Array.from({ length: 200 }, (_, i) => `"m${i}":${i}`).join(',')},"k":1}`, '/k'), ...of('__proto__', '{"__proto__":1,"__proto__":2}', '/__proto__'),
    refused('duplicate_key')('v twice', put('"v":1}', '"v":1,"v":1}'), '/v'), refused('duplicate_key')('sig twice', put('"v":1}', `"v":1,"sig":"x"}`), '/sig'), refused('duplicate_key')('body twice, one escaped', put('"v":1}', '"v":1,"\\u0062ody":{}}'), '/body'), refused('duplicate_key')('in the body', inBody('{"y":1,"y":2}'), '/body/x/y'),
    refused('duplicate_key')('in an unknown member', put('"v":1}', '"v":1,"w":{"y":1,"y":2}}'), '/w/y'),
  ]);
}

// Surrogates.
{
  const of = both('lone_surrogate');
  write('refusals/lone_surrogate.json', 'Unpaired surrogates written as escapes.', [
    ...of('high', '{"a":"\\ud800"}', '/a'), ...of('low', '{"a":"\\udc00"}', '/a'), ...of('high at the end of more', '["ab\\udbff"]', '/0'), ...of('high before a letter', '["\\ud83dx"]', '/0'), ...of('high before another escape', '["\\ud83d\\n"]', '/0'), ...of('two highs', '["\\ud83d\\ud83d"]', '/0'), ...of('low before high', '["\\ude00\\ud83d"]', '/0'), ...of('high, then a letter as an escape', '["\\ud83d\\u0041"]', '/0'),
    ...of('two lows', '["\\udc00\\udc00"]', '/0'), ...of('a low before the last low', '["\\udc00\\udfff"]', '/0'), ...of('a low before the last code unit below them', '["\\udfff\\udbff"]', '/0'), ...of('high before U+E000', '["\\udbff\\ue000"]', '/0'), ...of('upper-case digits', '["\\uDFFF"]', '/0'), ...of('after a pair', '["\\ud83d\\ude00\\ude00"]', '/0'), ...of('top-level string', '"\\ud800"', ''), refused('lone_surrogate')('in the body', inBody('"\\ud800"'), '/body/x'), refused('lone_surrogate')('in the type', put('"ADD_CLAIM"', '"ADD_CLAIM\\udc00"'), '/type'),
    ...both('lone_surrogate')('in a member name', '{"a":{"\\ud800":1}}'), refused('lone_surrogate')('in a name of the body', put('"body":{', '"body":{"\\udead":1,')),
  ]);
}

// Numbers.
{
  const of = both('number_out_of_range');
  write('refusals/number_out_of_range.json', 'Numbers beyond the range of an IEEE 754 double. Too small is not out of range: it is zero.', [
    ...of('1e309', '{"a":1e309}', '/a'), ...of('-1e309', '[-1e309]', '/0'), ...of('1e400', '[0,1e400]', '/1'), ...of('first that rounds to infinity', '[1.7976931348623159e308]', '/0'), ...of('halfway to infinity', `[${2n ** 1024n - 2n ** 970n}]`, '/0'),
    ...of('just below halfway is the largest double, one more digit is not', `[${2n ** 1024n - 2n ** 970n}.0]`, '/0'), ...of('310 digits', `[${'9'.repeat(310)}]`, '/0'), ...of('exponent beyond any integer', '[1e99999999999999999999]', '/0'), ...of('exponent of 2^31', '[1e2147483648]', '/0'), ...of('exponent of 2^64', '[1e18446744073709551616]', '/0'), ...of('top level', '-1e999', ''),
    ...of('100,000 digits', ['[', { repeat: '9', times: 100000 }, ']'], '/0'), refused('number_out_of_range')('in the body', inBody('1e309'), '/body/x'), refused('number_out_of_range')('created_at', put('1758390021', '1e309'), '/created_at'), refused('number_out_of_range')('v', put('"v":1}', '"v":1e999}'), '/v'),
    canon('number_out_of_range')('4 MiB of digits', ['[', { repeat: '7', times: 4194302 }, ']'], '/0'),
  ]);

  const event = (name, json, at = '') => refused('number_not_interoperable')(name, inBody(json), '/body/x' + at);
  write('refusals/number_not_interoperable.json', 'Integers in an event that the canonical form would change. canonicalize alone takes them.', [
    event('2^53+1', '9007199254740993'), event('−2^53−1', '-9007199254740993'), event('2^53+3', '[9007199254740995]', '/0'), event('2^53+3, deep', '{"y":[1,{"z":9007199254740995}]}', '/y/1/z'), event('2^63−1', '9223372036854775807'), event('2^63', '9223372036854775808'), event('2^64−1', '18446744073709551615'), event('2^65, exact but not shortest', '36893488147419103232'), event('20 ones', '11111111111111111111'), event('10^21+1', '1000000000000000000001'), event('30 nines', '9'.repeat(30)), event('300 digits', '1'.repeat(300)), event('largest double in full', BigInt(Number.MAX_VALUE).toString()),
    refused('number_not_interoperable')('created_at', put('1758390021', '9007199254740993'), '/created_at'), refused('number_not_interoperable')('v', put('"v":1}', '"v":9007199254740993}'), '/v'),
    { name: 'canonicalize takes it', op: 'canonicalize', in: { text: '[9007199254740993,36893488147419103232]' }, out: { text: '[9007199254740992,36893488147419103000]' } },
  ]);
}

// Depth.
{
  const of = refused('depth_exceeded'), c = canon('depth_exceeded');
  const many = (s, n, inner, e) => [{ repeat: s, times: n }, inner, { repeat: e, times: n }];
  const slashes = (p, n) => p.repeat(n);
  write('refusals/depth_exceeded.json', 'Nested more than 64 deep in an event, more than 1,000 in canonicalize.', [
    of('65 in an event', inBody('['.repeat(63) + ']'.repeat(63)), '/body/x' + slashes('/0', 62)), of('65 by objects', inBody('{"a":'.repeat(62) + '{}' + '}'.repeat(62)), '/body/x' + slashes('/a', 62)), of('65 arrays', many('[', 65, '', ']'), slashes('/0', 64)), of('1,000 in an event', inBody('['.repeat(1000) + ']'.repeat(1000)), '/body/x' + slashes('/0', 62)), of('in an unknown member', put('"v":1}', '"v":1,"w":' + '['.repeat(64) + ']'.repeat(64) + '}'), '/w' + slashes('/0', 63)),
    of('200,000 opening brackets', [{ repeat: '[', times: 200000 }], slashes('/0', 64)), of('40,000 opening objects', [{ repeat: '{"a":', times: 40000 }], slashes('/a', 64)),
    c('1,001 arrays', many('[', 1001, '', ']')), c('1,001 objects', many('{"a":', 1000, '{}', '}')), c('200,000 opening brackets', [{ repeat: '[', times: 200000 }]), c('200,000 opening objects', [{ repeat: '{"":', times: 200000 }]), c('a million opening brackets', [{ repeat: '[', times: 1000000 }]), c('arrays and objects in turn', many('[{"a":', 501, '1', '}]')),
  ]);
}

// Members.
write('refusals/missing_field.json', 'A member that an event must have is not there.', [
  ...['v', 'type', 'author_pubkey', 'created_at', 'parents', 'body'].map((name) => refused('missing_field')(name, spoil({ [name]: undefined }), '/' + name)),
  refused('missing_field')('sig', canonicalize(base), '/sig'), refused('missing_field')('empty object', '{}', '/v'), refused('missing_field')('null is not missing, but type is', put('"type":"ADD_CLAIM",', '', put('"v":1}', '"v":null}')), '/type'),
  { name: 'hash: body', op: 'hash', in: { text: canonicalize({ ...base, body: undefined }) }, refuse: { code: 'missing_field', pointer: '/body' } },
  { name: 'hash: type', op: 'hash', in: { text: canonicalize({ ...base, type: undefined }) }, refuse: { code: 'missing_field', pointer: '/type' } },
]);
write('refusals/unknown_field.json', 'A member that version 1 does not have.', [
  ...[['id', '/id'], ['hash', '/hash'], ['signature', '/signature'], ['V', '/V'], ['Body', '/Body'], ['', '/'], ['proof', '/proof'], ['__proto__x', '/__proto__x'], ['a/b', '/a~1b'], ['a~b', '/a~0b'], ['\u00e9', '/\u00e9'], ['\n', '/\n'], ['sig ', '/sig '], ['body\0', '/body\0']].map(([name, at]) => refused('unknown_field')(JSON.stringify(name), spoil({ [name]: 1 }), at)),
  refused('unknown_field')('"__proto__"', put('"v":1}', '"v":1,"__proto__":{}}'), '/__proto__'), refused('unknown_field')('escaped', put('"v":1}', '"v":1,"\\u0069d":1}'), '/id'),
  { name: 'hash: id', op: 'hash', in: { text: canonicalize({ ...base, id: 1 }) }, refuse: { code: 'unknown_field', pointer: '/id' } },
]);
{
  const of = (name, change, at) => refused('invalid_field')(name, spoil(change), at);
  const raw = (name, from, to, at) => refused('invalid_field')(name, put(from, to), at);
  const kinds = (...not) => Object.entries({ null: null, true: true, number: 1, string: 'x', array: [], object: {} }).filter(([n]) => !not.includes(n));
  const P = parents(300);
  write('refusals/invalid_field.json', 'A member of the wrong form.', [
    ...[['array', '[]'], ['string', '"x"'], ['number', '1'], ['true', 'true'], ['null', 'null']].map(([n, t]) => refused('invalid_field')(`the event is ${n}`, t, '')),
    ...kinds('number').map(([n, v]) => of(`v is ${n}`, { v }, '/v')), of('v is 0', { v: 0 }, '/v'), of('v is 2', { v: 2 }, '/v'), of('v is -1', { v: -1 }, '/v'), of('v is 1.5', { v: 1.5 }, '/v'), of('v is "1"', { v: '1' }, '/v'), of('v is 1e21', { v: 1e21 }, '/v'),
    ...kinds('string').map(([n, v]) => of(`type is ${n}`, { type: v }, '/type')),
    ...kinds('string').map(([n, v]) => of(`author_pubkey is ${n}`, { author_pubkey: v }, '/author_pubkey')),
    ...kinds('number').map(([n, v]) => of(`created_at is ${n}`, { created_at: v }, '/created_at')), of('created_at is negative', { created_at: -1 }, '/created_at'), of('created_at is a fraction', { created_at: 1758390021.5 }, '/created_at'), of('created_at is 2^53', { created_at: 2 ** 53 }, '/created_at'), of('created_at is 1e21', { created_at: 1e21 }, '/created_at'), of('created_at is tiny', { created_at: 5e-324 }, '/created_at'), of('created_at is a text of digits', { created_at: '1758390021' }, '/created_at'), raw('created_at is 2^53 and a fraction of zeros', '1758390021', '9007199254740992.0', '/created_at'), raw('created_at is beyond 64 bits with an exponent', '1758390021', '1e20', '/created_at'), raw('v is -0', '"v":1', '"v":-0', '/v'), raw('v is 1 and a little', '"v":1', '"v":1.0000000000000002', '/v'),
    ...kinds('array').map(([n, v]) => of(`parents is ${n}`, { parents: v }, '/parents')), of('257 parents', { parents: P.slice(0, 257) }, '/parents'), of('300 parents', { parents: P }, '/parents'),
    ...kinds().map(([n, v]) => of(`a parent is ${n}`, { parents: [P[0], v] }, '/parents/1')), of('a parent is empty', { parents: [''] }, '/parents/0'), of('a parent has 63 digits', { parents: [P[0].slice(1)] }, '/parents/0'), of('a parent has 65 digits', { parents: [P[0] + '0'] }, '/parents/0'), of('a parent in upper case', { parents: [P[0], P[1].toUpperCase()] }, '/parents/1'), of('a parent with 0x', { parents: ['0x' + P[0].slice(2)] }, '/parents/0'), of('a parent is no hex', { parents: ['g'.repeat(64)] }, '/parents/0'), of('a parent with a letter beyond ASCII', { parents: ['\u00e9' + P[0].slice(2)] }, '/parents/0'),
    of('a parent twice', { parents: [P[0], P[1], P[0]] }, '/parents/2'), of('a parent twice, next to each other', { parents: [P[0], P[0]] }, '/parents/1'), of('a parent twice of 256', { parents: [...P.slice(0, 255), P[7]] }, '/parents/255'),
    ...kinds('object').map(([n, v]) => of(`body is ${n}`, { body: v }, '/body')), ...kinds('object').map(([n, v]) => of(`proofs is ${n}`, { proofs: v }, '/proofs')),
    ...[['null', 'null'], ['true', 'true'], ['number', '1'], ['array', '[]'], ['object', '{}']].map(([n, t]) => raw(`sig is ${n}`, /"sig":"[^"]*"/, `"sig":${t}`, '/sig')),
    { name: 'hash: v is 2', op: 'hash', in: { text: canonicalize({ ...base, v: 2 }) }, refuse: { code: 'invalid_field', pointer: '/v' } },
  ]);
}
write('refusals/unknown_type.json', 'A type that is not registered.', [
  ...['add_claim', 'ADD_CLAIMS', 'ADD_CLAI', ' ADD_CLAIM', 'ADD_CLAIM ', 'ADD CLAIM', '30', 'ADD_CLAIM\0', '\u00c4DD_CLAIM', 'toString', '__proto__'].map((type) => refused('unknown_type')(JSON.stringify(type), spoil({ type }), '/type')),
  refused('unknown_type')('registered elsewhere', spoil({ type: 'ACME_NOTE' }), '/type'), refused('unknown_type')('another is registered', spoil({ type: 'ACME_NOTE' }), '/type', { types: [{ name: 'ACME_VOTE', code: 1001 }] }), refused('unknown_type')('a longer one is registered', spoil({ type: 'ACME' }), '/type', { types: [{ name: 'ACME_NOTE', code: 1000 }] }),
]);

// Keys and signatures within an event.
{
  const of = (name, author_pubkey) => refused('invalid_public_key')(name, spoil({ author_pubkey }), '/author_pubkey');
  const flip = (t, at) => t.slice(0, at) + (t[at] === 'a' ? 'b' : 'a') + t.slice(at + 1);
  const noPoint = new Uint8Array([2, ...new Uint8Array(31), 5]), noPointR1 = new Uint8Array([2, ...new Uint8Array(31), 1]);
  const nowhere = [['K1', publicText('K1', noPoint)], ['R1', publicText('R1', noPointR1)]];
  write('refusals/invalid_public_key.event.json', 'Events whose author is no key.', [
    of('empty', ''), of('a name', 'alice'), of('one letter changed', flip(k.public, 30)), of('legacy, one letter changed', flip(k.legacy, 30)), of('R1, one letter changed', flip(r.public, 30)), of('PUB_K1_ with the legacy checksum', 'PUB_K1_' + k.legacy.slice(3)), of('legacy with the K1 checksum', 'EOS' + k.public.slice(7)),
    of('x on no point', publicText('K1', new Uint8Array([2, ...new Uint8Array(31), 5]))), of('legacy, x on no point', legacyText(new Uint8Array([3, ...new Uint8Array(31), 5]))), of('PUB_WA_', 'PUB_WA_' + k.public.slice(7)), of('line feed after', k.public + '\n'), of('very long', 'PUB_K1_' + '1'.repeat(3000)),
    ...nowhere.flatMap(([curve, author]) => [k, r].map((by) => refused('invalid_public_key')(`x on no point of ${curve}, a ${by.curve} signature`, spoil({ author_pubkey: author }, by), '/author_pubkey'))),
  ]);
  const withSig = (sig, text = good) => text.replace(/"sig":"[^"]*"/, () => `"sig":${JSON.stringify(sig)}`);
  const sig = JSON.parse(good).sig, sigR1 = JSON.parse(goodR1).sig, c = compact(sig), c1 = compact(sigR1), { header, r: rr, s: ss } = unpack(c);
  const inv = (name, s, text) => refused('invalid_signature')(name, withSig(s, text), '/sig');
  write('refusals/invalid_signature.event.json', 'Events whose signature is no signature.', [
    inv('empty', ''), inv('a word', 'signed'), inv('one letter changed', flip(sig, 40)), inv('R1, one letter changed', flip(sigR1, 40), goodR1), inv('SIG_R1_ with the K1 checksum', 'SIG_R1_' + sig.slice(7)), inv('r is zero', signatureText('K1', pack(header, new BN(0), ss))), inv('r is n', signatureText('K1', pack(header, curves.K1.n, ss))), inv('s is zero', signatureText('K1', pack(header, rr, new BN(0)))), inv('s is n', signatureText('K1', pack(header, rr, curves.K1.n))),
    inv('R1, r is zero', signatureText('R1', pack(c1[0], new BN(0), unpack(c1).s)), goodR1), inv('R1, r is n', signatureText('R1', pack(c1[0], curves.R1.n, unpack(c1).s)), goodR1), inv('header of an uncompressed key', signatureText('K1', pack(header - 4, rr, ss))), inv('header 35', signatureText('K1', pack(35, rr, ss))), inv('space after', sig + ' '), inv('very long', 'SIG_K1_' + 'z'.repeat(3000)),
  ]);
  const mirrored = signatureText('K1', pack(31 + ((header - 31) ^ 1), rr, curves.K1.n.sub(ss)));
  const hash = sha256(canonicalize(base));
  const rough = (want) => { for (let i = 0; ; i++) { const x = craft('K1', k.scalar, hash, new BN(bytes(`rough ${i}`))); if (want(x)) return signatureText('K1', x); } };
  const nc = (name, s) => refused('noncanonical_signature')(name, withSig(s), '/sig');
  write('refusals/noncanonical_signature.event.json', 'Events with another signature of the author, not in canonical form.', [
    nc('mirrored', mirrored), nc('r with its top bit', rough((x) => x[1] >= 0x80 && x[33] < 0x80 && x[33])), nc('s with its top bit', rough((x) => x[33] >= 0x80 && x[1] < 0x80 && x[1])), nc('short r', rough((x) => x[1] === 0 && x[2] < 0x80 && x[33] < 0x80 && x[33])), nc('short s', rough((x) => x[33] === 0 && x[34] < 0x80 && x[1] < 0x80 && x[1])),
  ]);
  const mm = (name, text) => refused('signature_mismatch')(name, text, '/sig');
  const change = (from, to, text = good) => put(from, to, text);
  write('refusals/signature_mismatch.event.json', 'Events whose signature is not the author\'s signature of them.', [
    mm('signed by another', withSig(sign(k2, hash))), mm('of another event', withSig(sign(k, sha256('x')))), mm('over the hash of the hash', withSig(sign(k, sha256(hash)))), mm('over the hash in hex', withSig(sign(k, sha256(hex(hash))))), mm('created_at changed', change('1758390021', '1758390022')), mm('type changed', change('ADD_CLAIM', 'EDIT_CLAIM')), mm('body changed', change('"bpm"', '"bpn"')), mm('parents swapped', signed({ ...base }, k).record.replace(JSON.stringify(base.parents), JSON.stringify([...base.parents].reverse()))), mm('proofs added', change('"sig"', '"proofs":{},"sig"')),
    mm('author changed', change(k.public, k2.public)), mm('author respelt', change(k.public, k.legacy)), mm('recovery id changed', withSig(signatureText('K1', pack(31 + ((header - 31) ^ 1), rr, ss)))), mm('recovery id changed by 2', withSig(signatureText('K1', pack(31 + ((header - 31) ^ 2), rr, ss)))), mm('K1 author, R1 signature', withSig(sign(r, hash))), mm('R1 author, K1 signature', withSig(sign(k, sha256(canonicalize({ ...base, author_pubkey: r.public }))), goodR1)), mm('R1, created_at changed', change('1758390021', '1758390022', goodR1)), mm('R1, recovery id changed', withSig(signatureText('R1', pack(31 + ((c1[0] - 31) ^ 1), unpack(c1).r, unpack(c1).s)), goodR1)), mm('R1, mirrored with the recovery id kept', withSig(signatureText('R1', pack(c1[0], unpack(c1).r, curves.R1.n.sub(unpack(c1).s))), goodR1)),
    mm('empty proofs removed', (() => { const s = signed({ ...base, proofs: {} }, k); return s.record.replace('"proofs":{},', ''); })()),
  ]);
}

// Signing, and asking for a hash.
{
  const unsigned = (by) => canonicalize({ ...base, author_pubkey: by.public });
  const no = (code) => (name, text, priv, pointer) => ({ name, op: 'sign', in: { text, private: priv }, refuse: { code, ...(pointer !== undefined && { pointer }) } });
  const km = no('key_mismatch');
  write('refusals/key_mismatch.json', 'sign with a key that is not the author\'s.', [
    km('another K1 key', unsigned(k), k2.private), km('another K1 key as WIF', unsigned(k), k2.wif), km('an R1 key for a K1 author', unsigned(k), r.private), km('a K1 key for an R1 author', unsigned(r), k.private), km('the same number on the other curve', canonicalize({ ...base, author_pubkey: key('R1', k.scalar).public }), k.private), km('the negated key', unsigned(k), key('K1', new Uint8Array(curves.K1.n.sub(new BN(k.scalar)).toArray('be', 32))).private),
  ]);
  write('refusals/sign.json', 'sign of what is no event, or by what is no key.', [
    no('invalid_private_key')('malformed key', unsigned(k), k.private.slice(0, -1)), no('invalid_private_key')('public key', unsigned(k), k.public), no('missing_field')('no body', canonicalize({ ...base, body: undefined }), k.private, '/body'), no('unknown_type')('unknown type', canonicalize({ ...base, type: 'X' }), k.private, '/type'), no('invalid_json')('no JSON', '{', k.private), no('duplicate_key')('duplicate', '{"a":1,"a":2}', k.private, '/a'), no('invalid_public_key')('author is no key', canonicalize({ ...base, author_pubkey: 'EOS' }), k.private, '/author_pubkey'),
    no('invalid_field')('signed already', good, k.private, '/sig'), no('invalid_field')('an empty signature', good.replace(/"sig":"[^"]*"/, '"sig":""'), k.private, '/sig'), no('unknown_field')('unknown member', put('"v":1', '"v":1,"w":2'), k.private, '/w'), no('too_large')('too large', [unsigned(k), { repeat: ' ', times: 262144 }], k.private, ''), no('invalid_private_key')('no key, no event', '{}', ''), no('invalid_private_key')('R1 key, one letter changed', unsigned(r), r.private.slice(0, -1) + (r.private.endsWith('1') ? '2' : '1')),
  ]);
  // What create is given is checked as if it stood in an event.
  const draft = { type: base.type, author_pubkey: k.public, created_at: base.created_at, parents: base.parents, body: JSON.stringify(base.body) };
  const nc = (code, name, change, pointer) => ({ name, op: 'create', in: { ...draft, ...change }, refuse: { code, ...(pointer !== undefined && { pointer }) } });
  write('refusals/create.json', 'create with parts that make no event.', [
    nc('invalid_json', 'no body', { body: '' }), nc('invalid_json', 'a body that ends and goes on', { body: '{},"proofs":{}' }), nc('invalid_json', 'a body cut off', { body: '{"a":' }), nc('invalid_field', 'body is an array', { body: '[]' }, '/body'), nc('invalid_field', 'body is null', { body: 'null' }, '/body'), nc('duplicate_key', 'a name twice in body', { body: '{"a":[1,{"b":1,"b":2}]}' }, '/body/a/1/b'),
    nc('lone_surrogate', 'half a pair in body', { body: '{"a":"\\ud800"}' }, '/body/a'), nc('invalid_utf8', 'no UTF-8 in body', { body: ['{"a":"', { hex: 'ff' }, '"}'] }), nc('number_out_of_range', 'a number in body', { body: '{"a":1e400}' }, '/body/a'), nc('number_not_interoperable', 'an integer in body', { body: '{"a":[9007199254740993]}' }, '/body/a/0'), nc('number_not_interoperable', 'an integer in proofs', { proofs: '{"a":9007199254740993}' }, '/proofs/a'), nc('depth_exceeded', 'a deep body', { body: [{ repeat: '{"a":', times: 64 }, '1', { repeat: '}', times: 64 }] }),
    nc('too_large', 'white space in body counts', { body: ['{}', { repeat: ' ', times: 262144 }] }, ''), nc('too_large', 'numbers that grow', { body: ['{"a":[', { repeat: '1e20,', times: 20000 }, '0]}'] }, ''), nc('invalid_field', 'proofs are an array', { proofs: '[]' }, '/proofs'), nc('invalid_json', 'empty proofs', { proofs: '' }),
    nc('unknown_type', 'unknown type', { type: 'X' }, '/type'), nc('unknown_type', 'a type with quotes', { type: 'X","v":2,"type":"ADD_CLAIM' }, '/type'), nc('unknown_type', 'no type', { type: '' }, '/type'), nc('invalid_public_key', 'no author', { author_pubkey: '' }, '/author_pubkey'), nc('invalid_public_key', 'an author with quotes', { author_pubkey: k.public + '"' }, '/author_pubkey'), nc('invalid_public_key', 'author on no point', { author_pubkey: publicText('K1', new Uint8Array([2, ...new Uint8Array(31), 5])) }, '/author_pubkey'),
    nc('invalid_field', 'created_at is 2^53', { created_at: 9007199254740992 }, '/created_at'), nc('invalid_field', 'a parent twice', { parents: [base.parents[0], base.parents[0]] }, '/parents/1'), nc('invalid_field', 'a parent in upper case', { parents: [base.parents[0].toUpperCase()] }, '/parents/0'), nc('invalid_field', 'a parent with quotes', { parents: ['","'] }, '/parents/0'),
  ]);
  const hm = (name, text, hash) => ({ name, op: 'match', in: { text, hash }, refuse: { code: 'hash_mismatch' } });
  const s = signed(base, k);
  write('refusals/hash_mismatch.json', 'match: is this the event of that hash? The content is not.', [
    hm('another hash', s.record, hex(sha256('x'))), hm('the digest of the record', s.record, hex(sha256(s.record))), hm('zeros', s.record, '0'.repeat(64)), hm('one bit', s.record, (s.hash[0] === '0' ? '1' : '0') + s.hash.slice(1)), hm('another valid event', signed({ ...base, created_at: 1 }, k).record, s.hash),
    { name: 'it is', op: 'match', in: { text: s.record, hash: s.hash }, out: {} },
  ]);
}

// Texts with two faults or more.
{
  const first = (code, name, text, pointer) => refused(code)(name, text, pointer);
  const sigOf = (sig, text) => put(/"sig":"[^"]*"/, `"sig":${JSON.stringify(sig)}`, text);
  const noKey = publicText('K1', new Uint8Array([2, ...new Uint8Array(31), 5]));
  const other = signed({ ...base, created_at: 1 }, k2).event.sig, { header, r: rr, s: ss } = unpack(compact(other));
  const mirrored = signatureText('K1', pack(31 + ((header - 31) ^ 1), rr, curves.K1.n.sub(ss)));
  const sign1 = (code, name, text, priv, pointer) => ({ name: `sign: ${name}`, op: 'sign', in: { text, private: priv }, refuse: { code, ...(pointer !== undefined && { pointer }) } });
  const unsigned = canonicalize(base);
  write('refusals/precedence.json', 'Of several faults the one that is told: size, UTF-8, the text from left to right, unknown members, missing ones, the form of each in the order of the format, the type, the key, the signature.', [
    first('too_large', 'size before UTF-8', [{ hex: 'ff' }, { repeat: ' ', times: 262144 }], ''), first('invalid_utf8', 'UTF-8 at the end before syntax at the start', ['x', good, { hex: 'ff' }]), first('invalid_utf8', 'UTF-8 before depth', [{ repeat: '[', times: 100 }, { hex: 'c3' }]),
    first('duplicate_key', 'a name twice, then no JSON', '{"a":1,"a":2,]', '/a'), first('duplicate_key', 'a name twice with another between, then no JSON', '{"b":1,"a":2,"b":3,x', '/b'), first('duplicate_key', 'a name twice outside, then a number out of range inside', '{"b":1,"a":2,"b":{"c":1e400}}', '/b'), first('duplicate_key', 'names twice, the second of them first', '{"a":0,"b":0,"c":{"x":0,"y":0,"x":0},"b":0,"a":0}', '/c/x'), first('invalid_json', 'no JSON, then a name twice', '{"a":1,,"a":2}'), first('invalid_json', 'a name twice that is not read any more', '{"a":1,"b":tru,"a":2}'),
    first('number_out_of_range', 'a number, then half a pair', '{"a":1e400,"b":"\\ud800"}', '/a'), first('lone_surrogate', 'half a pair, then a number', '{"a":"\\ud800","b":1e400}', '/a'), first('number_not_interoperable', 'an integer in an unknown member', '{"w":9007199254740993}', '/w'), first('depth_exceeded', 'depth, then no JSON', [{ repeat: '[', times: 65 }, 'x']), first('invalid_json', 'faults in an event, then bytes after it', '{"w":1} x'),
    first('unknown_field', 'unknown before missing', '{"w":1}', '/w'), first('unknown_field', 'unknown before the form of v', put('"v":1', '"v":2,"w":1'), '/w'), first('missing_field', 'sig is missing before the form of v', canonicalize({ ...base, v: 2 }), '/sig'), first('missing_field', 'v and type are missing', '{"body":1}', '/v'), first('missing_field', 'parents and body are missing', canonicalize({ ...base, parents: undefined, body: undefined }), '/parents'),
    first('invalid_field', 'v before type', spoil({ v: 2, type: 1 }), '/v'), first('invalid_field', 'type before author_pubkey', spoil({ type: 1, author_pubkey: 1 }), '/type'), first('invalid_field', 'author_pubkey before created_at', spoil({ author_pubkey: 1, created_at: -1 }), '/author_pubkey'), first('invalid_field', 'created_at before parents', spoil({ created_at: -1, parents: {} }), '/created_at'), first('invalid_field', 'the second parent before the third', spoil({ parents: [base.parents[0], 1, base.parents[0]] }), '/parents/1'), first('invalid_field', '257 parents before one of the wrong form', spoil({ parents: [1, ...parents(256)] }), '/parents'), first('invalid_field', '256 parents, one of them with commas', spoil({ parents: ['a,b,"],[', ...parents(255)] }), '/parents/0'), first('invalid_field', '256 parents, one of them an array', spoil({ parents: [[1, [2, { a: 3, b: '\\",' }], 4], ...parents(255)] }), '/parents/0'), first('invalid_field', '257 parents, one of them an array', spoil({ parents: [[], ...parents(256)] }), '/parents'), first('invalid_field', 'parents before body', spoil({ parents: [1], body: [] }), '/parents/0'), first('invalid_field', 'body before proofs', spoil({ body: [], proofs: [] }), '/body'), first('invalid_field', 'proofs before sig', put(/"sig":"[^"]*"/, '"sig":1', spoil({ proofs: [] })), '/proofs'),
    first('invalid_field', 'the form of sig before an unknown type', put(/"sig":"[^"]*"/, '"sig":1', spoil({ type: 'X' })), '/sig'), first('unknown_type', 'type before key', spoil({ type: 'X', author_pubkey: 'EOS' }), '/type'), first('invalid_public_key', 'key before signature', sigOf('', spoil({ author_pubkey: 'EOS' })), '/author_pubkey'), first('invalid_public_key', 'a key on no point before signature', sigOf('', spoil({ author_pubkey: noKey })), '/author_pubkey'), first('invalid_public_key', 'a key on no point before a signature that is not canonical', sigOf(mirrored, spoil({ author_pubkey: noKey })), '/author_pubkey'),
    first('invalid_signature', 'no signature, on another curve', sigOf(goodR1.match(/"sig":"([^"]*)"/)[1].slice(0, -1), good), '/sig'), first('noncanonical_signature', 'not canonical, of another event by another key', sigOf(mirrored, good), '/sig'), first('noncanonical_signature', 'not canonical, on another curve than the author', sigOf(mirrored, goodR1), '/sig'),
    sign1('invalid_field', 'signed already before another key', good, k2.private, '/sig'), sign1('unknown_type', 'type before another key', canonicalize({ ...base, type: 'X' }), k2.private, '/type'), sign1('invalid_private_key', 'private key before the event', '{', k.private.slice(0, -1)), sign1('key_mismatch', 'an author of the other curve', unsigned, r.private), sign1('invalid_public_key', 'author before another key', canonicalize({ ...base, author_pubkey: noKey }), k2.private, '/author_pubkey'),
  ]);
}
