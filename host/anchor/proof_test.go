package anchor

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/servers/chain"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A part of a proof has all it takes to be checked without the host.
func TestPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.start(fault{})
	w.admit("VOTE", both...)
	if _, err := a.Part(t.Context(), 1, 1); !errors.Is(err, journal.ErrNotFound) {
		t.Error(err)
	}
	w.finish(a)
	for range 4 {
		w.admit("VOTE", both...)
	}
	w.finish(a)
	size := w.log.size
	for sequence, want := range map[uint64]uint64{1: 1, 2: 5, 5: 5} {
		part, err := a.Part(t.Context(), sequence, size)
		if err != nil {
			t.Fatal(err)
		}
		if part.Row.Size != want || part.ChainID != w.chain.ID() || part.Contract != account.String() {
			t.Errorf("%+v", part)
		}
		var proof tlog.TreeProof
		for _, text := range part.Consistency {
			h, _ := digest.ParseHash(text)
			proof = append(proof, tlog.Hash(h))
		}
		root, _ := digest.ParseHash(part.Row.Root)
		if err := tlog.CheckTree(proof, int64(size), tlog.Hash(w.root(size)), int64(want), tlog.Hash(root)); err != nil {
			t.Error(err)
		}
		_, public := chain.Key("anchor")
		if len(part.Keys) != 1 || part.Keys[0] != public || len(part.Signatures) != 1 {
			t.Errorf("%v", part.Keys)
		}
		packed, _ := hex.DecodeString(part.Transaction)
		tx, err := antelope.Unpack(packed)
		if err != nil || len(tx.Actions) != 1 || tx.Actions[0].Authorization[0].Actor != account {
			t.Fatalf("%+v, %v", tx, err)
		}
		if seq, n, r, err := antelope.ParsePost(tx.Actions[0].Data); err != nil || seq != part.Row.Seq || n != want || r != root {
			t.Error(seq, n, r, err)
		}
		if !strings.HasPrefix(part.BlockID, hex.EncodeToString([]byte{byte(part.BlockNum >> 24), byte(part.BlockNum >> 16), byte(part.BlockNum >> 8), byte(part.BlockNum)})) {
			t.Error(part.BlockID, part.BlockNum)
		}
		w.checks(part, "")
	}
	b, err := json.Marshal(&Part{Consistency: []string{}})
	if err != nil || string(b) != `{"block_id":"","block_num":0,"chain_id":"","consistency":[],"contract":"","keys":null,"row":{"root":"","seq":0,"size":0,"time":""},"signatures":null,"transaction":""}` {
		t.Error(string(b), err)
	}
}

// checks asks the chain about a part: "" it is there, "!…" it is not, else what is missing.
func (w *world) checks(part *Part, why string) {
	w.t.Helper()
	v, err := Check(w.t.Context(), w.client(&gate{off: true}), part)
	if err != nil {
		w.t.Fatal(err)
	}
	want, absent := strings.CutPrefix(why, "!")
	if v.Found != (why == "") || v.Absent != absent || !strings.Contains(v.Why, want) {
		w.t.Errorf("%+v, want %q", v, why)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.start(fault{})
	w.admit("VOTE", both...)
	w.finish(a)
	part, err := a.Part(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for why, change := range map[string]func(p *Part){
		"":                 func(*Part) {},
		"of another chain": func(p *Part) { p.ChainID = strings.Repeat("a", 64) },
		"not irreversible": func(p *Part) { p.BlockNum += 1000 },
		"!another one": func(p *Part) {
			p.BlockID = p.BlockID[:63] + map[bool]string{true: "1", false: "0"}[p.BlockID[63] == '0']
		},
		"!is of":            func(p *Part) { p.Row.Time = "2026-01-01T07:00:00.500" },
		"!the transaction,": func(p *Part) { p.Transaction = "00" + p.Transaction[2:] },
	} {
		changed := *part
		change(&changed)
		w.checks(&changed, why)
	}
	if _, err := Check(t.Context(), w.client(&gate{off: true}), &Part{}); err == nil {
		t.Error("no error for a part that is none")
	}
	w.chain.Node(0).Down(chain.Refused)
	if _, err := Check(t.Context(), w.client(&gate{off: true}), part); err == nil {
		t.Error("no error without an answer")
	}
}

// A node that keeps no such block any more has the row, as long as that is kept.
func TestCheckByRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.start(fault{})
	w.admit("VOTE", both...)
	w.finish(a)
	part, err := a.Part(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	verdict := func(change func(p *Part)) Verdict {
		p := *part
		change(&p)
		var v Verdict
		err := w.client(&gate{off: true}).Use(t.Context(), func(ctx context.Context, n *antelope.Node) (err error) {
			v, err = check(ctx, pruned{n, 1 << 30}, &p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := verdict(func(*Part) {}); !v.Found || !strings.Contains(v.Why, "has the row") {
		t.Errorf("%+v", v)
	}
	if v := verdict(func(p *Part) { p.Row.Size++ }); !v.Absent {
		t.Errorf("%+v", v)
	}
	if v := verdict(func(p *Part) { p.Row.Seq += 5 }); v.Found || v.Absent || !strings.Contains(v.Why, "neither") {
		t.Errorf("%+v", v)
	}
}

// pruned keeps no blocks below a number.
type pruned struct {
	node
	below uint32
}

func (n pruned) Block(ctx context.Context, num uint32) (antelope.Block, error) {
	if num < n.below {
		return antelope.Block{}, &antelope.Error{Status: 500, Code: antelope.CodeUnknownBlock}
	}
	return n.node.Block(ctx, num)
}

// How an event stands, from when it is admitted to when it is final.
func TestFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a)
	vote, claim := w.admit("VOTE", "a"), w.admit("ADD_CLAIM", both...)
	states := func(sequence uint64) (seen []string) {
		e, err := a.For(t.Context(), sequence)
		if err != nil {
			t.Fatal(err)
		}
		return []string{e.State, kindOf(e.Head), kindOf(e.Single)}
	}
	seen := map[uint64]string{}
	note := func() {
		for _, n := range []uint64{vote, claim} {
			if text := strings.Join(states(n), " ") + "|"; !strings.HasSuffix(seen[n], text) {
				seen[n] += text
			}
		}
	}
	note()
	w.hold(vote, "b")
	for range 12 {
		w.step(a)
		note()
	}
	if seen[claim] != "queued - -|submitted submitted -|included included -|final final -|" {
		t.Error(seen[claim])
	}
	if seen[vote] != "queued - -|submitted submitted submitted|included included included|final final final|" {
		t.Error(seen[vote])
	}
}

func kindOf(p *Post) string {
	if p == nil {
		return "-"
	}
	return p.State
}

// The whole, as a host runs it: who waits for a final anchor gets it, and Close
// ends the work at once.
func TestOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, "VOTE")
	w.endpoint("node", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "get_info") {
			w.chain.Produce(1) // with each look, so that neither outruns the other
		}
		w.chain.Node(0).ServeHTTP(rw, r)
	}))
	o := w.options
	o.Journal, o.Log, o.Module, o.Client = w.journal, w.log, w.start(fault{}).o.Module, w.client(&gate{off: true})
	o.Contract, o.Permission, o.Key = account, posting, w.key
	o.Poll, o.Every, o.Resend, o.Registerer = time.Millisecond, time.Millisecond, time.Millisecond, prometheus.NewRegistry()
	a, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for a.State(ctx).State == Starting && ctx.Err() == nil {
	}
	w.admit("VOTE", both...)
	gone, end := context.WithCancel(t.Context())
	end()
	var pending *code.Error
	if err := a.Wait(gone, 1); !errors.As(err, &pending) || pending.Code != code.AnchorPending {
		t.Error(err)
	}
	if err := a.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for !settled(a.State(ctx)) && ctx.Err() == nil {
	}
	families, err := o.Registerer.(*prometheus.Registry).Gather()
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, n := range []string{"posts_total", "rounds_total"} {
		if !names["eventseal_anchor_"+n] {
			t.Errorf("there is no metric %s: %v, %v", n, names, err)
		}
	}
	a.Close()
	if err := a.Wait(t.Context(), 2); !errors.As(err, &pending) {
		t.Error(err)
	}
	w.check()
}

func TestOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	good := w.start(fault{}).o
	for name, change := range map[string]func(o *Options){
		"journal":  func(o *Options) { o.Journal = nil },
		"log":      func(o *Options) { o.Log = nil },
		"module":   func(o *Options) { o.Module = nil },
		"client":   func(o *Options) { o.Client = nil },
		"contract": func(o *Options) { o.Contract = 0 },
	} {
		o := good
		change(&o)
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(strings.ToLower(err.Error()), name) {
			t.Errorf("without a %s: %v", name, err)
		}
	}
}
