package chain

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// info is what get_info says.
func info(t *testing.T, h http.Handler) map[string]any {
	t.Helper()
	status, v := ask(t, h, "get_info", struct{}{})
	if status != 200 {
		t.Fatalf("%d %v", status, v)
	}
	return v
}

func TestInfo(t *testing.T) {
	c := start(t, Options{})
	c.Produce(9)
	v := info(t, c.Node(0))
	for key, want := range map[string]any{
		"chain_id": c.ID(), "head_block_num": float64(10), "head_block_id": c.Head().ID, "head_block_time": "2026-01-01T00:00:04.500",
		"last_irreversible_block_num": float64(7), "last_irreversible_block_id": c.LIB().ID, "last_irreversible_block_time": "2026-01-01T00:00:03.000",
		"head_block_producer": "eosio", "fork_db_head_block_num": float64(10), "earliest_available_block_num": float64(1), "server_version_string": version,
	} {
		if v[key] != want {
			t.Errorf("%s is %v, want %v", key, v[key], want)
		}
	}
	_, b := ask(t, c.Node(0), "get_block_info", map[string]any{"block_num": 7})
	if b["id"] != c.LIB().ID || b["timestamp"] != "2026-01-01T00:00:03.000" || b["ref_block_num"].(float64) != 7 || b["producer_signature"] != noSignature {
		t.Errorf("%v", b)
	}
	if status, _ := ask(t, c.Node(0), "get_block_info", map[string]any{"block_num": 11}); status != 400 {
		t.Errorf("a block to come: %d", status)
	}
}

// A node out of sync answers from its block, with its state.
func TestFrozen(t *testing.T) {
	c := start(t, Options{})
	n, f := c.Node(0), c.Node(1)
	sent(t, n, signedBy(c, post(c, 1), poster))
	c.Produce(5)
	f.Freeze()
	was := info(t, f)
	sent(t, n, signedBy(c, post(c, 2), poster))
	c.Produce(100)
	if now := info(t, f); !reflect.DeepEqual(now, was) {
		t.Errorf("%v, was %v", now, was)
	}
	if rows := seqs(t, f, "heads", 10); len(rows) != 1 {
		t.Error(rows)
	}
	// It takes what the others refuse, to no end.
	body := signedBy(c, post(c, 3), poster)
	refused(t, f, body, 500, codeReference) // of a block that it does not know
	tx := post(c, 2)
	old := c.find(f.own, f.own.lib.num)
	tx.refNum, tx.refPrefix = uint16(old.num), old.prefix()
	sent(t, f, signedBy(c, tx, poster))
	c.Produce(1)
	if rows := seqs(t, n, "heads", 10); len(rows) != 2 {
		t.Error(rows)
	}
	f.Thaw()
	if info(t, f)["head_block_id"] != c.Head().ID {
		t.Error("it does not catch up")
	}
	if rows := seqs(t, f, "heads", 10); len(rows) != 2 {
		t.Error(rows)
	}
}

// A node on a dead fork has rows that nobody else has, and nothing of them becomes irreversible.
func TestStranded(t *testing.T) {
	c := start(t, Options{})
	n, s := c.Node(0), c.Node(1)
	c.Produce(5)
	s.Strand()
	body := signedBy(c, post(c, 1), poster)
	sent(t, s, body)
	c.Produce(20)
	if a, b := seqs(t, s, "heads", 10), seqs(t, n, "heads", 10); len(a) != 1 || len(b) != 0 {
		t.Fatal(a, b)
	}
	mine, theirs := info(t, s), info(t, n)
	if mine["head_block_num"] != theirs["head_block_num"] || mine["head_block_time"] != theirs["head_block_time"] || mine["head_block_id"] == theirs["head_block_id"] {
		t.Errorf("%v and %v", mine, theirs)
	}
	if mine["last_irreversible_block_num"].(float64) != 3 {
		t.Errorf("%v", mine)
	}
	refused(t, s, body, 409, codeDuplicate)
	sent(t, n, body)
	s.Thaw()
	c.Produce(1)
	if rows := seqs(t, s, "heads", 10); len(rows) != 1 {
		t.Fatal(rows)
	}
}

func TestForgetful(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	body := signedBy(c, post(c, 1), poster)
	n.Forget(1)
	sent(t, n, body)
	c.Produce(2)
	if len(c.Transactions()) != 0 {
		t.Fatal("it was not forgotten")
	}
	n.Refuse(codeCPU, 1)
	refused(t, n, body, 500, codeCPU)
	sent(t, n, body)
	c.Produce(1)
	if len(c.Transactions()) != 1 {
		t.Fatal(c.Transactions())
	}
}

// An API node judges upon the head; a producer upon what is pending, too.
func TestHeadMode(t *testing.T) {
	c := start(t, Options{})
	producer, api := c.Node(0), c.Node(1)
	api.HeadMode(true)
	first := signedBy(c, post(c, 1), poster)
	sent(t, api, first)
	refused(t, api, signedBy(c, post(c, 2), poster), 500, codeAssertMessage)
	sent(t, producer, signedBy(c, post(c, 2), poster))
	sent(t, api, first) // it is in no block yet, so nobody knows it
	c.Produce(1)
	refused(t, api, first, 409, codeDuplicate)
	if list := c.Transactions(); len(list) != 2 {
		t.Fatal(list)
	}
}

func TestOutages(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	url := n.URL()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(ctx context.Context) (int, string, error) {
		req, _ := http.NewRequestWithContext(ctx, "POST", url+"/v1/chain/get_info", nil)
		resp, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	up := func() {
		t.Helper()
		if err := n.Down(Up); err != nil {
			t.Fatal(err)
		}
		if status, body, err := get(t.Context()); status != 200 || err != nil {
			t.Fatalf("%d %s %v", status, body, err)
		}
	}
	up()
	for outage, want := range map[Outage]int{BadGateway: 502, Unavailable: 503} {
		if err := n.Down(outage); err != nil {
			t.Fatal(err)
		}
		if status, body, err := get(t.Context()); status != want || !strings.HasPrefix(body, "<html>") {
			t.Fatalf("%d %s %v", status, body, err)
		}
	}
	up()
	if err := n.Down(Refused); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t.Context()); err == nil {
		t.Fatal("it answers")
	}
	up()
	if err := n.Down(Silent); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { _, _, err := get(ctx); answered <- err }()
	cancel()
	if err := <-answered; err == nil {
		t.Fatal("it answers")
	}
	// The control is there whatever the API does.
	resp, err := client.Post(url+"/test/node", "application/json", strings.NewReader(`{"node":0,"outage":"up"}`))
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	up()
}

// A hook sees each request before its effect and after it, and may cut it off there.
func TestHook(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	body := signedBy(c, post(c, 1), poster)
	for _, after := range []bool{false, true} {
		n.Hook(func(r Request) bool { return r.Path != "/v1/chain/send_transaction2" || r.After != after })
		s := httptest.NewServer(n)
		b, _ := json.Marshal(body)
		_, err := http.Post(s.URL+"/v1/chain/send_transaction2", "application/json", strings.NewReader(string(b)))
		s.Close()
		if err == nil {
			t.Fatal("it was answered")
		}
		if n := len(c.Transactions()); (n == 1) != after {
			t.Fatalf("after %v there are %d transactions", after, n)
		}
	}
	n.Hook(nil)
	n.Lie(func(path string, answer []byte) []byte {
		return []byte(strings.ReplaceAll(string(answer), c.ID(), "00"))
	})
	if info(t, n)["chain_id"] != "00" {
		t.Error("it does not lie")
	}
	n.Lie(nil)
	n.StringNumbers(true)
	if info(t, n)["head_block_num"] != "1" {
		t.Error("numbers are no strings")
	}
}

func TestBalanced(t *testing.T) {
	c := start(t, Options{})
	c.Node(1).Freeze()
	c.Produce(3)
	h := c.Balanced(c.Node(0), c.Node(1))
	for range 2 {
		if a, b := info(t, h)["head_block_num"], info(t, h)["head_block_num"]; a.(float64) != 4 || b.(float64) != 1 {
			t.Errorf("%v, %v", a, b)
		}
	}
}

// Whoever asks and sends, while blocks come by the clock and fall away.
func TestConcurrent(t *testing.T) {
	c := start(t, Options{Auto: true, Interval: time.Millisecond, Lag: 5})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			n := c.Node(i)
			for seq := range uint64(20) {
				_, _ = ask(t, n, "send_transaction2", signedBy(c, post(c, seq+1), poster))
				info(t, n)
				seqs(t, n, "heads", 5)
				c.State()
				switch i {
				case 1:
					n.Freeze()
				case 2:
					n.Strand()
				case 3:
					if err := c.Fork(1, Keep); err != nil && !strings.Contains(err.Error(), "cannot be dropped") {
						t.Error(err)
					}
				}
				n.Thaw()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}
