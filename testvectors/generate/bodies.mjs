// Bodies of every event type: each uses another part of JSON, so that a table
// of types is a table of canonicalization too.
import { hex, sha256 } from './lib.mjs';

/** parents draws n distinct event hashes. */
export const parents = (n) => Array.from({ length: n }, (_, i) => hex(sha256(`eventseal test vectors/parent ${i}`)));

export const bodies = {
  CREATE_RELEASE_BUNDLE: {
    release: { name: 'Low Tide', release_date: '2024-03-01', format: ['LP', 'digital'], label_id: 'label:north' },
    groups: [{ group_id: 'group:harbour', members: [{ person_id: 'person:ada', role: 'voice' }, { person_id: 'person:bo', role: 'bass', instrument: 'upright' }] }],
    tracklist: [{ track_id: 'track:1', disc: 1, track_number: 1, seconds: 259.5 }, { track_id: 'track:2', disc: 1, track_number: 2, seconds: 181 }],
  },
  CREATE_GROUP: { group_id: 'group:harbour', name: 'H\u00e4fen & Pi\u00e9r', formed: 1998, members: [] },
  ADD_MEMBER: { group_id: 'group:harbour', person_id: 'person:\u5f20', from: '2001-01-01', to: null },
  REMOVE_MEMBER: { group_id: 'group:harbour', person_id: 'person:bo', reason: 'left \u2014 "amicably"' },
  ADD_CLAIM: { node: 'track:1', field: 'bpm', value: 120.25, confidence: 1e-3, sources: ['https://example.org/a?b=c&d=e'] },
  EDIT_CLAIM: { claim: hex(sha256('claim')), patch: [{ op: 'replace', path: '/value', value: -0.5 }, { op: 'add', path: '/a~1b', value: { deep: [[[1]]] } }] },
  DELETE_CLAIM: { claim: hex(sha256('claim')), reason: '' },
  VOTE: { target: hex(sha256('target')), value: -1, weight: 0 },
  LIKE: { target: hex(sha256('target')), '\ud83d\ude00': true, '\ufb33': false },
  DISCUSS: { target: hex(sha256('target')), text: 'Line one\nline two\ttabbed \\ "quoted" </script> \u2028 \ud83c\udfb5', reply_to: null },
  FINALIZE: { target: hex(sha256('target')), quorum: 0.6666666666666666, until: 9007199254740991 },
  DISTRIBUTE_REWARDS: { epoch: 12, total: 1e21, shares: { 'EOS:alice': 0.1, 'EOS:bob': 0.2, 'EOS:carol': 0.30000000000000004 }, dust: 5e-324 },
  MERGE_NODE: { from: ['node:a', 'node:b'], into: 'node:c', '10': 1, '9': 2, 'B': 3, 'a': 4 },
  SPLIT_NODE: { from: 'node:c', into: { 'node:a': ['x'], 'node:b': [] }, nothing: {} },
};
