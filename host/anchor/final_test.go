package anchor

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// The only node does not keep blocks: what is there is final by its row alone,
// long after, and not part of a proof.
func TestBlocksAreNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, "VOTE")
	kept := &atomic.Bool{}
	w.endpoint("node", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !kept.Load() && strings.HasSuffix(r.URL.Path, "/get_block") {
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(rw, `{"code":400,"message":"Unknown Block","error":{"code":3100002,"name":"unknown_block_exception","what":"Unknown block","details":[]}}`)
			return
		}
		w.chain.Node(0).ServeHTTP(rw, r)
	}))
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.included(a)
	for range 20 {
		if s := w.step(a); s.LastFinalAt != nil {
			t.Fatalf("final without its block, which others may keep: %+v", s)
		}
	}
	w.chain.Produce(buried)
	w.finish(a)
	for _, p := range append(w.posts(journal.PostHead), w.posts(journal.PostEvents)...) {
		if p.State != journal.PostFinal || p.Transaction != nil {
			t.Errorf("%+v", p)
		}
	}
	if part, err := a.Part(t.Context(), 1, 1); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("%+v, %v", part, err)
	}
	// A head that can be shown covers what that one covered.
	kept.Store(true)
	w.admit("VOTE", both...)
	w.finish(a)
	if part, err := a.Part(t.Context(), 1, 2); err != nil || part.Row.Size != 2 {
		t.Errorf("%+v, %v", part, err)
	}
}

// admitMany is admit for many events that both places hold.
func (w *world) admitMany(typ string, n int) {
	w.t.Helper()
	var vs []module.Verified
	for range n {
		w.events++
		vs = append(vs, moduletest.Sign(w.t, module.Draft{Type: typ, CreatedAt: uint64(w.events), Body: json.RawMessage("{}")}))
	}
	as, err := w.journal.Admit(w.t.Context(), vs, both)
	if err != nil {
		w.t.Fatal(err)
	}
	w.log.mu.Lock()
	for i := range as {
		w.log.leaves = append(w.log.leaves, vs[i].Hash())
		for _, name := range both {
			w.journal.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: name, State: custody.Held})
		}
	}
	w.log.size = uint64(len(w.log.leaves))
	w.log.mu.Unlock()
	if err := w.journal.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// An older journal is put back when the contract keeps the rows of what it had on
// its way no more: each event is there once all the same.
func TestRowsAreNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.finish(a)
	w.chain.Node(0).Forget(100)
	w.admitMany("VOTE", ring+100)
	w.step(a)
	if len(w.posts(journal.PostEvents)) != 2 {
		t.Fatal("nothing is on its way")
	}
	older := w.copy()
	w.chain.Node(0).Forget(0)
	a = w.start(fault{})
	w.finish(a)
	if n := len(w.chain.Rows("events")); n != ring {
		t.Fatalf("the contract keeps %d rows", n)
	}
	w.chain.Advance(200 * time.Second) // the bytes that were on their way cannot get there any more
	w.chain.Produce(10)

	w.journal = w.open(older)
	a = w.start(fault{})
	w.finish(a)
	ps := w.posts(journal.PostEvents)
	if p := ps[1]; p.Number != 2 || p.State != journal.PostFinal || p.Transaction != nil {
		t.Errorf("%+v", p)
	}
	w.admit("VOTE", both...)
	w.finish(a)
	if all := w.onChain()[journal.PostEvents]; len(all) != ring+102 {
		t.Errorf("%d events are on the chain", len(all))
	}
}
