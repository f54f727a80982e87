// What the contract does, transaction by transaction. The rules are the
// design's; rows are what wharfkit makes of the ABI and of what was done.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, hex, root, wharfkit, writeAnchor } from './lib.mjs';

const { ABI, Serializer } = wharfkit;
const abi = ABI.from(JSON.parse(readFileSync(join(root, '../host/anchor/contract/anchor.abi'), 'utf8')));
const encode = (type, object) => Serializer.encode({ object, type, abi }).hexString;

const self = 'eventseal';
const rows = { heads: [], events: [] };
const cases = [];
let seconds = Date.parse('2026-11-28T05:00:00Z') / 1000;

const action = (name, data, by) => ({ account: self, name, authorization: by.map((actor) => ({ actor, permission: 'active' })), data });
const digest = (label) => hex(bytes(`contract/${label}`));
const post = (seq, size, by = [self]) => ({ ...action('post', '', by), fields: { seq, size, root: digest(`root/${seq}/${size}`) } });
const event = (seq, code = 40, by = [self]) => ({ ...action('event', '', by), fields: { seq, code, hash: digest(`hash/${seq}`) } });
/** edited is an action whose data are not what its fields encode to. */
const edited = (a, edit) => ({ ...filled(a), data: edit(filled(a).data) });
const filled = ({ fields, ...a }) => (fields ? { ...a, data: encode(a.name, fields) } : a);

/** run adds a transaction; one that is refused leaves every row as it was. */
function run(name, actions, refuse) {
  const time = new Date((seconds += 0.5) * 1000).toISOString().slice(0, -1);
  if (!refuse) {
    for (const a of actions) {
      const [table, type] = a.name === 'post' ? ['heads', 'head'] : ['events', 'event_row'];
      rows[table].push(encode(type, { ...a.fields, time }));
    }
  }
  cases.push({ name, time, actions: actions.map(filled), ...(refuse ? { refuse } : {}), heads: [...rows.heads], events: [...rows.events] });
}

const next = 'the next seq is another', grow = 'size must grow', length = 'the data has another length', unknown = 'unknown action', authority = 'missing authority';
const max = '18446744073709551615';

run('the first head is not number 0', [post(0, 10)], next);
run('the first head is not number 2', [post(2, 10)], next);
run('the first head is not of no events', [post(1, 0)], grow);
run('the first head', [post(1, 10)]);
run('it again', [post(1, 10)], next);
run('its number with another size', [post(1, 11)], next);
run('a gap', [post(3, 20)], next);
run('the same size', [post(2, 10)], grow);
run('a smaller size', [post(2, 9)], grow);
run('no size', [post(2, 0)], grow);
run('the largest number', [post(max, 20)], next);
run('nobody authorizes it', [post(2, 20, [])], authority);
run('another account authorizes it', [post(2, 20, ['mallory'])], authority);
run('another account authorizes it, too', [post(2, 20, ['mallory', self])]);
run('an event when there are heads', [event(3)], next);
run('the first event', [event(1)]);
run('it again, with another code', [event(1, 41)], next);
run('an event by another account', [event(2, 40, ['mallory'])], authority);
run('an event of code 0', [event(2, 0)]);
run('an event of the largest code', [event(3, 4294967295)]);
run('a head and events', [post(3, 21), event(4), event(5)]);
run('two heads', [post(4, 22), post(5, 23)]);
run('two heads, the second too small', [post(6, 24), post(7, 24)], grow);
run('an event, then a gap', [event(6), event(8)], next);
run('an event, then a head twice', [event(6), post(6, 24), post(6, 24)], next);
run('no data', [edited(post(6, 24), () => '')], length);
run('a byte is missing', [edited(post(6, 24), (d) => d.slice(0, -2))], length);
run('a byte too many', [edited(post(6, 24), (d) => d + '00')], length);
run("an event's data in a head", [edited(post(6, 24), () => encode('event', { seq: 6, code: 40, hash: digest('x') }))], length);
run("a head's data in an event", [edited(event(6), () => encode('post', { seq: 6, size: 24, root: digest('x') }))], length);
run('a byte of an event is missing', [edited(event(6), (d) => d.slice(0, -2))], length);
run('an unknown action', [action('posts', encode('post', { seq: 6, size: 24, root: digest('x') }), [self])], unknown);
run('an unknown action by another account', [action('posts', '', ['mallory'])], authority);
run('a head, then an unknown action', [post(6, 24), action('erase', '', [self])], unknown);
run('the largest size', [post(6, max)]);
run('nothing is larger', [post(7, max)], grow);
run('events go on', [event(6)]);

assert.equal(rows.heads.length, 6);
assert.equal(rows.events.length, 6);
writeAnchor('contract.json', {
  description:
    "What the contract on the account eventseal does with one transaction after the other, from empty tables. time is the block's, heads and events are the rows after the transaction (hex), in the order of their numbers. A transaction with refuse ends in an assertion with that message, or, for missing authority, in the chain's own refusal, and does nothing.",
  cases,
});
