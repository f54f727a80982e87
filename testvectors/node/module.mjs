// The smallest loader of eventseal.wasm: one class over the exports of
// wasm/ABI.md, for the runner of the test vectors. Programs use the SDK.
import { readFileSync } from 'node:fs';

const { codes } = JSON.parse(readFileSync(new URL('../codes.json', import.meta.url), 'utf8'));
const names = new Map(codes.map((c) => [c.number, c.code]));

/** A Refusal is the module's answer to what is not valid. */
export class Refusal extends Error {
  constructor(number, pointer) {
    super(names.get(number));
    this.code = names.get(number);
    this.pointer = pointer;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** field is bytes behind their length. */
export function field(b) {
  const bytes = typeof b === 'string' ? encoder.encode(b) : b;
  const n = new Uint8Array(4);
  new DataView(n.buffer).setUint32(0, bytes.length, true);
  return Buffer.concat([n, bytes]);
}

export function uint64(n) {
  const b = new Uint8Array(8);
  new DataView(b.buffer).setBigUint64(0, BigInt(n), true);
  return b;
}

export class Module {
  constructor(exports) {
    this.x = exports;
  }

  bytes(at, size) {
    return new Uint8Array(this.x.memory.buffer, at, size).slice();
  }

  number(at) {
    return new DataView(this.x.memory.buffer).getUint32(at, true);
  }

  put(parts) {
    const input = Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : p)));
    const at = this.x.input(input.length);
    if (at === 0) throw new Error('the input is over the limit of a call');
    new Uint8Array(this.x.memory.buffer).set(input, at);
    return input.length;
  }

  /** ask calls an operation that answers with a result. */
  ask(name, ...parts) {
    const at = this.x[name](this.put(parts));
    const data = this.bytes(this.number(at + 4), this.number(at + 8));
    if (this.number(at) !== 0) throw new Refusal(this.number(at), decoder.decode(data));
    return data;
  }

  /** report calls verify_proof, which has a report also beside a refusal. */
  report(name, maxBytes, ...parts) {
    const at = this.x[name](this.put(parts), maxBytes);
    const data = this.bytes(this.number(at + 4), this.number(at + 8));
    if (this.number(at) !== 0 && data[0] !== 0x7b) throw new Refusal(this.number(at), decoder.decode(data));
    return data;
  }

  /** judge calls an operation on an event. */
  judge(name, maxBytes, ...parts) {
    return this.verdict(this.x[name](this.put(parts), maxBytes));
  }

  batch(maxBytes, events) {
    const at = this.x.verify_batch(this.put(events.map(field)), maxBytes);
    if (this.number(at) !== 0) throw new Refusal(this.number(at), '');
    const first = this.number(at + 4);
    return events.map((_, i) => {
      try {
        return { verdict: this.verdict(first + 168 * i) };
      } catch (refusal) {
        return { refusal };
      }
    });
  }

  verdict(at) {
    const view = (offset) => this.bytes(this.number(at + offset), this.number(at + offset + 4));
    if (this.number(at) !== 0) throw new Refusal(this.number(at), decoder.decode(view(156)));
    return {
      typeCode: this.number(at + 4),
      createdAt: Number(new DataView(this.x.memory.buffer).getBigUint64(at + 8, true)),
      hash: this.bytes(at + 16, 32),
      recordDigest: this.bytes(at + 48, 32),
      authorKey: this.bytes(at + 80, 34),
      record: view(116),
      type: decoder.decode(view(124)),
      author: decoder.decode(view(132)),
      parents: view(140),
      signature: decoder.decode(view(148)),
    };
  }
}

/** load instantiates the module: there is nothing for it to import. */
export async function load(file) {
  const { instance } = await WebAssembly.instantiate(file, {});
  instance.exports._initialize();
  if (instance.exports.abi_version() !== 1) throw new Error('another version of the ABI');
  return new Module(instance.exports);
}
