package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/wasm/code"
)

// shelf is a log of fixed documents.
type shelf map[string]log.Document

func (s shelf) Get(_ context.Context, path string) (log.Document, error) {
	if d, ok := s[path]; ok {
		return d, nil
	}
	return log.Document{}, &code.Error{Code: code.NotFound, Detail: "not on the shelf"}
}

func TestLog(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.CORS.Origins = []string{"https://app.example.com"}
		o.Transparency = shelf{
			"checkpoint":       {Type: "text/plain; charset=utf-8", Body: []byte("a head\n")},
			"keys":             {Type: "text/plain; charset=utf-8", Body: []byte("keys\n")},
			"tile/0/000":       {Type: "application/octet-stream", Body: make([]byte, 8192), Immutable: true},
			"tile/entries/000": {Type: "application/octet-stream", Body: make([]byte, 8704), Immutable: true},
		}
	})
	for path, caching := range map[string]string{
		"/log/checkpoint": "public, no-cache", "/log/keys": "public, no-cache",
		"/log/tile/0/000": "public, max-age=31536000, immutable", "/log/tile/entries/000": "public, max-age=31536000, immutable",
	} {
		a := h.ask("GET", path, "", "Origin", "https://app.example.com")
		if a.StatusCode != 200 || a.Header.Get("Cache-Control") != caching || a.Header.Get("Access-Control-Allow-Origin") == "" || a.Header.Get("Etag") == "" {
			t.Errorf("%s: %s %v", path, a.Status, a.Header)
		}
		if b := h.ask("HEAD", path, ""); b.StatusCode != 200 || len(b.body) != 0 || b.ContentLength != int64(len(a.body)) {
			t.Errorf("HEAD %s: %s, %d bytes", path, b.Status, b.ContentLength)
		}
		if b := h.ask("GET", path, "", "If-None-Match", a.Header.Get("Etag")); b.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, b.Status)
		}
		if b := h.ask("POST", path, "{}"); b.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %s", path, b.Status)
		}
	}
	if a := h.ask("GET", "/log/tile/entries/000", "", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "gzip" {
		t.Error("a bundle is not compressed")
	}
	for _, path := range []string{"/log/tile/0/001", "/log/tile/", "/log/tile/0/000.p/3"} {
		if a := h.ask("GET", path, ""); a.StatusCode != 404 || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %s", path, a.Status, a.Header.Get("Content-Type"))
		}
	}
	if a := h.ask("GET", "/log/checkpoint?x=1", ""); a.StatusCode != 400 {
		t.Errorf("a parameter that there is not: %s", a.Status)
	}
}
