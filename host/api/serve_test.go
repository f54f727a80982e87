package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm"
	"github.com/eventseal/eventseal/wasm/code"
)

func TestWhatIsNotThere(t *testing.T) {
	h := start(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/nothing", "/v1/events/", "/v1//events", "/v1/../v1/types", "/V1/types", "/v1/types/", "/x", "/%00"} {
		h.get(path).refused(t, 404, "not_found")
	}
	for path, allow := range map[string]string{
		"/v1/events":                            "POST",
		"/v1/types":                             "GET, HEAD",
		"/v1/events/" + strings.Repeat("0", 64): "GET, HEAD",
		"/v1/events:batch":                      "OPTIONS, POST",
		"/v1/events/" + strings.Repeat("0", 64) + "/status": "GET, HEAD",
	} {
		a := h.ask("DELETE", path, "")
		a.refused(t, 405, "method_not_allowed")
		if !strings.Contains(a.Header.Get("Allow"), allow) {
			t.Errorf("%s: Allow is %q", path, a.Header.Get("Allow"))
		}
		if a := h.ask("OPTIONS", path, ""); a.StatusCode != 204 || !strings.Contains(a.Header.Get("Allow"), allow) {
			t.Errorf("OPTIONS %s: %s %v", path, a.Status, a.Header)
		}
	}
	h.get("/v1/types?a=1").refused(t, 400, "unknown_parameter")
	h.get("/v1/types?"+strings.Repeat("a", 20_000)).refused(t, 400, "invalid_parameter")
}

func TestDocuments(t *testing.T) {
	h := start(t)
	var types struct{ Types []module.Type }
	h.get("/v1/types").json(t, &types)
	if len(types.Types) != 14 || types.Types[0].Name != "CREATE_RELEASE_BUNDLE" || types.Types[0].Code != 21 {
		t.Errorf("%+v", types)
	}
	a := h.get("/v1/module.wasm")
	sum := sha256.Sum256(a.body)
	if a.StatusCode != 200 || hex.EncodeToString(sum[:]) != wasm.Digest || a.Header.Get("X-Content-Sha256") != wasm.Digest || a.Header.Get("Content-Type") != "application/wasm" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	for _, path := range []string{"/v1/module.wasm", "/v1/types"} {
		a := h.get(path)
		if a := h.get(path, "If-None-Match", a.Header.Get("Etag")); a.StatusCode != 304 || len(a.body) != 0 {
			t.Errorf("%s again: %s", path, a.Status)
		}
	}
	// Compressed where the client can take it, the same bytes all the same.
	g := h.get("/v1/module.wasm", "Accept-Encoding", "gzip")
	gr, err := gzip.NewReader(strings.NewReader(string(g.body)))
	if err != nil || g.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(g.Header.Get("Vary"), "Accept-Encoding") {
		t.Fatalf("%v %v", g.Header, err)
	}
	if b, err := io.ReadAll(gr); err != nil || string(b) != string(wasm.Module) {
		t.Errorf("gzip: %d bytes, %v", len(b), err)
	}
	z := h.get("/v1/module.wasm", "Accept-Encoding", "zstd, gzip;q=0.5")
	zr, _ := zstd.NewReader(strings.NewReader(string(z.body)))
	if b, err := io.ReadAll(zr); err != nil || string(b) != string(wasm.Module) || z.Header.Get("Content-Encoding") != "zstd" {
		t.Errorf("zstd: %d bytes, %v", len(b), err)
	}
	if a := h.get("/livez", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "" {
		t.Error("a few bytes were compressed")
	}
}

func TestHealthAndProbes(t *testing.T) {
	h := start(t)
	v := h.put(1)
	_ = v
	var doc struct {
		Status            string
		Healthy           bool
		Working, Required int
		Replicas          []struct {
			Name, Kind, Breaker string
			Up, Counts          bool
		}
		Journal struct {
			OK       bool
			Sequence uint64
		}
		Module struct {
			Version, SHA256 string
			ABI, Instances  int
		}
		Warnings []string
		Version  string
	}
	a := h.get("/v1/health")
	a.json(t, &doc)
	if a.StatusCode != 200 || doc.Status != "ok" || !doc.Healthy || doc.Working != 2 || doc.Required != 2 || len(doc.Replicas) != 2 || !doc.Replicas[0].Up ||
		!doc.Journal.OK || doc.Journal.Sequence != 1 || doc.Module.SHA256 != wasm.Digest || doc.Module.ABI != 1 || doc.Module.Version == "" ||
		doc.Module.Instances < 1 || doc.Warnings == nil || doc.Version != "test" {
		t.Errorf("%s %s", a.Status, a.body)
	}
	if a := h.get("/readyz"); a.StatusCode != 200 {
		t.Errorf("readyz: %s", a.Status)
	}
	h.memory[0].Close()
	deadline := time.Now().Add(time.Minute)
	for h.get("/v1/health").StatusCode != 503 { // what is told may be a little old
		if time.Now().After(deadline) {
			t.Fatalf("a closed replica does not show: %s", h.get("/v1/health").body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.get("/readyz").refused(t, 503, "unavailable")
	if a := h.get("/livez"); a.StatusCode != 200 {
		t.Errorf("livez: %s", a.Status)
	}
}

func TestMetrics(t *testing.T) {
	h := start(t)
	v := h.put(1)
	h.get("/v1/events/" + v.Hash().String())
	h.get("/v1/nothing")
	h.ask("POST", "/v1/events", "{", "Content-Type", jsonType).refused(t, 400, "invalid_json")
	h.ask("POST", "/v1/events", string(v.Record()), "Content-Type", jsonType)
	h.listen("/v1/stream")
	want := []string{
		`eventseal_http_requests_total{method="GET",route="/v1/events/{hash}",status="200"} 1`,
		`eventseal_http_requests_total{method="POST",route="/v1/events",status="201"} 1`,
		`eventseal_http_requests_total{method="POST",route="/v1/events",status="400"} 1`,
		`eventseal_stores_total{code="",outcome="created"} 1`, `eventseal_stores_total{code="",outcome="known"} 1`,
		`eventseal_stores_total{code="invalid_json",outcome="refused"} 1`,
		`eventseal_store_stage_seconds_count{stage="journal"} 2`, `eventseal_store_stage_seconds_bucket{stage="quorum"`,
		`eventseal_replica_put_seconds_count{replica="replica-a"} 2`, `eventseal_replica_stored_total{replica="replica-b"} 2`,
		`eventseal_replica_latency_seconds{kind="memory",replica="replica-a"}`, `eventseal_replica_failures_total{kind="memory",replica="replica-b"} 0`,
		`eventseal_replica_breaker_open{kind="memory",replica="replica-a"} 0`,
		`eventseal_module_busy`, `eventseal_module_calls_total`, `eventseal_module_traps_total 0`,
		`eventseal_stream_subscribers 1`, `eventseal_stream_dropped_total 0`, `eventseal_http_exports 0`, `eventseal_http_batches 0`,
		`eventseal_http_requests_total{method="any",route="none",status="404"} 1`,
		`eventseal_http_request_seconds_count{method="GET",route="/v1/events/{hash}"} 1`,
		`eventseal_http_in_flight 0`, `eventseal_replica_up{kind="memory",replica="replica-a"} 1`, `eventseal_healthy 1`,
		`eventseal_module_instances`, `eventseal_journal_commit_seconds_count`, `eventseal_journal_events_total 1`, `eventseal_disagreements_total 0`,
		`eventseal_replica_backlog_events{replica="replica-a"}`,
	}
	// A caller may have its answer a little before it is counted.
	var body string
	lacks := func(line string) bool { return !strings.Contains(body, line) }
	for range 2000 {
		if body = string(h.get("/metrics").body); !slices.ContainsFunc(want, lacks) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("there is no %q in\n%s", slices.DeleteFunc(want, func(line string) bool { return !lacks(line) }), body)
}

func TestPanicsAndFailures(t *testing.T) {
	in := &failing{panic: "secret of the house"}
	h := start(t, func(o *api.Options) { o.Intake = in })
	body := string(moduletest.Event(t, 1).Record())
	a := h.ask("POST", "/v1/events", body, "Content-Type", jsonType, "X-Request-Id", "mine-1")
	a.refused(t, 500, "internal")
	if strings.Contains(string(a.body), "secret") || a.Header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("%v %s", a.Header, a.body)
	}
	if !h.log.has("secret of the house") || !h.log.has(`"request_id":"mine-1"`) {
		t.Error("the log does not say it")
	}
	// An id that a log cannot hold is replaced.
	for _, id := range []string{"a b", strings.Repeat("x", 65), "é", `"`} {
		if a := h.get("/livez", "X-Request-Id", id); a.Header.Get("X-Request-Id") == id || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%q comes back as %q", id, a.Header.Get("X-Request-Id"))
		}
	}
	in.panic = nil
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{journal.ErrFull, 507, "storage_full"}, {fmt.Errorf("x: %w", journal.ErrFailed), 503, "journal_unavailable"}, {journal.ErrClosed, 503, "shutting_down"},
		{module.ErrTimeout, 504, "timeout"}, {module.ErrTrapped, 500, "internal"}, {errors.New("secret"), 500, "internal"},
		{&code.Error{Code: code.ImplementationsDisagree}, 500, "implementations_disagree"}, {&code.Error{Code: code.RateLimited}, 429, "rate_limited"},
		{&intake.InsufficientError{}, 503, "insufficient_redundancy"},
	} {
		in.err = c.err
		a := h.ask("POST", "/v1/events", body, "Content-Type", jsonType)
		a.refused(t, c.status, c.code)
		if strings.Contains(string(a.body), "secret") {
			t.Errorf("%s", a.body)
		}
		b := h.ask("POST", "/v1/events:batch", body, "Content-Type", ndjsonType)
		if got := answers(t, b.body); len(got) != 1 || got[0].Status != c.status || got[0].Code != c.code || got[0].Line != 1 {
			t.Errorf("%s", b.body)
		}
	}
}

func TestCORS(t *testing.T) {
	const origin = "https://app.example.com"
	h := start(t, func(o *api.Options) { o.CORS = api.CORS{Origins: []string{origin}, MaxAge: 10 * time.Minute} })
	a := h.ask("OPTIONS", "/v1/events", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Access-Control-Max-Age") != "600" || a.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight: %s %v", a.Status, a.Header)
	}
	a = h.get("/v1/types", "Origin", origin)
	exposed := strings.ToLower(a.Header.Get("Access-Control-Expose-Headers"))
	if a.Header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(a.Header.Get("Vary"), "Origin") {
		t.Errorf("%v", a.Header)
	}
	for _, name := range []string{"etag", "x-request-id", "retry-after", "location", "x-content-sha256"} {
		if !strings.Contains(exposed, name) {
			t.Errorf("%s is not exposed: %s", name, exposed)
		}
	}
	// A refusal can be read, too.
	if a := h.get("/v1/nothing", "Origin", origin); a.StatusCode != 404 || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	for _, other := range []string{"https://app.example.com.evil.org", "http://app.example.com", "null", "https://APP.example.com"} {
		if a := h.get("/v1/types", "Origin", other); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed", other)
		}
	}
	if a := start(t).get("/v1/types", "Origin", origin); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS is on without being configured")
	}
}

func TestPage(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Page = fstest.MapFS{
			"index.html": {Data: []byte("<!doctype html>")}, "assets/index-1a2b.js": {Data: []byte("1")}, "assets/eventseal-3c.wasm": {Data: []byte("\x00asm")},
			"favicon.svg": {Data: []byte("<svg/>")},
		}
	})
	for path, want := range map[string]struct{ kind, cache string }{
		"/":                         {"text/html; charset=utf-8", "public, no-cache"},
		"/index.html":               {"text/html; charset=utf-8", "public, no-cache"},
		"/events/abc":               {"text/html; charset=utf-8", "public, no-cache"},
		"/assets/index-1a2b.js":     {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/eventseal-3c.wasm": {"application/wasm", "public, max-age=31536000, immutable"},
		"/favicon.svg":              {"image/svg+xml", "public, no-cache"},
	} {
		a := h.get(path, "Accept", "text/html,*/*")
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != want.kind || a.Header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: %s %v", path, a.Status, a.Header)
		}
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self' 'wasm-unsafe-eval'") || strings.Contains(policy, "unsafe-inline") {
			t.Errorf("%s: %s", path, policy)
		}
		if b := h.get(path, "Accept", "text/html", "If-None-Match", a.Header.Get("Etag")); b.StatusCode != 304 {
			t.Errorf("%s again: %s", path, b.Status)
		}
	}
	h.get("/assets/none.js").refused(t, 404, "not_found")
	h.get("/v1/nothing", "Accept", "text/html").refused(t, 404, "not_found")
	h.ask("POST", "/", "", "Accept", "text/html").refused(t, 405, "method_not_allowed")
	if _, err := api.New(api.Options{Page: fstest.MapFS{}}); err == nil {
		t.Error("a server of nothing was made")
	}
}
