package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The client reads bodies of known and of unknown length, and takes no answer
// for another.
func TestDrive(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/lines" {
			for range 3 {
				io.WriteString(w, strings.Repeat("x", 5000)+"yes\n")
				w.(http.Flusher).Flush()
			}
			return
		}
		w.WriteHeader(201)
		w.Write(body)
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	one, lines := post("/", "text/plain", []byte("yes")), get("/lines")
	for name, l := range map[string]load{
		"one":   {requests: [][]byte{one, one, one, one, one}, status: 201, want: []byte("yes"), times: 1},
		"lines": {requests: [][]byte{lines, lines}, status: 200, want: []byte("yes"), times: 3, perAnswer: 3},
	} {
		if r, err := drive(addr, l, 2); err != nil || r.perSecond <= 0 || r.p99 < r.p50 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		l.times++
		if _, err := drive(addr, l, 2); err == nil {
			t.Errorf("%s: an answer that lacks something was taken", name)
		}
		l.times, l.status = 1, 500
		if _, err := drive(addr, l, 2); err == nil {
			t.Errorf("%s: a wrong status was taken", name)
		}
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	err := table(&b, []row{
		{section: "s", name: "peer", value: 100, unit: microseconds},
		{section: "s", name: "ours", value: 40, unit: microseconds, bars: []bar{{"peer", 2}, {"peer", 5}}},
		{section: "s", name: "stores", value: 6000, unit: perSecond, bars: []bar{{value: 5000}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.25× of 2× peer: met", "0.50× of 5× peer: MISSED", "1.20× of 5000 /s: met", "1 missed"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
