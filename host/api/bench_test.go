package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// BenchmarkRecord reads one event of about 1 KB over 32 connections, log level
// info, with a client that does as little as can be, on the same cores.
func BenchmarkRecord(b *testing.B) {
	h := start(b, func(o *api.Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	v := moduletest.Sign(b, module.Draft{Type: "VOTE", Body: json.RawMessage(`{"pad":"` + strings.Repeat("x", 650) + `"}`)})
	if a := h.ask("POST", "/v1/events?wait=all", string(v.Record()), "Content-Type", jsonType); a.StatusCode != 201 {
		b.Fatalf("%s %s", a.Status, a.body)
	}
	b.SetBytes(int64(len(v.Record())))
	request := fmt.Sprintf("GET /v1/events/%s HTTP/1.1\r\nHost: h\r\n\r\n", v.Hash())
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 32 {
		c := h.raw()
		wg.Go(func() {
			r := bufio.NewReader(c)
			for left.Add(-1) >= 0 {
				if _, err := io.WriteString(c, request); err != nil {
					b.Error(err)
					return
				}
				// The status line, the headers for the length, the body.
				line, err := r.ReadSlice('\n')
				if err != nil || !strings.Contains(string(line), " 200 ") {
					b.Errorf("%s %v", line, err)
					return
				}
				length := 0
				for len(line) > 2 {
					if line, err = r.ReadSlice('\n'); err != nil {
						b.Error(err)
						return
					}
					if strings.HasPrefix(string(line), "Content-Length: ") {
						_, _ = fmt.Sscan(string(line[16:]), &length)
					}
				}
				if _, err := r.Discard(length); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

// BenchmarkHandler is the handler alone, without a connection.
func BenchmarkHandler(b *testing.B) {
	h := start(b, func(o *api.Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	v := h.put(1)
	req, _ := http.NewRequest("GET", "/v1/events/"+v.Hash().String(), nil)
	b.ReportAllocs()
	for b.Loop() {
		w := &sink{header: http.Header{}}
		h.ServeHTTP(w, req)
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
}

type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
