package monitor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/monitor"
	"github.com/eventseal/eventseal/wasm/code"
)

// own is a host that stores.
type own struct {
	*httptest.Server

	mu      sync.Mutex
	epoch   string
	order   []string
	known   map[string]bool
	refuses map[string]string // with this code
	down    bool
	receipt func(hash string) string // the hash that a receipt names
}

func newOwn(t *testing.T) *own {
	o := &own{epoch: "00000000000000aa", known: map[string]bool{}, refuses: map[string]string{}}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

func (o *own) serve(w http.ResponseWriter, r *http.Request) {
	body := readAll(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.down:
		refuse(w, 503, "unavailable")
	case r.URL.Path == "/v1/events":
		fmt.Fprintf(w, `{"epoch":%q}`, o.epoch)
	case r.URL.Path == "/v1/events:batch":
		for line := range strings.Lines(body) {
			var e struct{ Sig string }
			if json.Unmarshal([]byte(line), &e) != nil {
				continue
			}
			hash := hashes[strings.TrimSpace(line)]
			if c := o.refuses[hash]; c != "" {
				fmt.Fprintf(w, `{"title":"no","status":403,"code":%q,"hash":%q}`+"\n", c, hash)
				continue
			}
			status := 200
			if !o.known[hash] {
				o.known[hash], status = true, 201
				o.order = append(o.order, hash)
			}
			if o.receipt != nil {
				hash = o.receipt(hash)
			}
			fmt.Fprintf(w, `{"hash":%q,"status":%d,"epoch":%q,"sequence":%d}`+"\n", hash, status, o.epoch, len(o.order))
		}
	default:
		notFound(w)
	}
}

var hashes = map[string]string{} // of records

func mirror(t *testing.T, h *host, o *own) *watcher {
	for _, v := range events(t, 700) {
		hashes[string(v.Record())] = v.Hash().String()
	}
	w := watch(t, h)
	cl, err := client.New(client.Options{Server: o.URL, Attempts: 2, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	w.o.Into, w.o.Target = cl, o.URL
	return w
}

// What was verified is stored, in the log's order, and once.
func TestMirror(t *testing.T) {
	h, o := newHost(t, 300), newOwn(t)
	w := mirror(t, h, o)
	if r := w.good(300); r.Created != 300 || r.Known != 0 {
		t.Errorf("%+v", r)
	}
	h.admit(700)
	if r := w.good(700); r.Created != 400 || r.Known != 0 {
		t.Errorf("%+v", r)
	}
	for i, leaf := range h.log.Leaves {
		if o.order[i] != leaf.String() {
			t.Fatalf("event %d is another one", i)
		}
	}
	if r := w.good(700); r.Created+r.Known != 0 {
		t.Errorf("%+v", r)
	}
	// Another order: one's own host may have lost what it had.
	o.epoch = "00000000000000bb"
	delete(o.known, h.log.Leaves[5].String())
	if r := w.good(700); r.Created != 1 || r.Known != 699 {
		t.Errorf("%+v", r)
	}
}

// One's own host is believed only as far as its receipts go.
func TestMirrorReceipts(t *testing.T) {
	h, o := newHost(t, 600), newOwn(t)
	w := mirror(t, h, o)
	o.receipt = func(hash string) string {
		if hash == h.log.Leaves[500].String() {
			return h.log.Leaves[0].String()
		}
		return hash
	}
	if r, err := w.pass(t.Context()); err == nil || !strings.Contains(err.Error(), "receipt for another event") || r.Verified != 256 {
		t.Errorf("%+v, %v", r, err)
	}
	o.receipt = func(hash string) string {
		if hash == h.log.Leaves[500].String() {
			o.epoch = "00000000000000bb"
			clear(o.known)
		}
		return hash
	}
	if r, err := w.pass(t.Context()); err == nil || !strings.Contains(err.Error(), "everything is stored again") {
		t.Errorf("%+v, %v", r, err)
	}
	o.receipt = nil
	if r := w.good(600); r.Created+r.Known != 600 || len(o.known) != 600 {
		t.Errorf("%+v, %d events", r, len(o.known))
	}
}

// Nothing counts as verified before it is stored.
func TestMirrorDown(t *testing.T) {
	h, o := newHost(t, 300), newOwn(t)
	w := mirror(t, h, o)
	o.down = true
	r, err := w.pass(t.Context())
	if !errors.Is(err, &code.Error{Code: code.Unavailable}) || r.Verified != 0 || r.Complete || len(w.found) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	o.down = false
	if r := w.good(300); r.Created != 300 {
		t.Errorf("%+v", r)
	}
	o.down = true
	if _, err := w.pass(t.Context()); err == nil {
		t.Error("one's own host was not asked whether it is the same still")
	}
}

// What one's own host refuses is told and gone past; what it cannot take now stops.
func TestMirrorRefused(t *testing.T) {
	h, o := newHost(t, 300), newOwn(t)
	w := mirror(t, h, o)
	victim := h.log.Leaves[100].String()
	o.refuses[victim] = "rate_limited"
	if r, err := w.pass(t.Context()); err == nil || r.Complete {
		t.Errorf("%+v, %v", r, err)
	}
	o.refuses[victim] = "forbidden"
	var told []string
	w.o.Refused = func(v module.Verified, why *code.Error) { told = append(told, v.Hash().String()+" "+why.Code.String()) }
	if r := w.good(300); r.Refused != 1 || len(told) != 1 || told[0] != victim+" forbidden" {
		t.Errorf("%+v, %q", r, told)
	}
}

// A missing event does not keep the others away, and comes when it is there.
func TestMirrorMissing(t *testing.T) {
	h, o := newHost(t, 300), newOwn(t)
	w := mirror(t, h, o)
	victim := h.log.Leaves[100].String()
	record := h.known[victim]
	delete(h.known, victim)
	w.bad(monitor.MissingEvent)
	if len(o.order) != 299 {
		t.Errorf("%d events were stored", len(o.order))
	}
	h.known[victim] = record
	if r := w.good(300); r.Created != 1 || r.Missing != 0 || !o.known[victim] {
		t.Errorf("%+v", r)
	}
}
