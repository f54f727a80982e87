package chain

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"
)

// What passes is executed at once, is in the next block, and is final with it.
func TestPost(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	status, v := ask(t, n, "send_transaction2", signedBy(c, post(c, 1), poster))
	processed := v["processed"].(map[string]any)
	receipt := processed["receipt"].(map[string]any)
	// 12 + 16 + 98 packed + a fifth of 67 for the signature: 140, 18 words.
	if status != 202 || receipt["status"] != "executed" || receipt["net_usage_words"].(float64) != 18 || receipt["cpu_usage_us"].(float64) < 100 {
		t.Fatalf("%d %v", status, v)
	}
	trace := processed["action_traces"].([]any)[0].(map[string]any)
	if data := trace["act"].(map[string]any)["data"].(map[string]any); data["size"].(float64) != 10 {
		t.Errorf("%v", trace)
	}
	if rows := seqs(t, n, "heads", 10); len(rows) != 0 {
		t.Errorf("a row is told that is in no block: %v", rows)
	}
	c.Produce(1)
	if rows := seqs(t, n, "heads", 10); len(rows) != 1 || rows[0] != 1 {
		t.Fatalf("%v", rows)
	}
	head := c.Head()
	_, b := ask(t, n, "get_block", map[string]any{"block_num_or_id": head.Num})
	trx := b["transactions"].([]any)[0].(map[string]any)
	inside := trx["trx"].(map[string]any)
	if trx["status"] != "executed" || inside["id"] != v["transaction_id"] || inside["compression"] != "none" || len(inside["packed_trx"].(string)) != 2*98 {
		t.Errorf("%v", b)
	}
	if b["id"] != head.ID || b["timestamp"] != timeText(head.Time) {
		t.Errorf("%v, want %v", b, head)
	}
	if string(c.Rows("heads")[0]) == "" || !strings.Contains(string(c.Rows("heads")[0]), timeText(head.Time)) {
		t.Errorf("%s", c.Rows("heads")[0])
	}
}

// Each rule of nodeos, with its code.
func TestRefusals(t *testing.T) {
	c := start(t, Options{Keys: keysOfThree, Links: linksOfThree, Others: map[string]string{"mallory": otherKey}})
	n := c.Node(0)
	c.Produce(5)
	changed := func(f func(tx *transaction)) map[string]any {
		tx := post(c, 1)
		f(&tx)
		return signedBy(c, tx, poster)
	}
	now := uint32(c.Head().Time.Unix())
	for name, k := range map[string]struct {
		body   map[string]any
		status int
		code   int64
		detail string
	}{
		"expired":            {changed(func(tx *transaction) { tx.expiration = now }), 500, codeExpired, "expired transaction"},
		"too far":            {changed(func(tx *transaction) { tx.expiration = now + 3602 }), 500, codeTooFar, "maximum transaction lifetime is 3600 seconds"},
		"prefix":             {changed(func(tx *transaction) { tx.refPrefix++ }), 500, codeReference, "different fork"},
		"block to come":      {changed(func(tx *transaction) { tx.refNum = uint16(c.Head().Num + 1) }), 500, codeReference, "different fork"},
		"delay":              {changed(func(tx *transaction) { tx.delay = 1 }), 500, codeTransaction, "cannot be delayed"},
		"no authorization":   {changed(func(tx *transaction) { tx.actions[0].auth = nil }), 500, codeNoAuths, "at least one authorization"},
		"no action":          {changed(func(tx *transaction) { tx.actions = nil }), 500, codeNoAuths, "at least one authorization"},
		"context-free":       {changed(func(tx *transaction) { tx.contextFree = tx.actions }), 500, codeUnaccessible, "context free"},
		"another account":    {changed(func(tx *transaction) { tx.actions[0].account++ }), 500, codeTransaction, "does not exist"},
		"another actor":      {changed(func(tx *transaction) { tx.actions[0].auth[0].Actor++ }), 500, codeTransaction, "does not exist"},
		"another permission": {changed(func(tx *transaction) { tx.actions[0].auth[0].Permission++ }), 500, codeTransaction, "non-existent permission"},
		"not enough":         {changed(func(tx *transaction) { tx.actions[0].name = mustName("other") }), 500, codeIrrelevantAuth, `minimum authority is {"actor":"eventseal","permission":"active"}`},
		"NET of its own":     {changed(func(tx *transaction) { tx.netWords = 17 }), 500, codeNET, "transaction net usage is too high: 140 > 136"},
		"too big":            {changed(func(tx *transaction) { tx.actions[0].data = make([]byte, maxNET) }), 500, codeNET, "net usage is too high"},
		"the wrong key":      {signedBy(c, post(c, 1), other), 401, codeUnsatisfied, otherKey},
		"nobody's":           {signedBy(c, post(c, 1)), 401, codeUnsatisfied, "provided keys []"},
		"a key too many":     {signedBy(c, post(c, 1), poster, other), 500, codeIrrelevantSig, otherKey},
		"one key twice":      {signedBy(c, post(c, 1), poster, poster), 500, codeDuplicateSig, posterKey},
		"the seq":            {signedBy(c, post(c, 2), poster), 500, codeAssertMessage, "assertion failure with message: the next seq is another"},
		"somebody else's":    {signedBy(c, mallorys(post(c, 1)), other), 500, codeMissingAuth, "missing authority of eventseal"},
		"and not by her key": {signedBy(c, mallorys(post(c, 1)), poster), 401, codeUnsatisfied, `"actor":"mallory"`},
		"the length":         {changed(func(tx *transaction) { tx.actions[0].data = make([]byte, 47) }), 500, codeAssertMessage, "assertion failure with message: the data has another length"},
	} {
		t.Run(name, func(t *testing.T) {
			if detail := refused(t, n, k.body, k.status, k.code); !strings.Contains(detail, k.detail) {
				t.Errorf("%q, want %q", detail, k.detail)
			}
		})
	}
	if list := c.Transactions(); len(list) != 0 || c.Account().NET != 0 {
		t.Errorf("something of what was refused is left: %v", list)
	}
	// Owner's and active's signatures are enough for what is linked to a permission below.
	for i, k := range []struct{ permission, key string }{{"anchor", poster}, {"active", other}, {"owner", owner}} {
		tx := post(c, uint64(i)+1)
		tx.actions[0].auth[0].Permission = mustName(k.permission)
		sent(t, n, signedBy(c, tx, k.key))
	}
}

// mallorys is a transaction by another account.
func mallorys(tx transaction) transaction {
	tx.actions[0].auth[0] = permission{mustName("mallory"), activeName}
	return tx
}

// What is no transaction is told from one that is refused.
func TestMalformed(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	good := signedBy(c, post(c, 1), poster)["transaction"].(map[string]any)
	raw := good["packed_trx"].(string)
	sig := good["signatures"].([]string)[0]
	for name, k := range map[string]struct {
		field string
		value any
		code  int64
	}{
		"cut off":         {"packed_trx", raw[:len(raw)-2], codePacked},
		"a byte too many": {"packed_trx", raw + "00", codePacked},
		"no hexadecimal":  {"packed_trx", "x" + raw[1:], codePacked},
		"none":            {"packed_trx", "", codePacked},
		"a long list":     {"packed_trx", raw[:26] + "ffffffff0f" + raw[28:], codePacked},
		"a loose length":  {"packed_trx", raw[:20] + "8000" + raw[22:], codePacked},
		"compression":     {"compression", "lzma", codeCompression},
		"not compressed":  {"compression", "zlib", codeDecompression},
		"no signatures":   {"signatures", nil, codePacked},
		"free data":       {"packed_context_free_data", "010100", codePacked},
		"free data, text": {"packed_context_free_data", "zz", codePacked},
		"a bad signature": {"signatures", []string{sig[:len(sig)-1] + "1"}, codePacked},
		"another curve":   {"signatures", []string{"SIG_R1_" + sig[7:]}, codePacked},
		"not canonical":   {"signatures", []string{flip(sig)}, codeAssertException},
		"no recovery":     {"signatures", []string{text("SIG_K1_", make([]byte, 65))}, codeGeneric},
	} {
		t.Run(name, func(t *testing.T) {
			bad := map[string]any{"signatures": good["signatures"], "compression": "none", "packed_context_free_data": "", "packed_trx": raw}
			bad[k.field] = k.value
			refused(t, n, map[string]any{"return_failure_trace": false, "transaction": bad}, 500, k.code)
		})
	}
	deflated := func(text string) string {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		packed, _ := hex.DecodeString(text)
		_, _ = w.Write(packed)
		w.Close()
		return hex.EncodeToString(b.Bytes())
	}
	// As wharfkit sends it: with a list of no context-free data.
	good["compression"], good["packed_trx"], good["packed_context_free_data"] = "zlib", deflated(raw), deflated("00")
	sent(t, n, map[string]any{"transaction": good})
	for _, call := range []string{"push_transaction", "send_transaction"} {
		if status, v := ask(t, n, call, good); status != 409 {
			t.Errorf("%s: %d %v", call, status, v)
		}
	}
	for _, body := range []any{map[string]any{}, map[string]any{"transaction": 5}} {
		if status, v := ask(t, n, "send_transaction2", body); status != 400 || v["message"] != "Invalid Request" {
			t.Errorf("%d %v", status, v)
		}
	}
	if status, v := ask(t, n, "get_nothing", nil); status != 404 || v["message"] != "Not Found" {
		t.Errorf("%d %v", status, v)
	}
}

// flip is a signature with the other s, which recovers to the same key elsewhere.
func flip(sig string) string {
	b, err := parseText("SIG_K1_", sig, 65)
	if err != nil {
		panic(err)
	}
	b[33] |= 0x80
	return text("SIG_K1_", b)
}

// A transaction is known until it expires, and then it is late.
func TestDuplicate(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	body := signedBy(c, post(c, 1), poster)
	sent(t, n, body)
	refused(t, n, body, 409, codeDuplicate)
	c.Produce(1)
	refused(t, n, body, 409, codeDuplicate)
	c.Advance(119 * time.Second) // to the very second
	refused(t, n, body, 409, codeDuplicate)
	c.Produce(1)
	refused(t, n, body, 500, codeExpired)
	if c.main.state.seen.root == nil {
		t.Error("it was forgotten before its time")
	}
	c.Produce(1)
	if c.main.state.seen.root != nil {
		t.Error("an expired transaction is kept for ever")
	}
}

// The reference is one of the last 65,536 blocks of this branch.
func TestReference(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	at := post(c, 1)
	// Nodeos knows a zero id of blocks that never were.
	zero := post(c, 1)
	zero.refNum, zero.refPrefix = 7, 0
	sent(t, n, signedBy(c, zero, poster))
	c.Produce(math.MaxUint16)
	at.expiration = uint32(c.Head().Time.Unix()) + 60
	at.actions[0].data = postData(2, 20)
	if c.Head().Num != 1<<16 {
		t.Fatal(c.Head())
	}
	sent(t, n, signedBy(c, at, poster))
	c.Produce(1)
	at.actions[0].data = postData(3, 30)
	refused(t, n, signedBy(c, at, poster), 500, codeReference)
}

// All actions of a transaction are done or none.
func TestAtomic(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	tx := post(c, 1)
	second := tx.actions[0]
	second.data = postData(2, 20)
	third := tx.actions[0]
	third.data = postData(3, 20) // not larger
	tx.actions = append(tx.actions, second, third)
	refused(t, n, signedBy(c, tx, poster), 500, codeAssertMessage)
	c.Produce(1)
	if len(c.Rows("heads")) != 0 {
		t.Fatal("half of a transaction was done")
	}
	tx.actions = tx.actions[:2]
	sent(t, n, signedBy(c, tx, poster))
	c.Produce(1)
	if len(c.Rows("heads")) != 2 {
		t.Fatal(c.Rows("heads"))
	}
	if net := c.Transactions()[0].NET; net != 224 { // 98 + 82 more bytes: 222, 28 words
		t.Errorf("%d bytes of NET", net)
	}
}

// By default a failure is answered as 202, with what failed.
func TestFailureTrace(t *testing.T) {
	c := start(t, Options{})
	body := signedBy(c, post(c, 2), poster)
	delete(body, "return_failure_trace")
	status, v := ask(t, c.Node(0), "send_transaction2", body)
	except, _ := v["processed"].(map[string]any)["except"].(map[string]any)
	if status != 202 || except["code"].(float64) != codeAssertMessage || v["processed"].(map[string]any)["receipt"] != nil {
		t.Fatalf("%d %v", status, v)
	}
}
