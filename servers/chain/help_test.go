package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

var (
	poster, posterKey = Key("poster")
	other, otherKey   = Key("other")
	owner, ownerKey   = Key("owner")
)

var (
	keysOfThree  = map[string][]string{"owner": {ownerKey}, "active": {otherKey}, "anchor": {posterKey}}
	linksOfThree = map[string]string{"post": "anchor", "event": "anchor"}
)

// start is a chain of the contract, whose actions are linked to a permission of their own.
func start(t *testing.T, o Options) *Chain {
	t.Helper()
	if o.Keys == nil {
		o.Keys, o.Links = keysOfThree, linksOfThree
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func postData(seq, size uint64) []byte {
	b := binary.LittleEndian.AppendUint64(nil, seq)
	b = binary.LittleEndian.AppendUint64(b, size)
	root := sha256.Sum256(b)
	return append(b, root[:]...)
}

// post is a transaction of one post that passes, once it is signed.
func post(c *Chain, seq uint64) transaction {
	lib := c.LIB()
	id, _ := hex.DecodeString(lib.ID)
	return transaction{
		expiration: uint32(c.Head().Time.Unix()) + 120,
		refNum:     uint16(lib.Num),
		refPrefix:  binary.LittleEndian.Uint32(id[8:]),
		actions:    []action{{account: c.self, name: mustName("post"), auth: []permission{{c.self, mustName("anchor")}}, data: postData(seq, seq*10)}},
	}
}

// signedBy makes what send_transaction2 takes.
func signedBy(c *Chain, tx transaction, keys ...string) map[string]any {
	raw := packTransaction(tx)
	sigs := []string{}
	for _, k := range keys {
		sigs = append(sigs, signature(c, raw, k))
	}
	return map[string]any{"return_failure_trace": false, "retry_trx": false, "transaction": map[string]any{
		"signatures": sigs, "compression": "none", "packed_context_free_data": "", "packed_trx": hex.EncodeToString(raw)}}
}

func signature(c *Chain, raw []byte, key string) string {
	secret, err := parseText("PVT_K1_", key, 32)
	if err != nil {
		panic(err)
	}
	return text("SIG_K1_", sign(secret, c.digest(raw)))
}

// ask posts to a node and returns status and answer.
func ask(t *testing.T, h http.Handler, path string, params any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/chain/"+path, bytes.NewReader(body)))
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Code, v
}

// sent wants a transaction taken, and returns its id.
func sent(t *testing.T, n *Node, body any) string {
	t.Helper()
	status, v := ask(t, n, "send_transaction2", body)
	if status != 202 {
		t.Fatalf("%d %v", status, v)
	}
	return v["transaction_id"].(string)
}

// refused wants a transaction refused by a code, and returns the detail.
func refused(t *testing.T, n *Node, body any, status int, code int64) string {
	t.Helper()
	got, v := ask(t, n, "send_transaction2", body)
	e, _ := v["error"].(map[string]any)
	if got != status || e == nil || int64(e["code"].(float64)) != code {
		t.Fatalf("%d %v, want %d and %d", got, v, status, code)
	}
	if e["name"] != faults[code][0] || e["what"] != faults[code][1] || v["code"].(float64) != float64(status) {
		t.Fatalf("%v", v)
	}
	return e["details"].([]any)[0].(map[string]any)["message"].(string)
}

// seqs are the numbers of a table's rows.
func seqs(t *testing.T, n *Node, table string, limit int) []float64 {
	t.Helper()
	status, v := ask(t, n, "get_table_rows", map[string]any{"json": true, "code": n.c.o.Account, "scope": n.c.o.Account, "table": table, "limit": limit})
	if status != 200 {
		t.Fatalf("%d %v", status, v)
	}
	list := []float64{}
	for _, r := range v["rows"].([]any) {
		list = append(list, r.(map[string]any)["seq"].(float64))
	}
	return list
}
