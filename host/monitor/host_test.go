package monitor_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/monitor"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

const origin = "example.org/log/7c31a88e7c31a88e"

var signedEvents struct {
	sync.Mutex
	all []module.Verified
}

// events returns the first n signed events, always the same.
func events(t *testing.T, n int) []module.Verified {
	signedEvents.Lock()
	defer signedEvents.Unlock()
	for i := len(signedEvents.all); i < n; i++ {
		signedEvents.all = append(signedEvents.all, moduletest.Event(t, i))
	}
	return signedEvents.all[:n]
}

// A host is an honest one, unless it is told to lie.
type host struct {
	t     *testing.T
	log   *tiletest.Log
	size  int // of the head that is served
	known map[string][]byte
	k1    module.KeyPair // signs heads
	extra []byte         // further lines of heads
	*httptest.Server

	mu    sync.Mutex
	asked []string
	lie   func(w http.ResponseWriter, r *http.Request, body string) bool // whether it has answered
}

// newHost returns a host with the first n events.
func newHost(t *testing.T, n int) *host {
	h := &host{t: t, log: tiletest.New(t, origin), known: map[string][]byte{}, k1: moduletest.Key(t)}
	h.admit(n)
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

// admit makes it the first n events.
func (h *host) admit(n int) {
	for _, v := range events(h.t, n)[len(h.log.Leaves):] {
		h.log.Append(v.Hash())
		h.known[v.Hash().String()] = v.Record()
	}
	h.size = n
}

// head signs a log's first size leaves as the host does.
func (h *host) head(l *tiletest.Log, size int) []byte {
	return append(h.sign(l, l.Head(size).Text()), h.extra...)
}

func (h *host) sign(l *tiletest.Log, text string) []byte {
	p := moduletest.Open(h.t)
	signature, err := p.SignDigest(context.Background(), digest.SHA256([]byte(text)), h.k1.Private)
	if err != nil {
		h.t.Fatal(err)
	}
	_, compact, err := p.ParseSignature(context.Background(), signature)
	if err != nil {
		h.t.Fatal(err)
	}
	point, _, err := p.ParsePublic(context.Background(), h.k1.Public)
	if err != nil {
		h.t.Fatal(err)
	}
	key := checkpoint.Key{Name: l.Key.Name, Kind: checkpoint.K1, Raw: point[1:]}
	sig := append(binary.BigEndian.AppendUint32(nil, key.ID()), compact[:]...)
	return fmt.Appendf(l.Sign(text), "— %s %s\n", key.Name, base64.StdEncoding.EncodeToString(sig))
}

func (h *host) serve(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	if _, err := fmt.Fprint(&body, readAll(r)); err != nil {
		h.t.Error(err)
	}
	h.mu.Lock()
	h.asked = append(h.asked, r.URL.Path)
	lie := h.lie
	h.mu.Unlock()
	if lie == nil || !lie(w, r, body.String()) {
		h.honest(w, r, body.String())
	}
}

func (h *host) honest(w http.ResponseWriter, r *http.Request, body string) {
	path, isLog := strings.CutPrefix(r.URL.Path, "/log/")
	hash, isEvent := strings.CutPrefix(r.URL.Path, "/v1/events/")
	switch {
	case isLog && path == "keys":
		fmt.Fprintf(w, "%s\n%s\n", h.log.Key, h.k1.Public)
	case isLog && path == "checkpoint" && h.size > 0:
		w.Write(h.head(h.log, h.size))
	case isLog:
		h.serveTile(w, h.log.Fork(h.size), path)
	case isEvent && h.known[hash] != nil:
		w.Write(h.known[hash])
	case r.URL.Path == "/v1/events:retrieve":
		h.retrieve(w, body, h.known)
	default:
		notFound(w)
	}
}

func (h *host) serveTile(w http.ResponseWriter, l *tiletest.Log, path string) {
	if n, err := tile.ParsePath(path); err == nil {
		if b := l.Tile(n); b != nil {
			w.Write(b)
			return
		}
	}
	notFound(w)
}

func notFound(w http.ResponseWriter) { refuse(w, 404, "not_found") }

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"title":"no","status":%d,"code":%q}`, status, code)
}

// retrieve answers with what known has.
func (h *host) retrieve(w http.ResponseWriter, body string, known map[string][]byte) {
	for _, hash := range asked(body) {
		if record := known[hash]; record != nil {
			fmt.Fprintf(w, `{"hash":%q,"event":%s}`+"\n", hash, record)
		} else {
			fmt.Fprintf(w, `{"type":"x","title":"no","status":404,"code":"not_found","hash":%q}`+"\n", hash)
		}
	}
}

func asked(body string) []string {
	var q struct{ Hashes []string }
	_ = json.Unmarshal([]byte(body), &q)
	return q.Hashes
}

// lies sets what the host does instead of being honest.
func (h *host) lies(lie func(w http.ResponseWriter, r *http.Request, body string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lie, h.asked = lie, nil
}

// counted returns how often a path was asked for since the last lie.
func (h *host) counted(path string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.asked {
		if strings.HasPrefix(p, path) {
			n++
		}
	}
	return n
}

func readAll(r *http.Request) string {
	var b strings.Builder
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// A memory is the module, which judges each record once: there are many passes
// over the same events.
type memory struct {
	monitor.Module
	known *sync.Map
}

func (m memory) Verify(ctx context.Context, event []byte) (module.Verified, error) {
	if v, ok := m.known.Load(string(event)); ok {
		return v.(module.Verified), nil
	}
	v, err := m.Module.Verify(ctx, event)
	if err == nil {
		m.known.Store(string(event), v)
	}
	return v, err
}

var judged sync.Map

// A watcher is a monitor of a host and what it told.
type watcher struct {
	t     *testing.T
	o     monitor.Options
	found []monitor.Finding
}

func watch(t *testing.T, h *host) *watcher {
	w := &watcher{t: t}
	w.o = monitor.Options{
		Server: h.URL, Module: memory{moduletest.Open(t), &judged}, Dir: t.TempDir(), Attempts: 2, Pause: time.Millisecond,
		Told: func(f monitor.Finding) { w.found = append(w.found, f) },
	}
	return w
}

// pass is one pass of a monitor that is opened for it.
func (w *watcher) pass(ctx context.Context) (monitor.Report, error) {
	w.t.Helper()
	m, err := monitor.Open(w.o)
	if err != nil {
		w.t.Fatal(err)
	}
	defer m.Close()
	w.found = nil
	return m.Pass(ctx)
}

// good wants a pass without findings that verifies n events.
func (w *watcher) good(n int) monitor.Report {
	w.t.Helper()
	r, err := w.pass(w.t.Context())
	if err != nil || !r.Complete || r.Size != uint64(n) || r.Verified != uint64(n) || r.Findings != 0 || len(w.found) != 0 {
		w.t.Errorf("%+v, %v, %+v", r, err, w.found)
	}
	return r
}

// bad wants a pass with one finding of a kind, whose evidence holds, and returns that.
func (w *watcher) bad(kind monitor.Kind) (monitor.Finding, monitor.Verdict) {
	w.t.Helper()
	_, err := w.pass(w.t.Context())
	if !errors.Is(err, monitor.ErrFindings) || len(w.found) != 1 || w.found[0].Kind != kind {
		w.t.Fatalf("%v, %+v", err, w.found)
	}
	b, err := os.ReadFile(w.found[0].Path)
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := monitor.Check(w.t.Context(), b, w.o.Trust, moduletest.Open(w.t))
	if err != nil || v.Kind != kind {
		w.t.Errorf("the evidence: %+v, %v\n%s", v, err, b)
	}
	return w.found[0], v
}

// unheard wants a pass that could not tell.
func (w *watcher) unheard(says string) {
	w.t.Helper()
	_, err := w.pass(w.t.Context())
	if err == nil || errors.Is(err, monitor.ErrFindings) || len(w.found) > 0 || !strings.Contains(err.Error(), says) {
		w.t.Errorf("%v, %+v; want %q", err, w.found, says)
	}
}

func witness() (checkpoint.Key, ed25519.PrivateKey) {
	public, private, _ := ed25519.GenerateKey(nil)
	return checkpoint.Key{Name: "w.example.org", Kind: checkpoint.Cosignature, Raw: public}, private
}
