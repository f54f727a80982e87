// canonicalization/: RFC 8785 as the npm package `canonicalize` writes it.
import assert from 'node:assert/strict';
import { canonicalize, write } from './lib.mjs';

const of = (name, text) => ({ name, op: 'canonicalize', in: { text }, out: { text: canonicalize(JSON.parse(text)) } });
/** says is of, with the outcome pinned by hand too: an upgrade of the library cannot move it. */
const says = (name, text, want) => {
  const c = of(name, text);
  assert.equal(c.out.text, want, name);
  return c;
};
/** lax is for texts that JSON.parse refuses or changes: the outcome is stated. */
const states = (name, text, want) => ({ name, op: 'canonicalize', in: { text }, out: { text: want } });

write('canonicalization/structure.json', 'Whitespace goes, members are sorted by UTF-16 code units at every depth, arrays keep their order (RFC 8785 section 3.2).', [
  says('empty object', '{}', '{}'),
  says('empty array', ' [ ] ', '[]'),
  says('literals', '[ true , false , null ]', '[true,false,null]'),
  says('top-level string', '"a"', '"a"'),
  says('top-level number', ' 1.50 ', '1.5'),
  says('top-level true', '\ttrue\n', 'true'),
  says('top-level false', 'false', 'false'),
  says('top-level null', '\r\nnull\r\n', 'null'),
  says('all four kinds of whitespace', '\t\r\n {\t\r\n "a"\t\r\n :\t\r\n 1\t\r\n ,\t\r\n "b"\t\r\n :\t\r\n [\t\r\n ]\t\r\n }\t\r\n ', '{"a":1,"b":[]}'),
  says('members sorted', '{"c":1,"a":2,"b":3}', '{"a":2,"b":3,"c":1}'),
  says('sorted at depth', '{"z":{"y":1,"x":[{"b":1,"a":2}]},"a":0}', '{"a":0,"z":{"x":[{"a":2,"b":1}],"y":1}}'),
  says('array order stays', '[3,1,2,[2,1]]', '[3,1,2,[2,1]]'),
  says('shorter name first', '{"aa":1,"a":2,"":3,"aaa":4}', '{"":3,"a":2,"aa":1,"aaa":4}'),
  says('upper case before lower', '{"a":1,"B":2,"A":3,"b":4,"_":5,"0":6}', '{"0":6,"A":3,"B":2,"_":5,"a":1,"b":4}'),
  says('digits are compared as text', '{"10":1,"9":2,"1":3,"2":4}', '{"1":3,"10":1,"2":4,"9":2}'),
  says('names sorted after unescaping', '{"\\u0062":1,"a":2,"\\u0061a":3}', '{"a":2,"aa":3,"b":1}'),
  says('control characters in names', '{"\\n":1,"\\u0000":2,"\\t":3," ":4,"\\u001f":5}', '{"\\u0000":2,"\\t":3,"\\n":1,"\\u001f":5," ":4}'),
  says('astral before U+FB33: code units, not code points', '{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3,"\\r":4,"1":5,"\\u0080":6,"\\u00f6":7}',
    '{"\\r":4,"1":5,"\u0080":6,"\u00f6":7,"\u20ac":3,"\ud83d\ude00":2,"\ufb33":1}'),
  says('astral and U+FFFF, unescaped', '{"\uffff":1,"\u{10000}":2,"\u{10ffff}":3,"\ud7ff":4,"\ue000":5}', '{"\ud7ff":4,"\u{10000}":2,"\u{10ffff}":3,"\ue000":5,"\uffff":1}'),
  says('two astral names with one lead surrogate', '{"\u{1f602}":1,"\u{1f600}":2,"\u{1f601}":3}', '{"\u{1f600}":2,"\u{1f601}":3,"\u{1f602}":1}'),
  says('astral prefix of a longer name', '{"\u{1f600}a":1,"\u{1f600}":2,"\u{1f600}\u{1f600}":3}', '{"\u{1f600}":2,"\u{1f600}a":1,"\u{1f600}\u{1f600}":3}'),
  says('names that JavaScript treats apart', '{"__proto__":1,"constructor":2,"toString":3,"length":4}', '{"__proto__":1,"constructor":2,"length":4,"toString":3}'),
  says('same name in different objects', '{"a":{"a":{"a":1}},"b":{"a":2}}', '{"a":{"a":{"a":1}},"b":{"a":2}}'),
  says('names that look like pointers', '{"/":1,"~":2,"~1":3,"~0":4,"a/b":5}', '{"/":1,"a/b":5,"~":2,"~0":4,"~1":3}'),
  says('normalization forms are kept apart', '{"\u00e9":1,"e\u0301":2}', '{"e\u0301":2,"\u00e9":1}'),
  of('300 members in falling order', JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${999 - i}`, i])))),
  of('300 members in rising order', JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${100 + i}`, i])))),
  of('a long array', JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))),
  of('nesting of 64', '['.repeat(64) + ']'.repeat(64)),
  { name: 'nesting of 1,000 arrays', op: 'canonicalize', in: { text: [{ repeat: '[', times: 1000 }, { repeat: ']', times: 1000 }] }, out: { text: [{ repeat: '[', times: 1000 }, { repeat: ']', times: 1000 }] } },
  { name: 'nesting of 1,000 objects', op: 'canonicalize', in: { text: [{ repeat: '{ "a" : ', times: 999 }, '{}', { repeat: ' }', times: 999 }] }, out: { text: [{ repeat: '{"a":', times: 999 }, '{}', { repeat: '}', times: 999 }] } },
]);

write('canonicalization/strings.json', 'Strings as ECMAScript\'s JSON.stringify writes them (RFC 8785 section 3.2.2.2).', [
  says('empty', '""', '""'),
  says('short escapes stay', '"\\b\\t\\n\\f\\r\\"\\\\"', '"\\b\\t\\n\\f\\r\\"\\\\"'),
  says('long forms of short escapes', '"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c"', '"\\b\\t\\n\\f\\r\\"\\\\"'),
  says('solidus needs no escape', '"\\/a/"', '"/a/"'),
  says('upper-case hex digits', '"\\u000F\\u001B\\u00FC\\uABCD"', '"\\u000f\\u001b\u00fc\uabcd"'),
  says('DEL is written as it is', '"\\u007f"', '"\u007f"'),
  says('C1 controls are written as they are', '"\\u0080\\u0085\\u009f"', '"\u0080\u0085\u009f"'),
  says('line separators are written as they are', '"\\u2028\\u2029"', '"\u2028\u2029"'),
  says('byte-order mark inside a string', '"\\ufeff"', '"\ufeff"'),
  says('noncharacters', '"\\uffff\\ufffe\\ufdd0"', '"\uffff\ufffe\ufdd0"'),
  says('replacement character', '"\\ufffd\ufffd"', '"\ufffd\ufffd"'),
  says('surrogate pair', '"\\ud834\\udd1e\\uDBFF\\uDFFF\\ud800\\udc00"', '"\u{1d11e}\u{10ffff}\u{10000}"'),
  says('escaped ASCII is unescaped', '"\\u0041\\u0020\\u007e"', '"A ~"'),
  says('HTML characters are not escaped', '"<a href=\'b\'>&amp;</a>"', '"<a href=\'b\'>&amp;</a>"'),
  says('RFC 8785 sample', '"\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
  says('backslash before u', '"\\\\u0041"', '"\\\\u0041"'),
  ...Array.from({ length: 32 }, (_, i) => of(`control character ${i}`, `"\\u${i.toString(16).padStart(4, '0')}"`)),
  ...['\u0080', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'].map((c) => of(`edge of UTF-8, U+${c.codePointAt(0).toString(16)}`, JSON.stringify(c + 'x' + c))),
  { name: 'a long string', op: 'canonicalize', in: { text: ['"', { repeat: 'ab\\u00e9\\n', times: 5000 }, '"'] }, out: { text: ['"', { repeat: 'ab\u00e9\\n', times: 5000 }, '"'] } },
]);

write('canonicalization/numbers.json', 'Numbers as ECMAScript writes doubles (RFC 8785 section 3.2.2.3); numbers/ has the published million.', [
  says('zeros', '[0,-0,0.0,-0.0,0e0,0E+0,-0e-0,0e999999]', '[0,0,0,0,0,0,0,0]'),
  says('integers', '[1,-1,10,100,123456789,-987654321]', '[1,-1,10,100,123456789,-987654321]'),
  says('trailing zeros', '[1.0,1.10,100.00,1e0,1E2,10e-1]', '[1,1.1,100,1,100,1]'),
  says('exponent signs and leading zeros', '[1e5,1e+5,1e05,1e+005,1E-05,1e-00000005]', '[100000,100000,100000,100000,0.00001,0.00001]'),
  says('where fixed turns to exponent', '[1e20,1e21,999999999999999999999,1e-6,1e-7,0.000001,0.0000001]', '[100000000000000000000,1e+21,1e+21,0.000001,1e-7,0.000001,1e-7]'),
  says('largest and smallest', '[1.7976931348623157e308,-1.7976931348623157e308,5e-324,-5e-324,2.2250738585072014e-308,2.225073858507201e-308]',
    '[1.7976931348623157e+308,-1.7976931348623157e+308,5e-324,-5e-324,2.2250738585072014e-308,2.225073858507201e-308]'),
  says('rounds down to the largest', '[1.7976931348623158e308]', '[1.7976931348623157e+308]'),
  of('just below halfway to infinity', `[${2n ** 1024n - 2n ** 970n - 1n}]`),
  says('underflow is zero', '[1e-324,1e-400,-1e-400,2.4703282292062327e-324,1e-999999999999]', '[0,0,0,0,0]'),
  says('half of the smallest rounds up when above', '[2.4703282292062328e-324]', '[5e-324]'),
  says('around 2^53', '[9007199254740991,9007199254740992,9007199254740993,9007199254740994,9007199254740995]', '[9007199254740991,9007199254740992,9007199254740992,9007199254740994,9007199254740996]'),
  says('shortest digits, not exact ones', '[295147905179352825856,36893488147419103232,0.1,0.2,0.30000000000000004]', '[295147905179352830000,36893488147419103000,0.1,0.2,0.30000000000000004]'),
  says('RFC 8785 sample', '[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]', '[333333333.3333333,1e+30,4.5,0.002,1e-27]'),
  says('halfway cases round to even', '[9007199254740993.0,4503599627370496.5,4503599627370497.5,1.00000000000000011102230246251565404236316680908203125]', '[9007199254740992,4503599627370496,4503599627370498,1]'),
  says('one digit above halfway', '[1.00000000000000011102230246251565404236316680908203126]', '[1.0000000000000002]'),
  says('one digit below halfway', '[1.00000000000000011102230246251565404236316680908203124]', '[1]'),
  of('hard to parse', '[6.631236871469758276785396630275e-4,9214843084008499,3.08984926168550152811e-32,8.533e+68,4.1006e-184,2.2250738585072011e-308]'),
  of('hard to print', '[5e-324,1.2e-322,9.5e-322,4.35,0.1e-6,123456789012345680000,1.5e300]'),
  ...Array.from({ length: 60 }, (_, i) => of(`powers of ten, ${i * 11 - 330}…`, '[' + Array.from({ length: 11 }, (_, j) => `1e${Math.min(i * 11 - 330 + j, 308)}`).join(',') + ']')),
  ...Array.from({ length: 43 }, (_, i) => of(`powers of two, ${i * 50 - 1074}…`, '[' + Array.from({ length: 50 }, (_, j) => (2 ** Math.min(i * 50 - 1074 + j, 1023)).toExponential(20)).join(',') + ']')),
  { name: '100,000 zeros before the digit', op: 'canonicalize', in: { text: ['[0.', { repeat: '0', times: 100000 }, '1,1]'] }, out: { text: '[0,1]' } },
  { name: '100,000 digits after the point', op: 'canonicalize', in: { text: ['[1.', { repeat: '3', times: 100000 }, ']'] }, out: { text: '[1.3333333333333333]' } },
  { name: 'halfway, decided by digit 100,000', op: 'canonicalize', in: { text: ['[9007199254740993.', { repeat: '0', times: 100000 }, '1]'] }, out: { text: '[9007199254740994]' } },
  states('digits and exponent that cancel', '[' + '1' + '0'.repeat(400) + 'e-400]', '[1]'),
]);
