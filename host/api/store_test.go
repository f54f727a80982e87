package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

type receipt struct {
	Hash      string
	Sequence  uint64
	Created   bool
	Durable   int
	Required  int
	Status    int
	Code      string
	Line      int
	Locations []struct {
		Replica, Kind, Location, Error string
		Counts                         bool
	}
}

func TestStoreAndServe(t *testing.T) {
	h := start(t)
	v := moduletest.Event(t, 1)
	// Any spelling of the event will do.
	spelled := strings.Replace(string(v.Record()), `{`, " {\n ", 1)
	for i, want := range []int{201, 200} {
		a := h.ask("POST", "/v1/events", spelled, "Content-Type", "application/json; charset=utf-8")
		var r receipt
		a.json(t, &r)
		if a.StatusCode != want || r.Hash != v.Hash().String() || r.Sequence != 1 || r.Created != (i == 0) || r.Durable != 2 || r.Required != 2 || len(r.Locations) != 2 {
			t.Fatalf("%s: %s", a.Status, a.body)
		}
		for _, l := range r.Locations {
			if !l.Counts || l.Kind != "memory" || l.Location == "" || l.Error != "" {
				t.Errorf("%+v", l)
			}
		}
		if (i == 0) != (a.Header.Get("Location") == "/v1/events/"+r.Hash) {
			t.Errorf("Location is %q", a.Header.Get("Location"))
		}
	}
	w := moduletest.Event(t, 2)
	if a := h.ask("POST", "/v1/events?wait=journal", string(w.Record()), "Content-Type", jsonType); a.StatusCode != 202 {
		t.Errorf("wait=journal: %s %s", a.Status, a.body)
	}
	if a := h.ask("POST", "/v1/events?wait=all", string(moduletest.Event(t, 3).Record()), "Content-Type", jsonType); a.StatusCode != 201 {
		t.Errorf("wait=all: %s %s", a.Status, a.body)
	}

	path := "/v1/events/" + v.Hash().String()
	a := h.get(path)
	if a.StatusCode != 200 || !bytes.Equal(a.body, v.Record()) || a.Header.Get("Content-Type") != jsonType ||
		a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.ContentLength != int64(len(v.Record())) {
		t.Fatalf("%s %v", a.Status, a.Header)
	}
	etag := a.Header.Get("Etag")
	if etag != `"`+v.Meta().RecordDigest.String()+`"` {
		t.Errorf("ETag is %s", etag)
	}
	for _, sent := range []string{etag, "*", `"x", W/` + etag, `W/"y",` + etag} {
		if a := h.get(path, "If-None-Match", sent); a.StatusCode != 304 || len(a.body) != 0 || a.Header.Get("Etag") != etag {
			t.Errorf("If-None-Match %s: %s %s", sent, a.Status, a.body)
		}
	}
	if a := h.get(path, "If-None-Match", `"x"`); a.StatusCode != 200 {
		t.Errorf("another tag: %s", a.Status)
	}
	if a := h.ask("HEAD", path, ""); a.StatusCode != 200 || a.ContentLength != int64(len(v.Record())) || len(a.body) != 0 || a.Header.Get("Etag") != etag {
		t.Errorf("HEAD: %s %v", a.Status, a.Header)
	}
	unknown := strings.Repeat("0", 64)
	h.get("/v1/events/"+unknown).refused(t, 404, "not_found")
	for _, bad := range []string{"0", strings.Repeat("A", 64), unknown + "0", "a%2fb", strings.Repeat("x", 2000)} {
		h.get("/v1/events/"+bad).refused(t, 400, "invalid_parameter")
	}
}

func TestStoreRefusals(t *testing.T) {
	h := start(t)
	v := moduletest.Event(t, 1)
	good := string(v.Record())
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		code             string
	}{
		"no type":           {"/v1/events", "", good, 415, "unsupported_media_type"},
		"a form":            {"/v1/events", "application/x-www-form-urlencoded", good, 415, "unsupported_media_type"},
		"another charset":   {"/v1/events", "application/json; charset=latin1", good, 415, "unsupported_media_type"},
		"nothing":           {"/v1/events", jsonType, " ", 400, "invalid_json"},
		"not JSON":          {"/v1/events", jsonType, "{", 400, "invalid_json"},
		"invalid UTF-8":     {"/v1/events", jsonType, "{\"a\":\"\xff\"}", 400, "invalid_utf8"},
		"a forged event":    {"/v1/events", jsonType, strings.Replace(good, "Low Tide", "High Tide", 1), 422, "signature_mismatch"},
		"a member missing":  {"/v1/events", jsonType, `{"v":1}`, 422, "missing_field"},
		"unknown wait":      {"/v1/events?wait=long", jsonType, good, 400, "invalid_parameter"},
		"two waits":         {"/v1/events?wait=all&wait=all", jsonType, good, 400, "invalid_parameter"},
		"unknown parameter": {"/v1/events?x=1", jsonType, good, 400, "unknown_parameter"},
		"malformed query":   {"/v1/events?%zz", jsonType, good, 400, "invalid_parameter"},
		"too large":         {"/v1/events", jsonType, strings.Repeat(" ", 256<<10+1), 413, "too_large"},
		"of a batch":        {"/v1/events:batch", jsonType, good, 415, "unsupported_media_type"},
		"batch wait":        {"/v1/events:batch?wait=", ndjsonType, good, 400, "invalid_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			h.ask("POST", c.path, c.body, "Content-Type", c.kind).refused(t, c.status, c.code)
		})
	}
	h.ask("POST", "/v1/events", good, "Content-Type", jsonType, "Content-Encoding", "gzip").refused(t, 415, "unsupported_media_type")

	// One that announces too much is answered before it has sent it.
	c := h.raw()
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 413 {
		t.Errorf("a gigabyte: %v %v", resp, err)
	}
	// One that does not say how much it will send is stopped at the limit.
	req, _ := http.NewRequest("POST", h.url+"/v1/events", io.LimitReader(endless{}, 1<<30))
	req.Header.Set("Content-Type", jsonType)
	if resp, err := h.http.Do(req); err != nil || resp.StatusCode != 413 {
		t.Errorf("an endless body: %v %v", resp, err)
	}
	// One that stops sending is told so.
	hasty := start(t, func(o *api.Options) { o.Limits.BodyTimeout = 300 * time.Millisecond })
	c = hasty.raw()
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 408 {
		t.Errorf("a slow body: %v %v", resp, err)
	}
	// And one whose body nobody wants cannot hold the connection with it.
	c = hasty.raw()
	fmt.Fprintf(c, "GET /v1/types HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{")
	if b, err := io.ReadAll(c); err != nil || !strings.Contains(string(b), "200 OK") {
		t.Errorf("a body of GET: %.100q %v", b, err)
	}
	for _, h := range []*host{h, hasty} {
		if last, err := h.journal.Last(t.Context()); err != nil || last != 0 {
			t.Errorf("%d events were stored: %v", last, err)
		}
	}
}

// endless is white space.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// The Go client is a user like any other.
func TestClientAgainstTheHost(t *testing.T) {
	h := start(t)
	var events [][]byte
	for i := range 50 {
		events = append(events, moduletest.Event(t, i).Record())
	}
	events = append(events, []byte("{}"), []byte(strings.Replace(string(events[0]), "Low", "High", 1)))
	stored, err := h.client.StoreBatch(t.Context(), client.WaitAll, events)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range stored {
		switch {
		case i < 50 && (s.Err != nil || !s.Receipt.Created || s.Receipt.Durable != 2):
			t.Errorf("event %d: %+v", i, s)
		case i == 50 && !errors.Is(s.Err, &code.Error{Code: code.MissingField}), i == 51 && !errors.Is(s.Err, &code.Error{Code: code.SignatureMismatch}):
			t.Errorf("event %d: %+v", i, s)
		}
	}
	v, err := h.client.Retrieve(t.Context(), moduletest.Event(t, 7).Hash())
	if err != nil || !bytes.Equal(v.Record(), events[7]) {
		t.Errorf("got %v", err)
	}
}

// slowIntake holds every store until it is released.
type slowIntake struct {
	api.Intake
	in      chan struct{}
	release chan struct{}
}

func (s slowIntake) Store(ctx context.Context, event []byte, wait intake.Wait) (intake.Receipt, error) {
	s.in <- struct{}{}
	select {
	case <-s.release:
	case <-ctx.Done():
		return intake.Receipt{}, ctx.Err()
	}
	return s.Intake.Store(ctx, event, wait)
}

func TestInFlightIsBounded(t *testing.T) {
	slow := slowIntake{in: make(chan struct{}), release: make(chan struct{})}
	h := start(t, func(o *api.Options) {
		slow.Intake = o.Intake
		o.Intake = slow
		o.Limits.InFlight = 3
	})
	done := make(chan int)
	for i := range 3 {
		go func() {
			done <- h.ask("POST", "/v1/events", string(moduletest.Event(t, i).Record()), "Content-Type", jsonType).StatusCode
		}()
		<-slow.in
	}
	a := h.get("/v1/types")
	a.refused(t, 503, "overloaded")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for _, path := range []string{"/livez", "/readyz", "/v1/health", "/metrics"} {
		if a := h.get(path); a.StatusCode != 200 {
			t.Errorf("%s while overloaded: %s", path, a.Status)
		}
	}
	close(slow.release)
	for range 3 {
		if status := <-done; status != 201 {
			t.Errorf("a store gave %d", status)
		}
	}
	// A client may have its answer a little before the request is counted out.
	h.until("the others to be over", func() bool { return h.get("/v1/types").StatusCode == 200 })
}

// failing stands for an intake that cannot do what it should.
type failing struct {
	err   error
	panic any
}

func (f failing) Store(context.Context, []byte, intake.Wait) (intake.Receipt, error) {
	if f.panic != nil {
		panic(f.panic)
	}
	return intake.Receipt{}, f.err
}

func (f failing) StoreBatch(ctx context.Context, events [][]byte, wait intake.Wait) []intake.Stored {
	out := make([]intake.Stored, len(events))
	for i := range out {
		_, out[i].Err = f.Store(ctx, nil, wait)
	}
	return out
}

func (f failing) Confirm(context.Context, module.Verified) (intake.Receipt, module.Verified, error) {
	return intake.Receipt{}, module.Verified{}, f.err
}

func TestRetrieve(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.Hashes = 100 })
	var vs []module.Verified
	for i := range 5 {
		vs = append(vs, h.put(i))
	}
	unknown := strings.Repeat("0", 64)
	order := []string{vs[3].Hash().String(), unknown, vs[0].Hash().String(), vs[3].Hash().String()}
	sent, _ := json.Marshal(map[string][]string{"hashes": order})
	a := h.ask("POST", "/v1/events:retrieve", string(sent), "Content-Type", jsonType)
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != ndjsonType {
		t.Fatalf("%s %s", a.Status, a.body)
	}
	lines := bytes.Split(bytes.TrimSpace(a.body), []byte("\n"))
	for i, want := range order {
		var got struct {
			Hash, Code string
			Status     int
			Event      json.RawMessage
		}
		if err := json.Unmarshal(lines[i], &got); err != nil || got.Hash != want {
			t.Fatalf("line %d is %s", i, lines[i])
		}
		if (want == unknown) != (got.Code == "not_found" && got.Status == 404) {
			t.Errorf("line %d is %s", i, lines[i])
		}
		if want == vs[3].Hash().String() && !bytes.Equal(got.Event, vs[3].Record()) {
			t.Errorf("line %d is %s", i, lines[i])
		}
	}
	if len(lines) != len(order) {
		t.Errorf("%d lines", len(lines))
	}
	if a := h.ask("POST", "/v1/events:retrieve", `{"hashes":[]}`, "Content-Type", jsonType); a.StatusCode != 200 || len(a.body) != 0 {
		t.Errorf("nothing: %s %s", a.Status, a.body)
	}
	many, _ := json.Marshal(map[string][]string{"hashes": slices.Repeat([]string{unknown}, 101)})
	for body, want := range map[string]int{
		"": 400, "{": 400, "[]": 400, `{}`: 400, `{"hashes":null}`: 400, `{"hashes":"x"}`: 400, `{"hashes":["x"]}`: 400, `{"hashes":[1]}`: 400,
		`{"hashes":[],"x":1}`: 400, `{"hashes":[]}{}`: 400, `{"hashes":[]}]`: 400, `{"hashes":[]}}`: 400, `{"hashes":[]`: 400,
		`{"Hashes":[]}`: 400, `{"hashes":[],"hashes":[]}`: 400, `{"hashes":[],"HASHES":[]}`: 400, string(many): 413, strings.Repeat(" ", 20_000): 413,
		`{"hashes":["` + strings.Repeat("A", 64) + `"]}`: 400,
	} {
		if a := h.ask("POST", "/v1/events:retrieve", body, "Content-Type", jsonType); a.StatusCode != want {
			t.Errorf("%.60q: %s %s", body, a.Status, a.body)
		}
	}
}

func TestStatus(t *testing.T) {
	h := start(t)
	v := h.put(1)
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	type status struct {
		Hash, Type    string
		Author        string `json:"author_pubkey"`
		Sequence      uint64
		CreatedAt     uint64    `json:"created_at"`
		AdmittedAt    time.Time `json:"admitted_at"`
		Parents       []string
		Durable       int
		Required      int
		Replicas      []struct{ Replica, Kind, State, Location string }
		Anchor        any
		Archive       any
		SomethingElse any
	}
	var s status
	h.get("/v1/events/"+v.Hash().String()+"/status").json(t, &s)
	if s.Hash != v.Hash().String() || s.Sequence != 1 || s.Type != "ADD_CLAIM" || s.Author != v.Meta().Author || s.CreatedAt != v.Meta().CreatedAt ||
		s.Parents == nil || s.Required != 2 || time.Since(s.AdmittedAt) > time.Hour || s.Durable != 2 || len(s.Replicas) != 2 {
		t.Fatalf("%+v", s)
	}
	for i, name := range []string{"replica-a", "replica-b"} {
		if r := s.Replicas[i]; r.Replica != name || r.State != "stored" || r.Kind != "memory" || r.Location == "" {
			t.Errorf("%+v", r)
		}
	}
	h.get("/v1/events/"+strings.Repeat("0", 64)+"/status").refused(t, 404, "not_found")
	h.get("/v1/events/x/status").refused(t, 400, "invalid_parameter")
}

func TestInsufficientRedundancyNamesTheReplicas(t *testing.T) {
	h := start(t)
	h.memory[1].Close()
	v := moduletest.Event(t, 1)
	a := h.ask("POST", "/v1/events", string(v.Record()), "Content-Type", jsonType)
	a.refused(t, 503, "insufficient_redundancy")
	var p struct {
		Replicas []struct{ Replica, Error string }
	}
	a.json(t, &p)
	if len(p.Replicas) != 1 || p.Replicas[0].Replica != "replica-b" || p.Replicas[0].Error == "" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%s", a.body)
	}
	if a := h.get("/v1/events/" + v.Hash().String()); a.StatusCode != 200 {
		t.Errorf("the event is journaled, and reading it gives %s", a.Status)
	}
	metrics := string(h.get("/metrics").body)
	for _, want := range []string{`eventseal_replica_put_errors_total{error="closed",replica="replica-b"}`, `eventseal_stores_total{code="insufficient_redundancy",outcome="failed"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not tell %s", want)
		}
	}
}
