package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// A message is one server-sent event.
type message struct {
	id, event, data string
	comments        int // before it
}

// A listener reads a stream.
type listener struct {
	resp *http.Response
	r    *bufio.Reader
}

func (h *host) listen(path string, header ...string) *listener {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := h.http.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("%s: %s %s", path, resp.Status, b)
	}
	return &listener{resp, bufio.NewReader(resp.Body)}
}

func (l *listener) next() (m message, err error) {
	for {
		line, err := l.r.ReadString('\n')
		if err != nil {
			return m, err
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && (m.data != "" || m.event != ""):
			return m, nil
		case line == "" || name == "retry":
		case line[0] == ':':
			m.comments++
		case name == "id":
			m.id = value
		case name == "event":
			m.event = value
		case name == "data":
			m.data += value
		}
	}
}

// take reads n events and checks that each is what it says.
func (l *listener) take(t *testing.T, n int) (seqs []uint64) {
	t.Helper()
	for range n {
		m, err := l.next()
		if err != nil {
			t.Fatalf("after %d events: %v", len(seqs), err)
		}
		var d struct {
			Hash       string
			Sequence   uint64
			AdmittedAt time.Time `json:"admitted_at"`
			Event      json.RawMessage
		}
		if err := json.Unmarshal([]byte(m.data), &d); err != nil || m.event != "event" || !strings.HasSuffix(m.id, fmt.Sprintf("-%d", d.Sequence)) || d.AdmittedAt.IsZero() {
			t.Fatalf("%v in %+v", err, m)
		}
		v, err := moduletest.Open(t).Verify(t.Context(), d.Event)
		if err != nil || v.Hash().String() != d.Hash {
			t.Fatalf("%v in %+v", err, m)
		}
		seqs = append(seqs, d.Sequence)
	}
	return seqs
}

// at is the position of a number in the present order.
func (h *host) at(n uint64) string {
	return journal.Position{Epoch: h.journal.Epoch(), Sequence: n}.String()
}

func sequence(from, to uint64) (seqs []uint64) {
	for s := from; s <= to; s++ {
		seqs = append(seqs, s)
	}
	return seqs
}

func (h *host) storeMany(from, to int) {
	h.t.Helper()
	var vs []module.Verified
	for i := from; i < to; i++ {
		vs = append(vs, moduletest.Event(h.t, i))
	}
	a := h.ask("POST", "/v1/events:batch?wait=journal", records(vs...), "Content-Type", ndjsonType)
	if n := strings.Count(string(a.body), `"status":202`); n != to-from {
		h.t.Errorf("%d of %d stored: %.300s", n, to-from, a.body)
	}
}

func TestStream(t *testing.T) {
	h := start(t)
	h.storeMany(0, 200)
	whole, rest, now := h.listen("/v1/stream?after=0"), h.listen("/v1/stream?from="+h.at(150)), h.listen("/v1/stream")
	resumed := h.listen("/v1/stream?from=0", "Last-Event-ID", h.at(120))
	behind, zero := h.listen("/v1/stream?after="+h.at(130)), h.listen("/v1/stream?from=0")
	hash := h.listen("/v1/stream?after=" + moduletest.Event(t, 139).Hash().String())
	ordered := h.listen("/v1/stream?after=" + h.journal.Epoch() + "-" + moduletest.Event(t, 139).Hash().String())
	h.storeMany(200, 300)
	for _, c := range []struct {
		l    *listener
		from uint64
	}{{whole, 1}, {rest, 150}, {now, 201}, {resumed, 121}, {behind, 131}, {zero, 1}, {hash, 141}, {ordered, 141}} {
		if got := c.l.take(t, 300-int(c.from)+1); !slices.Equal(got, sequence(c.from, 300)) {
			t.Errorf("from %d: %d events, %v…", c.from, len(got), got[:3])
		}
	}
	for path, want := range map[string]string{
		"/v1/stream?from=-1": "invalid_parameter", "/v1/stream?from=x": "invalid_parameter", "/v1/stream?from=0&from=0": "invalid_parameter",
		"/v1/stream?after=" + strings.Repeat("A", 64): "invalid_parameter", "/v1/stream?after=0&from=0": "invalid_parameter",
		"/v1/stream?limit=1": "unknown_parameter", "/v1/stream?since=1": "unknown_parameter",
	} {
		h.get(path).refused(t, 400, want)
	}
	for _, id := range []string{"x", "-1", "+1", "1.0", h.at(1) + "x"} {
		h.get("/v1/stream", "Last-Event-ID", id).refused(t, 400, "invalid_parameter")
	}
	h.get("/v1/stream?after="+strings.Repeat("0", 64)).refused(t, 404, "not_found")
	h.get("/v1/stream", "Last-Event-ID", h.journal.Epoch()+"-"+strings.Repeat("0", 64)).refused(t, 404, "not_found")
	h.ask("HEAD", "/v1/stream", "").Body.Close()
	if a := h.ask("HEAD", "/v1/stream", ""); a.StatusCode != 405 {
		t.Errorf("HEAD: %s", a.Status)
	}
	h.get("/v1/stream?type=NOPE").refused(t, 422, "unknown_type")
}

func TestStreamFilters(t *testing.T) {
	h := start(t)
	pool := moduletest.Open(t)
	k, err := pool.GenerateKey(t.Context(), "K1")
	if err != nil {
		t.Fatal(err)
	}
	root := signed(t, k, k.Public, module.Draft{Type: "DISCUSS", CreatedAt: 1})
	h.store(root)
	old := h.listen("/v1/stream?from=0&author=" + k.Legacy)
	types := h.listen("/v1/stream?from=0&type=VOTE&type=LIKE")
	thread := h.listen("/v1/stream?parent=" + root.Hash().String())
	h.store(moduletest.Event(t, 1), signed(t, k, k.Legacy, module.Draft{Type: "VOTE", CreatedAt: 2, Parents: []string{root.Hash().String()}}), moduletest.Event(t, 2),
		signed(t, k, k.Public, module.Draft{Type: "LIKE", CreatedAt: 3}))
	for name, c := range map[string]struct {
		l    *listener
		want []uint64
	}{"author": {old, []uint64{1, 3, 5}}, "type": {types, []uint64{3, 5}}, "parent": {thread, []uint64{3}}} {
		if got := c.l.take(t, len(c.want)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestStreamHeartbeat(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.Heartbeat = 20 * time.Millisecond })
	l := h.listen("/v1/stream")
	for range 5 {
		line, err := l.r.ReadString('\n')
		for err == nil && !strings.HasPrefix(line, ":") {
			line, err = l.r.ReadString('\n')
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// An id that a heartbeat does not have would move the place to resume at.
	h.put(1)
	if m, err := l.next(); err != nil || m.id != h.at(1) {
		t.Errorf("%+v %v", m, err)
	}
}

// A thousand people listen while others write; each hears everything once and
// the records are read once for all of them.
func TestThousandSubscribers(t *testing.T) {
	var reader *counted
	h := start(t, func(o *api.Options) {
		reader = &counted{Reader: o.Reader}
		o.Reader = reader
	})
	const subscribers, events = 1000, 100
	h.storeMany(0, 10)
	h.http.Transport.(*http.Transport).MaxIdleConnsPerHost = subscribers
	listeners := make([]*listener, subscribers)
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < subscribers; i += 8 {
				listeners[i] = h.listen("/v1/stream?after=" + h.at(10))
			}
		})
	}
	wg.Wait()
	before := reader.reads.Load()
	wg.Go(func() {
		for i := 10; i < events; i += 10 {
			h.storeMany(i, i+10)
		}
	})
	for i, l := range listeners {
		wg.Go(func() {
			for n := uint64(11); n <= events; n++ {
				m, err := l.next()
				if err != nil || m.id != h.at(n) {
					t.Errorf("subscriber %d: %s after %d, %v", i, m.id, n-1, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := reader.reads.Load() - before; n > 3*events {
		t.Errorf("%d records were read for %d events", n, events-10)
	}
	if a := h.get("/metrics"); !strings.Contains(string(a.body), fmt.Sprintf("eventseal_stream_subscribers %d\n", subscribers)) {
		t.Error("the metrics do not count them")
	}
	// Shutdown tells each of them, and waits until it has.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for i, l := range listeners {
		m, err := l.next()
		if err != nil || m.event != "closing" || m.data != fmt.Sprintf(`{"code":"shutting_down","after":%q}`, h.at(events)) {
			t.Fatalf("subscriber %d: %+v, %v", i, m, err)
		}
		if _, err := l.next(); err != io.EOF {
			t.Fatalf("subscriber %d: the stream goes on with %v", i, err)
		}
	}
}

// Who does not read is told so with the last message that fits, and can go on
// from there.
func TestSlowSubscriberIsDropped(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.FeedEvents = 20 })
	h.put(0)
	dial := func(_ context.Context, network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(128 << 10) // fixed: it does not grow
		}
		return c, err
	}
	h.http.Transport.(*http.Transport).DialContext = dial
	slow := h.listen("/v1/stream?after=0")
	if got := slow.take(t, 1); got[0] != 1 {
		t.Fatal(got)
	}
	// Enough to fill what the kernel holds for a connection, and then some.
	pad := strings.Repeat("x", 100_000)
	last := 1
	for range 200 {
		last++
		h.store(moduletest.Sign(t, module.Draft{Type: "VOTE", CreatedAt: uint64(last), Body: json.RawMessage(`{"pad":"` + pad + `"}`)}))
	}
	var m message
	after := uint64(1)
	for {
		var err error
		if m, err = slow.next(); err != nil {
			t.Fatalf("after %d: %v", after, err)
		}
		if m.event != "event" {
			break
		}
		if after++; m.id != h.at(after) {
			t.Fatalf("%s after %d", m.id, after-1)
		}
	}
	if m.event != "dropped" || m.data != fmt.Sprintf(`{"code":"overloaded","after":%q}`, h.at(after)) || after == uint64(last) {
		t.Fatalf("the last message is %+v after %d of %d", m, after, last)
	}
	if _, err := slow.next(); err != io.EOF {
		t.Errorf("the stream goes on with %v", err)
	}
	again := h.listen("/v1/stream", "Last-Event-ID", h.at(after))
	if got := again.take(t, last-int(after)); !slices.Equal(got, sequence(after+1, uint64(last))) {
		t.Errorf("%d events after %d", len(got), after)
	}
}

// Who takes nothing at all is cut off.
func TestStuckSubscriberIsCutOff(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Limits.WriteTimeout = 200 * time.Millisecond
		o.Limits.Heartbeat = 10 * time.Millisecond
	})
	c := h.raw()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(c, "GET /v1/stream?from=0 HTTP/1.1\r\nHost: h\r\n\r\n")
	pad := strings.Repeat("x", 200_000)
	deadline := time.Now().Add(time.Minute)
	for i := 0; ; i++ {
		h.store(moduletest.Sign(t, module.Draft{Type: "VOTE", CreatedAt: uint64(i), Body: json.RawMessage(`{"pad":"` + pad + `"}`)}))
		if i > 5 && strings.Contains(string(h.get("/metrics").body), "\neventseal_stream_subscribers 0\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it is still there")
		}
	}
}

func TestSubscribersAreBounded(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.Subscribers = 2 })
	h.listen("/v1/stream")
	h.listen("/v1/stream")
	h.get("/v1/stream").refused(t, 503, "overloaded")
}

// The Go client follows across a host that hangs up.
func TestClientFollows(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.FeedEvents = 20 })
	h.storeMany(0, 30)
	got := make(chan uint64, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- h.client.Follow(ctx, client.Follow{After: h.at(10), Types: []string{"ADD_CLAIM"}}, func(f client.Found) error {
			if f.Err != nil || f.Event.Hash() != f.Hash {
				t.Errorf("%+v", f)
			}
			got <- f.Sequence
			return nil
		})
	}()
	for want := uint64(11); want <= 40; want++ {
		if want == 31 {
			h.storeMany(30, 40)
		}
		select {
		case s := <-got:
			if s != want {
				t.Fatalf("%d, want %d", s, want)
			}
		case err := <-done:
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
