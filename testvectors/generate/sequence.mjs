// signatures/sequence.json: ten thousand keys and digests, and the checksums of
// what eosjs and wharfkit both sign with them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hex, key, root, sha256, sign } from './lib.mjs';

const held = { K1: [100, 1000, 10000], R1: [100, 1000] };
const checksums = {}, cases = [];
for (const curve of Object.keys(held)) {
  checksums[curve] = {};
  const running = createHash('sha256');
  for (let i = 0, last = held[curve].at(-1); i < last; i++) {
    const k = key(curve, new Uint8Array(sha256(`${curve} key ${i}`)));
    const digest = sha256(`${curve} digest ${i}`);
    const signature = sign(k, digest);
    running.update(signature + '\n');
    if (held[curve].includes(i + 1)) checksums[curve][i + 1] = running.copy().digest('hex');
    if (i % 997 === 0) cases.push({ name: `${curve} ${i}`, op: 'sign_digest', in: { private: k.private, digest: hex(digest) }, out: { signature } });
  }
}
assert.equal(Object.keys(checksums.K1).length, 3);

mkdirSync(join(root, 'signatures'), { recursive: true });
writeFileSync(join(root, 'signatures/sequence.json'), `{
  "description": "sign_digest, many times: signature i, from 0, is made with the key whose 32 bytes are the SHA-256 of '<curve> key <i>' over the digest that is the SHA-256 of '<curve> digest <i>'. 'checksums' is the SHA-256 of the first signature texts, each with a line feed, as eosjs 22 and @wharfkit/antelope 1 both make them. 'cases' are every 997th.",
  "checksums": ${JSON.stringify(checksums)},
  "cases": [
${cases.map((c) => '    ' + JSON.stringify(c)).join(',\n')}
  ]
}
`);
