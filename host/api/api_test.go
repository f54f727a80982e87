package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/receipt/receipttest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/host/scrub"
)

// A host is a whole one on a free port: a real journal, the real module, two
// places in memory.
type host struct {
	*api.Server
	t        testing.TB
	url      string
	http     *http.Client
	client   *client.Client
	journal  *sqlite.Journal
	intake   *intake.Intake
	reader   *retrieve.Reader
	places   []replica.Place
	memory   []*memory.Replica
	receipts *receipttest.Log
	monitor  *health.Monitor
	scrubs   *scrub.Runner
	log      *logBuffer
}

const adminToken = "the-token-of-a-test"

func start(t testing.TB, change ...func(*api.Options)) *host {
	t.Helper()
	h := &host{t: t, log: &logBuffer{}}
	logger := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	registry := prometheus.NewRegistry()
	committed, err := api.CommitMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	h.journal, err = sqlite.Open(filepath.Join(t.TempDir(), "journal.db"), sqlite.Options{OnCommit: committed, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"replica-a", "replica-b"} {
		m := memory.New()
		h.memory = append(h.memory, m)
		h.places = append(h.places, replica.Place{Name: name, Kind: "memory", Counts: true, Replica: m})
	}
	pool := moduletest.Open(t)
	h.reader = retrieve.New(retrieve.Options{Module: pool, Journal: h.journal, Places: h.places, CacheBytes: 8 << 20, Log: logger})
	h.intake, err = intake.Open(intake.Options{
		Module: pool, Journal: h.journal, Places: h.places, MinRedundancy: 2, Timeout: 10 * time.Second,
		Admitted: func(vs []module.Verified) { h.reader.Add(vs...) }, Registerer: registry, Log: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.monitor = health.New(health.Options{
		Places: h.places, Journal: h.journal, Module: pool, MinRedundancy: 2, Disagreements: h.intake.Disagreements, Version: "test", Log: logger,
	})
	if err := registry.Register(h.monitor); err != nil {
		t.Fatal(err)
	}
	o := api.Options{
		Module: pool, Intake: h.intake, Reader: h.reader, Journal: h.journal, Places: h.places, MinRedundancy: 2,
		Health: h.monitor.Health, Registry: registry, Version: "test", Log: logger,
	}
	h.receipts = receipttest.New(t, h.journal, "localhost/log/7c31a88e00112233")
	o.Receipts, o.Prover = h.receipts.Signer(), h.receipts
	h.scrubs = scrub.NewRunner(scrub.Options{Module: pool, Journal: h.journal, Places: h.places, State: filepath.Join(t.TempDir(), "scrub.json"), Log: logger})
	o.Admin = api.Admin{Token: adminToken, Scrubber: h.scrubs}
	for _, c := range change {
		c(&o)
	}
	if h.Server, err = api.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h.Server)
	server.Config.ReadHeaderTimeout = 10 * time.Second
	server.Config.IdleTimeout = time.Minute
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(h.log, nil), slog.LevelError)
	server.Start()
	h.url = server.URL
	h.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}, Timeout: 2 * time.Minute}
	if h.client, err = client.New(client.Options{Server: h.url, Verifier: pool, Attempts: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		h.http.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		if err := h.intake.Close(ctx); err != nil {
			t.Errorf("intake: %v", err)
		}
		_ = h.reader.Close()
		if err := h.journal.Close(); err != nil {
			t.Errorf("journal: %v", err)
		}
		if t.Failed() {
			t.Logf("the host's log ends:\n%s", h.log.tail(4000))
		}
	})
	return h
}

// An answer is a whole one.
type answer struct {
	*http.Response
	body []byte
}

func (h *host) do(req *http.Request) answer {
	h.t.Helper()
	resp, err := h.http.Do(req)
	if err != nil {
		h.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	described(h.t, req, resp, b)
	return answer{resp, b}
}

// ask sends a request; header holds names and values in turn.
func (h *host) ask(method, path, body string, header ...string) answer {
	h.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, h.url+path, r)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return h.do(req)
}

func (h *host) get(path string, header ...string) answer {
	h.t.Helper()
	return h.ask("GET", path, "", header...)
}

func (a answer) json(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v in %.300q", a.Request.URL, err, a.body)
	}
}

// refused checks that an answer is the problem document of a code.
func (a answer) refused(t testing.TB, status int, code string) {
	t.Helper()
	var p struct {
		Type, Title, Code, Detail string
		Status                    int
		RequestID                 string `json:"request_id"`
	}
	if a.StatusCode != status || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s %s: %s, %s: %.300s; want %d %s", a.Request.Method, a.Request.URL, a.Status, a.Header.Get("Content-Type"), a.body, status, code)
	}
	a.json(t, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") || !strings.HasSuffix(p.Type, "/"+code) {
		t.Fatalf("%s %s: %s; want %s", a.Request.Method, a.Request.URL, a.body, code)
	}
}

// put stores the n-th event and returns it.
func (h *host) put(n int) module.Verified {
	h.t.Helper()
	v := moduletest.Event(h.t, n)
	if _, err := h.client.Store(h.t.Context(), "", v.Record()); err != nil {
		h.t.Fatal(err)
	}
	return v
}

func records(vs ...module.Verified) string {
	var b bytes.Buffer
	for _, v := range vs {
		fmt.Fprintf(&b, "%s\n", v.Record())
	}
	return b.String()
}

// raw opens a connection for what http.Client will not do.
func (h *host) raw() net.Conn {
	h.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// metric returns a figure of the host that has no labels.
func (h *host) metric(name string) float64 {
	h.t.Helper()
	for line := range strings.Lines(string(h.get("/metrics").body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				h.t.Fatal(err)
			}
			return n
		}
	}
	h.t.Fatalf("there is no metric %s", name)
	return 0
}

// until waits for something that has to come about.
func (h *host) until(what string, done func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("waited in vain for %s", what)
		}
	}
}
