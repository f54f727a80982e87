// What goes to a chain, by those who share nothing with this repository: the
// contract in vert, its data and transactions in wharfkit, requests, the
// host's too, in wharfkit's reader of them. Vectors hold the Go side to the same bytes.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import zlib from "node:zlib";
import { ABI, Serializer, Transaction } from "@wharfkit/antelope";
import { SigningRequest } from "@wharfkit/signing-request";
import { init, signDigest } from "eventseal";
import { readVectors, root } from "./files.mjs";
import { before, test } from "./test.mjs";

const require = createRequire(import.meta.url);
const { Blockchain } = require("@eosnetwork/vert");
const eosio = createRequire(require.resolve("@eosnetwork/vert"))("@greymass/eosio"); // the types that vert knows

const folder = `${root}/host/anchor/contract`;
const wasm = readFileSync(`${folder}/anchor.wasm`);
const json = JSON.parse(readFileSync(`${folder}/anchor.abi`, "utf8"));
const abi = ABI.from(json);
const cases = (file) => readVectors(`anchor/${file}.json`).cases;
const plain = (value) => JSON.parse(JSON.stringify(value));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

before(() => init());

test("wharfkit reads transactions as they were meant, and the module signs them as it does", () => {
  for (const { name, transaction, packed, id, chain_id, digest, private: key, signature } of cases("transactions")) {
    const t = Serializer.decode({ data: packed, type: Transaction });
    assert.equal(t.expiration.toMilliseconds() / 1000, transaction.expiration, name);
    const { expiration, ...rest } = transaction;
    const { expiration: _, ...decoded } = plain(t);
    assert.deepEqual(decoded, rest, name);
    assert.equal(t.id.toString(), id, name);
    assert.equal(t.signingDigest(chain_id).toString(), digest, name);
    assert.equal(signDigest(digest, key), signature, name);
  }
});

test("the ABI has data and rows for what they are", () => {
  for (const { name, type, fields, data } of cases("data")) {
    const decoded = plain(Serializer.decode({ data, type, abi }));
    assert.deepEqual(Object.keys(decoded), Object.keys(fields), name);
    for (const [field, value] of Object.entries(fields)) assert.equal(String(decoded[field]), String(value), `${name}: ${field}`);
    assert.equal(Serializer.encode({ object: fields, type, abi }).hexString, data, name);
  }
});

test("the ABI in its binary form is the ABI", () => {
  const [{ packed, sha256 }] = cases("abi");
  assert.equal(Serializer.encode({ object: abi }).hexString, packed);
  assert.deepEqual(plain(Serializer.decode({ data: packed, type: ABI })), plain(abi));
  assert.equal(createHash("sha256").update(Buffer.from(packed, "hex")).digest("hex"), sha256);
  for (const { name, type } of [...json.actions, ...json.tables]) assert.ok(abi.getStruct(type), name);
});

const inflate = { inflateRaw: (b) => new Uint8Array(zlib.inflateRawSync(b)), deflateRaw: (b) => new Uint8Array(zlib.deflateRawSync(b)) };

test("requests have the actions that they were made for", () => {
  for (const { name, uri, chain_id, actions, callback, broadcast } of cases("requests")) {
    const request = SigningRequest.from(uri, { zlib: inflate });
    assert.equal(request.getChainId().toString(), chain_id, name);
    assert.deepEqual(plain(request.getRawActions()), actions, name);
    assert.equal(request.shouldBroadcast(), broadcast, name);
    assert.equal(request.data.callback, callback, name);
  }
});

const noGo = (process.env.EVENTSEAL_REQUIRE ?? "") === "" && spawnSync("go", ["version"]).status !== 0 ? "go is missing" : false;

test("a wallet's reader of requests takes the host's", { skip: noGo }, () => {
  const made = execFileSync("go", ["run", "./sdk-js/test/requests"], { cwd: root, encoding: "utf8" }).trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(made.length > 20);
  const wanted = new Map(cases("requests").map((c) => [c.name, c]));
  for (const { name, uri } of made) {
    const request = SigningRequest.from(uri, { zlib: inflate });
    const { chain_id, actions } = wanted.get(name);
    assert.equal(request.getChainId().toString(), chain_id, name);
    assert.deepEqual(plain(request.getRawActions()), actions, name);
    assert.ok(request.shouldBroadcast() && !request.isIdentity(), name);
    assert.equal(request.data.callback, "", name);
    assert.deepEqual(plain(request.data.info), [], name);
  }
});

/** chain is vert with the contract on the account eventseal. */
function chain() {
  const blockchain = new Blockchain();
  blockchain.createAccount("mallory");
  blockchain.createAccount({ name: "eventseal", wasm, abi: json });
  const number = (name) => BigInt(eosio.Name.from(name).value.toString());
  return {
    /** run is done whole or throws. */
    run(time, actions) {
      blockchain.setTime(eosio.TimePoint.from(time));
      return blockchain.applyTransaction(eosio.Transaction.from({ expiration: 0, ref_block_num: 0, ref_block_prefix: 0, actions }));
    },
    /** rows are a table's, as hex, in the order of their numbers. */
    rows(name) {
      const rows = [];
      const table = blockchain.store.findTable(number("eventseal"), number("eventseal"), number(name));
      for (let row = table?.lowerbound(0n); row; row = table.next(row.primaryKey)) rows.push(hex(row.value));
      return rows;
    },
  };
}

test("vert does with the contract what the vectors say", async () => {
  const c = chain();
  for (const { name, time, actions, refuse, heads, events } of cases("contract")) {
    const done = c.run(time, actions);
    if (refuse) await assert.rejects(done, refuse === "missing authority" ? /^Error: missing required authority eventseal$/ : new RegExp(`^Error: eosio_assert: ${refuse}$`), name);
    else await done;
    assert.deepEqual(c.rows("heads"), heads, name);
    assert.deepEqual(c.rows("events"), events, name);
  }
});

test("vert keeps the last 1,024 rows", async () => {
  const c = chain();
  const authorization = [{ actor: "eventseal", permission: "active" }];
  const digest = "ab".repeat(32);
  const last = 1024 + 40;
  for (let from = 1; from <= last; from += 56) {
    const actions = [];
    for (let seq = from; seq < from + 56; seq++) {
      for (const [name, object] of [["post", { seq, size: seq, root: digest }], ["event", { seq, code: 1, hash: digest }]]) {
        actions.push({ account: "eventseal", name, authorization, data: Serializer.encode({ object, type: name, abi }).hexString });
      }
    }
    await c.run("2026-11-28T05:00:00", actions);
  }
  for (const [table, type] of [["heads", "head"], ["events", "event_row"]]) {
    const rows = c.rows(table).map((data) => Serializer.decode({ data, type, abi }));
    assert.equal(rows.length, 1024);
    rows.forEach((row, i) => assert.equal(Number(row.seq), last - 1023 + i));
  }
});
