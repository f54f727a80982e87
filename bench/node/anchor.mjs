// Posts to the contract of a chain as who uses eosjs or wharfkit would, one
// transaction after the other, for a while each:
//
//   node anchor.mjs URL ACCOUNT PERMISSION KEY SECONDS    one JSON line per task: {peer, action, each, transactions, seconds}
import { createRequire } from 'node:module';
import { Action, APIClient, Checksum256, FetchProvider, PackedTransaction, PrivateKey, Serializer, Transaction } from '@wharfkit/antelope';

const require = createRequire(import.meta.url);
const { Api, JsonRpc } = require('eosjs');
const { JsSignatureProvider } = require('eosjs/dist/eosjs-jssig');

const [url, account, permission, key, seconds] = process.argv.slice(2);
const authorization = [{ actor: account, permission }];
const expireSeconds = 120;

// Numbers go on where whoever was there before has stopped.
const state = await (await fetch(`${url}/test/state`)).json();
const last = (table) => state.rows[table]?.at(-1);
let head = Number(last('heads')?.seq ?? 0);
let size = Number(last('heads')?.size ?? 0);
let event = Number(last('events')?.seq ?? 0);
const hash = (n) => n.toString(16).padStart(64, '0');
const data = {
  post: () => ({ seq: ++head, size: (size += 7), root: hash(size) }),
  event: () => ({ seq: ++event, code: 40, hash: hash(event) }),
};
const actions = (name, each) => Array.from({ length: each }, () => ({ account, name, authorization, data: data[name]() }));

function eosjs() {
  const rpc = new JsonRpc(url, { fetch });
  const signatureProvider = new JsSignatureProvider([key]);
  const authorityProvider = { getRequiredKeys: () => signatureProvider.getAvailableKeys() }; // else it asks a node each time
  const api = new Api({ rpc, signatureProvider, authorityProvider, textDecoder: new TextDecoder(), textEncoder: new TextEncoder() });
  return (name, each) => api.transact({ actions: actions(name, each) }, { useLastIrreversible: true, expireSeconds });
}

async function wharfkit() {
  const client = new APIClient({ provider: new FetchProvider(url, { fetch }) });
  const { abi } = await client.v1.chain.get_abi(account);
  const signer = PrivateKey.from(key);
  return async (name, each) => {
    const info = await client.v1.chain.get_info();
    const transaction = Transaction.from({ ...info.getTransactionHeader(expireSeconds), actions: actions(name, each).map((a) => Action.from(a, abi)) });
    const signature = signer.signDigest(Checksum256.from(transaction.signingDigest(info.chain_id)));
    await client.v1.chain.send_transaction2(PackedTransaction.from({ signatures: [signature], packed_trx: Serializer.encode({ object: transaction }) }), { return_failure_trace: false });
  };
}

for (const [peer, post] of [['eosjs 22', eosjs()], ['wharfkit', await wharfkit()]]) {
  for (const [action, each] of [['post', 1], ['event', 1], ['event', 48]]) {
    await post(action, each); // warms up
    const start = performance.now();
    let transactions = 0;
    let took = 0;
    for (; took < seconds; took = (performance.now() - start) / 1000) {
      await post(action, each);
      transactions++;
    }
    console.log(JSON.stringify({ peer, action, each, transactions, seconds: took }));
  }
}
