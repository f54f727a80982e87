package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// known verifies exactly the events it was given.
type known []module.Verified

func (k known) Verify(_ context.Context, event []byte) (module.Verified, error) {
	for _, v := range k {
		if bytes.Equal(bytes.ReplaceAll(event, []byte(" "), nil), v.Record()) {
			return v, nil
		}
	}
	return module.Verified{}, &code.Error{Code: code.SignatureMismatch}
}

func some(n int) known {
	var k known
	for i := range n {
		k = append(k, replicatest.Event(uint64(i), 200, 0))
	}
	return k
}

func start(t *testing.T, o client.Options, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.Server = s.URL
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	cl, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func problem(w http.ResponseWriter, c code.Code, more string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Request-Id", "r-1")
	w.WriteHeader(c.Status())
	fmt.Fprintf(w, `{"title":%q,"status":%d,"code":%q%s}`, c.Title(), c.Status(), c, more)
}

func TestRefusalIsACodeAndIsNotRepeated(t *testing.T) {
	var calls atomic.Int32
	cl := start(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		problem(w, code.InvalidField, `,"pointer":"/parents/0","detail":"why"`)
	})
	_, err := cl.Store(t.Context(), "", []byte("{}"))
	var refused *code.Error
	if !errors.As(err, &refused) || refused.Code != code.InvalidField || refused.Pointer != "/parents/0" || refused.Detail != "why" {
		t.Errorf("got %v", err)
	}
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 422 || e.RequestID != "r-1" || !strings.Contains(err.Error(), "r-1") {
		t.Errorf("got %#v", err)
	}
	if calls.Load() != 1 {
		t.Errorf("asked %d times", calls.Load())
	}
}

func TestPassingFailuresAreRepeated(t *testing.T) {
	hash := some(1)[0].Hash().String()
	for name, fail := range map[string]http.HandlerFunc{
		"overloaded":  func(w http.ResponseWriter, _ *http.Request) { problem(w, code.Overloaded, "") },
		"bad gateway": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "proxy", http.StatusBadGateway) },
		"broken off":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half a reply": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"ha`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			cl := start(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if calls.Add(1) < 3 {
					fail(w, r)
					return
				}
				if string(body) != "{}" || r.URL.RawQuery != "wait=all" || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("the third request is %q %q", r.URL, body)
				}
				w.WriteHeader(http.StatusCreated)
				fmt.Fprintf(w, `{"hash":%q,"durable":2,"required":2,"sequence":7}`, hash)
			})
			r, err := cl.Store(t.Context(), client.WaitAll, []byte("{}"))
			if err != nil || r.Hash != hash || r.Sequence != 7 || r.Durable != 2 || !r.Created || calls.Load() != 3 {
				t.Errorf("got %+v, %v after %d calls", r, err, calls.Load())
			}
			// It gives up in the end, and says why.
			calls.Store(-1000)
			if _, err := cl.Store(t.Context(), client.WaitAll, []byte("{}")); err == nil || calls.Load() != -996 {
				t.Errorf("got %v after %d calls", err, calls.Load()+1000)
			}
		})
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	var first time.Time
	after := "1"
	var waited atomic.Int64
	cl := start(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", after)
			problem(w, code.RateLimited, "")
			return
		}
		waited.Store(int64(time.Since(first)))
		io.WriteString(w, `{"status":"ok"}`)
	})
	if _, healthy, err := cl.Health(t.Context()); err != nil || !healthy || waited.Load() < int64(time.Second) {
		t.Errorf("healthy %v, %v, after %v", healthy, err, time.Duration(waited.Load()))
	}
	// A deadline that the wait would pass ends it at once, with the refusal.
	first, after = time.Time{}, "60"
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	if _, _, err := cl.Health(ctx); !errors.Is(err, &code.Error{Code: code.RateLimited}) || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	release := make(chan struct{})
	cl := start(t, client.Options{Timeout: 30 * time.Millisecond, Attempts: 2}, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	if _, err := cl.Status(t.Context(), digest.Hash{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cl.Status(ctx, digest.Hash{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRetrieveTrustsNothing(t *testing.T) {
	events := some(2)
	var answer []byte
	cl := start(t, client.Options{Verifier: events, Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/events/"+events[0].Hash().String() {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = w.Write(answer)
	})
	for name, test := range map[string]struct {
		answer string
		want   code.Code
	}{
		"the event":      {string(events[0].Record()), code.OK},
		"another event":  {string(events[1].Record()), code.HashMismatch},
		"another form":   {strings.Replace(string(events[0].Record()), ":", ": ", 1), code.HashMismatch},
		"a forged event": {strings.Replace(string(events[0].Record()), "VOTE", "LIKE", 1), code.SignatureMismatch},
		"nothing":        {"", code.SignatureMismatch},
	} {
		answer = []byte(test.answer)
		v, err := cl.Retrieve(t.Context(), events[0].Hash())
		if test.want == code.OK {
			if err != nil || !bytes.Equal(v.Record(), events[0].Record()) {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, &code.Error{Code: test.want}) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	answer = bytes.Repeat([]byte("x"), module.MaxRecordBytes+1)
	if _, err := cl.Retrieve(t.Context(), events[0].Hash()); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("an endless answer gives %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	cl := start(t, client.Options{Attempts: 1, Token: "t"}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, err := cl.Status(t.Context(), digest.Hash{}); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("got %v", err)
	}
}

// The answer breaks off after every second line; each event is seen once all
// the same, in order.
func TestRetrieveManyGoesOnWhereItBroke(t *testing.T) {
	events := some(9)
	var requests []int
	cl := start(t, client.Options{Verifier: events[:8], Attempts: 20}, func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Hashes []string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		requests = append(requests, len(q.Hashes))
		for i, h := range q.Hashes {
			if i == 2 {
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			for _, v := range events {
				if v.Hash().String() == h {
					if v.Hash() == events[3].Hash() {
						fmt.Fprintf(w, `{"hash":%q,"status":404,"code":"not_found","title":"t"}`+"\n", h)
						continue
					}
					fmt.Fprintf(w, `{"hash":%q,"event":%s}`+"\n", h, v.Record())
				}
			}
		}
	})
	var hs []digest.Hash
	for _, v := range events {
		hs = append(hs, v.Hash())
	}
	seen := 0
	err := cl.RetrieveMany(t.Context(), hs, func(i int, v module.Verified, err error) error {
		if i != seen {
			t.Errorf("event %d came as number %d", i, seen)
		}
		seen++
		switch i {
		case 3:
			if !errors.Is(err, &code.Error{Code: code.NotFound}) {
				t.Errorf("event 3: %v", err)
			}
		case 8:
			if !errors.Is(err, &code.Error{Code: code.SignatureMismatch}) {
				t.Errorf("event 8: %v", err)
			}
		default:
			if err != nil || v.Hash() != hs[i] {
				t.Errorf("event %d: %v", i, err)
			}
		}
		return nil
	})
	if err != nil || seen != 9 || fmt.Sprint(requests) != "[9 7 5 3 1]" {
		t.Errorf("saw %d in requests of %v: %v", seen, requests, err)
	}
	stop := errors.New("enough")
	if err := cl.RetrieveMany(t.Context(), hs[:2], func(int, module.Verified, error) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// batchHost stores what it is sent, refuses what holds "bad", and is
// overloaded for each event once.
type batchHost struct {
	mu     sync.Mutex
	seen   map[string]int
	stored map[string]bool
	most   int
}

func (b *batchHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = max(b.most, len(lines))
	for _, line := range lines {
		b.seen[line]++
		switch {
		case strings.Contains(line, "bad"):
			fmt.Fprintln(w, `{"status":422,"code":"missing_field","pointer":"/v","title":"t"}`)
		case b.seen[line] == 1 && strings.HasSuffix(line, "7}"):
			fmt.Fprintln(w, `{"status":503,"code":"overloaded","title":"t"}`)
		default:
			b.stored[line] = true
			fmt.Fprintf(w, `{"hash":"%064x","sequence":%d,"status":201,"durable":2,"required":2,"locations":[]}`+"\n", len(b.stored), len(b.stored))
		}
	}
}

func TestStoreStream(t *testing.T) {
	host := &batchHost{seen: map[string]int{}, stored: map[string]bool{}}
	cl := start(t, client.Options{}, host.ServeHTTP)
	const n = 5000
	source := func(yield func([]byte, error) bool) {
		for i := range n {
			event := fmt.Sprintf("{\"n\":\n%d}", i)
			if i%100 == 50 {
				event = fmt.Sprintf("bad %d", i)
			}
			if !yield([]byte(event), nil) {
				return
			}
		}
	}
	next := 0
	err := cl.StoreStream(t.Context(), "", source, func(i int, s client.Stored) error {
		if i != next {
			t.Errorf("outcome %d came as number %d", i, next)
		}
		next++
		if refused := errors.Is(s.Err, &code.Error{Code: code.MissingField, Pointer: "/v"}); refused != (i%100 == 50) || (s.Err != nil && !refused) {
			t.Errorf("event %d: %v", i, s.Err)
		}
		if s.Err == nil && !s.Receipt.Created {
			t.Errorf("event %d is not new: %+v", i, s.Receipt)
		}
		return nil
	})
	if err != nil || next != n || len(host.stored) != n-n/100 || host.most > 2048 {
		t.Errorf("%d outcomes, %d stored, at most %d at once: %v", next, len(host.stored), host.most, err)
	}

	broken := errors.New("the file ends here")
	count := 0
	var few iter.Seq2[[]byte, error] = func(yield func([]byte, error) bool) {
		_ = yield([]byte("{1}"), nil) && yield([]byte("{2}"), nil) && yield(nil, broken)
	}
	err = cl.StoreStream(t.Context(), "", few, func(int, client.Stored) error { count++; return nil })
	if !errors.Is(err, broken) || count != 2 {
		t.Errorf("%d outcomes before %v", count, err)
	}
	stop := errors.New("enough")
	if err := cl.StoreStream(t.Context(), "", source, func(int, client.Stored) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// A host that takes only so much at a time is given the rest again and again, as
// long as it takes some, and no longer.
func TestStoreBatchAtARate(t *testing.T) {
	for c, takes := range map[code.Code]int{code.Overloaded: 3, code.RateLimited: 12} {
		var requests atomic.Int64
		closed := atomic.Bool{}
		cl := start(t, client.Options{Attempts: 2}, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/x-ndjson")
			for i := range bytes.Count(body, []byte("\n")) {
				if i < takes && !closed.Load() {
					fmt.Fprintf(w, "{\"hash\":\"%064x\",\"status\":201}\n", i)
				} else {
					fmt.Fprintf(w, "{\"status\":%d,\"code\":%q}\n", c.Status(), c)
				}
			}
		})
		events := make([][]byte, 20)
		for i := range events {
			events[i] = []byte("{}")
		}
		out, err := cl.StoreBatch(t.Context(), "", events)
		for i, s := range out {
			if s.Err != nil || !s.Receipt.Created {
				t.Errorf("%v: event %d: %+v", c, i, s)
			}
		}
		if want := int64((len(events) + takes - 1) / takes); err != nil || len(out) != len(events) || requests.Load() != want {
			t.Errorf("%v: %d outcomes of %d requests, want %d: %v", c, len(out), requests.Load(), want, err)
		}
		requests.Store(0)
		closed.Store(true)
		if out, err := cl.StoreBatch(t.Context(), "", events[:1]); err != nil || !errors.Is(out[0].Err, &code.Error{Code: c}) || requests.Load() != 2 {
			t.Errorf("%v: closed: %v, %v after %d requests", c, out, err, requests.Load())
		}
	}
}

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	for _, server := range []string{"", "127.0.0.1:8420", "ftp://h", "http://", "http://u:hunter2@h", "http://h?q", "http://h#f", "http://%zz"} {
		if _, err := client.New(client.Options{Server: server}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q gives %v", server, err)
		}
	}
}

func TestHealthOfASickHost(t *testing.T) {
	cl := start(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `{"status":"degraded"}`)
	})
	if doc, healthy, err := cl.Health(t.Context()); err != nil || healthy || string(doc) != `{"status":"degraded"}` {
		t.Errorf("got %s, %v, %v", doc, healthy, err)
	}
}
