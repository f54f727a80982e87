// Every operation of the test vectors through the SDK's public functions. Web
// APIs only: Node and the page run this same file.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const toHex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
export const fromHex = (s) => Uint8Array.from(s.match(/../g) ?? [], (d) => parseInt(d, 16));

/** bytes reads a string, or an array of pieces, as testvectors/README.md says. */
function bytes(text) {
  const pieces = (typeof text === "string" ? [text] : text).map((p) =>
    p.hex !== undefined ? fromHex(p.hex) : encoder.encode(typeof p === "string" ? p : p.repeat.repeat(p.times)),
  );
  const all = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

/** text is the string of bytes that are UTF-8, to go in as a string; else the bytes. */
function textOrBytes(b) {
  try {
    return decoder.decode(b);
  } catch {
    return b;
  }
}

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const limit = (i) => (i.max_bytes ? { maxBytes: i.max_bytes } : {});

class Refused extends Error {
  constructor({ code, pointer }) {
    super(code);
    this.code = code;
    this.pointer = pointer;
  }
}

function operations(es) {
  const verdict = (v) => {
    if (!v.valid) throw new Refused(v);
    return v;
  };
  const digests = (v) => ({ hash: v.hash, record_digest: v.recordDigest });
  return {
    canonicalize: (i, form) => ({ text: es.canonicalize(form(i.text)) }),
    create(i, form) {
      const c = es.createEvent(i.type, form(i.body), i.author_pubkey, i.parents ?? [], i.proofs === undefined ? undefined : form(i.proofs), { createdAt: i.created_at, ...limit(i) });
      if (toHex(c.hashBytes) !== c.hash || es.hashEvent(c.event) !== c.hash) throw new Error("hashBytes and event are not those of hash");
      return { hash: c.hash, preimage: c.canonical };
    },
    hash(i, form) {
      const hash = es.hashEvent(form(i.text), limit(i));
      const { sig: _, ...unsigned } = JSON.parse(es.canonicalize(form(i.text)));
      return { hash, preimage: es.canonicalize(unsigned) };
    },
    sign(i, form) {
      const signed = es.signEvent(form(i.text), i.private, limit(i));
      const v = verdict(es.verifyEvent(signed, limit(i)));
      return { hash: v.hash, signature: signed.sig, record: v.record };
    },
    verify(i, form) {
      es.registerTypes(i.types ?? []);
      const v = verdict(es.verifyEvent(form(i.text), limit(i)));
      const { type, author_pubkey, created_at, parents } = v.event;
      return { ...digests(v), record: v.record, type, type_code: v.typeCode, author: author_pubkey, author_key: v.authorKey, created_at, parents };
    },
    verify_batch: (i, form) => ({
      items: es.verifyMany(i.texts.map(form), limit(i)).map((v) => (v.valid ? { out: digests(v) } : { refuse: { code: v.code, pointer: v.pointer } })),
    }),
    match(i, form) {
      if (!es.validateEventHash(form(i.text), i.hash)) throw new Refused(es.verifyEvent(form(i.text)).valid ? { code: "hash_mismatch", pointer: "" } : es.verifyEvent(form(i.text)));
      return {};
    },
    public_text(i) {
      const { curve, point, text, legacy } = es.parsePublicKey(textOrBytes(bytes(i.text)));
      if (es.publicKeyFromPoint(curve, point).text !== text) throw new Error("publicKeyFromPoint is not the inverse of parsePublicKey");
      if (legacy && es.toLegacyPublicKey(text) !== legacy) throw new Error("toLegacyPublicKey says something else");
      return { curve, point: toHex(point), text, legacy };
    },
    private_text(i) {
      const { curve, privateKey, publicKey } = es.keyPairOf(bytes(i.text));
      if (es.publicKeyOf(bytes(i.text)) !== publicKey) throw new Error("publicKeyOf says something else");
      return { curve, text: privateKey, public: publicKey };
    },
    key_from_random(i) {
      const { privateKey, publicKey } = es.generateKeyPair({ curve: i.curve ?? "K1", random: fromHex(i.random) });
      return { private: privateKey, public: publicKey };
    },
    signature_text(i) {
      const text = textOrBytes(bytes(i.text));
      const { curve, bytes: compact } = es.parseSignature(text);
      if (es.formatSignature(curve, compact) !== text) throw new Error("formatSignature is not the inverse of parseSignature");
      return { curve, compact: toHex(compact) };
    },
    sign_digest: (i) => ({ signature: es.signDigest(i.digest, i.private) }),
    verify_digest(i) {
      const v = es.verifyDigest(fromHex(i.digest), i.signature, i.public);
      if (!v.valid) throw new Refused({ code: v.code, pointer: "" });
      return {};
    },
    recover: (i) => ({ public: es.recoverPublicKey(i.signature, i.digest) }),
    verify_proof(i, form) {
      const { message, code = "", pointer, parts, admittedAt, anchor: a, ...rest } = es.verifyProof(form(i.text), { keys: i.trust, ...limit(i) });
      if (!parts) throw new Refused({ code, pointer });
      const anchor = a && {
        block_id: a.blockId, block_num: a.blockNum, chain_id: a.chainId, contract: a.contract, seq: a.seq, size: a.size, time: a.time.replace(/Z$/, ""), transaction_id: a.transactionId,
      };
      return { text: es.canonicalize({ ...rest, ...(anchor && { anchor }), code, parts, admitted_at: admittedAt }) };
    },
    verify_receipt(i, form) {
      const { valid, trusted, recordDigest, admittedAt, ...rest } = verdict(es.verifyReceipt(form(i.text)));
      return { text: es.canonicalize({ ...rest, record_digest: recordDigest, admitted_at: admittedAt }) };
    },
    inclusion(i) {
      if (!es.verifyInclusion({ hash: i.hash, root: i.root, index: i.index ?? 0, size: i.size ?? 0, path: i.path ?? [] })) throw new Refused({ code: "invalid_proof", pointer: "" });
      return {};
    },
  };
}

function answer(es, ops, c, form) {
  try {
    return { out: ops[c.op](c.in, form) };
  } catch (e) {
    if (e instanceof Refused || e instanceof es.EventSealError) return { refuse: { code: e.code, pointer: e.pointer } };
    return { crash: String(e?.stack ?? e) };
  }
}

const texts = new Set(["text", "preimage", "record"]);

/** agree compares an answer with what a case wants: absent and empty are one. */
function agree(got, want) {
  if (want.refuse) return got.refuse?.code === want.refuse.code && (want.refuse.pointer === undefined || got.refuse.pointer === want.refuse.pointer);
  if (!got.out) return false;
  if (want.out.items) return got.out.items.length === want.out.items.length && want.out.items.every((w, n) => agree(got.out.items[n], w));
  const empty = (v) => v === undefined || v === 0 || v === "" || (Array.isArray(v) && v.length === 0);
  const names = new Set([...Object.keys(got.out), ...Object.keys(want.out)]);
  for (const name of names) {
    const [g, w] = [got.out[name], want.out[name]];
    if (empty(g) && empty(w)) continue;
    if (empty(g) || empty(w)) return false;
    if (texts.has(name) ? !same(bytes(g), bytes(w)) : JSON.stringify(g) !== JSON.stringify(w)) return false;
  }
  return true;
}

/**
 * runVectors runs the cases of one file, each with its texts as bytes and, where
 * they are UTF-8, as strings. Returns the failures.
 */
export function runVectors(es, file) {
  const ops = operations(es);
  const failed = [];
  for (const c of file.cases) {
    if (c.op === "sign_receipt") continue; // what only a host does
    for (const form of [bytes, (t) => textOrBytes(bytes(t))]) {
      if (!ops[c.op]) throw new Error(`no operation ${c.op}`);
      const got = answer(es, ops, c, form);
      if (!agree(got, c)) failed.push({ name: c.name, got, want: c.refuse ? { refuse: c.refuse } : { out: c.out } });
    }
  }
  return failed;
}
