package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// FuzzServer sends anything to a running host: it answers with something that
// openapi.json describes, never with a failure of its own, and in time.
func FuzzServer(f *testing.F) {
	h := start(f, func(o *api.Options) { o.Limits.Heartbeat = 10 * time.Millisecond })
	v, w := moduletest.Event(f, 1), moduletest.Event(f, 2)
	for _, x := range []string{string(v.Record()), string(w.Record())} {
		h.ask("POST", "/v1/events", x, "Content-Type", jsonType)
	}
	hash := v.Hash().String()
	cursor := h.page("/v1/events?limit=1").Next
	f.Add("GET", "/v1/events", "type=ADD_CLAIM&author="+v.Meta().Author+"&parent="+hash+"&limit=5&order=asc&include=hashes&count=true&since=1&until=2", "", "", "")
	f.Add("GET", "/v1/events", "limit=1&cursor="+cursor, "", "", "")
	f.Add("GET", "/v1/events:export", "type=ADD_CLAIM&since=1&after="+hash, "", "", "")
	f.Add("GET", "/v1/stream", "from=1&type=ADD_CLAIM", "1", "", "")
	f.Add("GET", "/v1/events/"+hash, "", "", `W/"x", *`, "")
	f.Add("HEAD", "/v1/events/"+hash+"/status", "", "", "", "")
	f.Add("GET", "/v1/events/"+hash+"/ancestors", "limit=1", "", "", "")
	f.Add("POST", "/v1/events", "wait=journal", "", jsonType, string(v.Record()))
	f.Add("POST", "/v1/events:batch", "wait=all", "", ndjsonType, string(v.Record())+"\n\n{\r\n"+string(w.Record()))
	f.Add("POST", "/v1/events:retrieve", "", "", jsonType, `{"hashes":["`+hash+`","`+strings.Repeat("0", 64)+`"]}`)
	f.Add("PUT", "/v1//x/%2e%2e/", "%zz;a", "-1", "text/plain; charset=", "\xff")
	f.Add("OPTIONS", "/v1/types", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, id, header, body string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, h.url, strings.NewReader(body))
		if err != nil || method == "CONNECT" || !strings.HasPrefix(path, "/") {
			return // that is no request
		}
		req.URL = &url.URL{Scheme: "http", Host: req.URL.Host, Path: path, RawQuery: query}
		for name, value := range map[string]string{"Content-Type": header, "If-None-Match": header, "Last-Event-ID": id, "X-Request-Id": id} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		resp, err := h.http.Do(req)
		if err != nil {
			if ctx.Err() != nil {
				t.Fatalf("%s %q hangs", method, req.URL)
			}
			return // net/http would not send it, or its server not take it
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 500 {
			t.Fatalf("%s %q %q: %s", method, req.URL, body, resp.Status)
		}
		if resp.Header.Get("Content-Type") == "text/event-stream" {
			line := make([]byte, 1)
			if _, err := resp.Body.Read(line); err != nil {
				t.Fatalf("%q: %v", req.URL, err)
			}
			return
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // a batch may be cut off after its last line
			t.Fatalf("%s %q: %v", method, req.URL, err)
		}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") && resp.StatusCode == 400 {
			return // of net/http itself, which did not take it for HTTP
		}
		described(t, req, resp, answer)
	})
}
