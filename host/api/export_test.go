package api_test

import (
	"bytes"
	"compress/gzip"
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

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// fill stores n events with bodies of some size, of two types in turn, and
// returns them in the order of their admission.
func (h *host) fill(n, size int) (vs []module.Verified) {
	h.t.Helper()
	for i := range n {
		body, _ := json.Marshal(map[string]any{"n": i, "text": strings.Repeat("x", size)})
		d := module.Draft{Type: []string{"VOTE", "LIKE"}[i%2], CreatedAt: uint64(1000 + i), Body: body}
		if i > 0 && i%10 == 0 {
			d.Parents = []string{vs[0].Hash().String()}
		}
		vs = append(vs, moduletest.Sign(h.t, d))
	}
	for from := 0; from < n; from += 200 {
		var events [][]byte
		for _, v := range vs[from:min(from+200, n)] {
			events = append(events, v.Record())
		}
		for _, s := range h.intake.StoreBatch(h.t.Context(), events, intake.Quorum) {
			if s.Err != nil {
				h.t.Fatal(s.Err)
			}
		}
	}
	return vs
}

// An export has what a query finds, oldest first, and begins where it is told to.
func TestExport(t *testing.T) {
	h := start(t)
	vs := h.fill(2*journal.MaxPage+50, 10) // some pages of the journal
	hash := vs[0].Hash().String()
	choose := func(want func(i int) bool) string {
		var b strings.Builder
		for i, v := range vs {
			if want(i) {
				fmt.Fprintf(&b, "%s\n", v.Record())
			}
		}
		return b.String()
	}
	key := moduletest.Key(t)
	for query, want := range map[string]func(i int) bool{
		"":                                   func(int) bool { return true },
		"?after=0":                           func(int) bool { return true },
		"?after=" + h.at(1999):               func(i int) bool { return i >= 1999 },
		"?after=" + h.at(uint64(len(vs))):    func(int) bool { return false },
		"?after=" + vs[1500].Hash().String(): func(i int) bool { return i > 1500 },
		"?type=VOTE":                         func(i int) bool { return i%2 == 0 },
		"?type=VOTE&type=LIKE&after=" + h.at(1000): func(i int) bool { return i >= 1000 },
		"?type=DISCUSS":   func(int) bool { return false },
		"?parent=" + hash: func(i int) bool { return i > 0 && i%10 == 0 },
		"?author=" + key.Legacy + "&since=1100&until=3000&type=LIKE&after=" + vs[300].Hash().String(): func(i int) bool {
			return i > 300 && i <= 2000 && i%2 == 1
		},
	} {
		a := h.get("/v1/events:export" + query)
		if got := choose(want); a.StatusCode != 200 || a.Header.Get("Content-Type") != ndjsonType || string(a.body) != got {
			t.Errorf("%s: %s, %d bytes, want %d", query, a.Status, len(a.body), len(got))
		}
	}
	for _, encoding := range []string{"gzip", "zstd"} {
		a := h.get("/v1/events:export?type=VOTE", "Accept-Encoding", encoding)
		if a.Header.Get("Content-Encoding") != encoding || !strings.Contains(a.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v", encoding, a.Header)
		}
		if got := unpacked(t, encoding, bytes.NewReader(a.body)); got != choose(func(i int) bool { return i%2 == 0 }) {
			t.Errorf("%s: %d bytes", encoding, len(got))
		}
	}
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"after=x":                              {400, "invalid_parameter"},
		"after=-1":                             {400, "invalid_parameter"},
		"after=%2B1":                           {400, "invalid_parameter"},
		"after=0&after=0":                      {400, "invalid_parameter"},
		"after=" + strings.Repeat("0", 64):     {404, "not_found"},
		"after=" + strings.ToUpper(hash):       {400, "invalid_parameter"},
		"limit=5":                              {400, "unknown_parameter"},
		"cursor=abc":                           {400, "unknown_parameter"},
		"order=asc":                            {400, "unknown_parameter"},
		"type=NONE":                            {422, "unknown_type"},
		"author=%ff":                           {400, "invalid_parameter"},
		"since=" + strings.Repeat("1", 20<<10): {400, "invalid_parameter"},
	} {
		h.get("/v1/events:export?"+query).refused(t, want.status, want.code)
	}
	h.ask("POST", "/v1/events:export", "").refused(t, 405, "method_not_allowed")
	h.until("the exports to be counted out", func() bool { return h.metric("eventseal_http_exports") == 0 })
}

func unpacked(t *testing.T, encoding string, in io.Reader) string {
	t.Helper()
	switch encoding {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	case "zstd":
		z, err := zstd.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		in = z
	}
	b, _ := io.ReadAll(in) // as far as it goes
	return string(b)
}

// An export that meets an event that nobody has names it and goes on.
func TestExportPastALostEvent(t *testing.T) {
	var gone digest.Hash
	h := start(t, func(o *api.Options) { o.Reader = &lossy{Reader: o.Reader, gone: &gone} })
	vs := h.fill(300, 10)
	for _, i := range []int{0, 200, 299} {
		gone = vs[i].Hash()
		rest := append(append([]module.Verified{}, vs[:i]...), vs[i+1:]...)
		want := client.Passed{From: uint64(i) + 1, To: uint64(i) + 1, Hash: gone.String(), Code: "corrupt"}
		var got bytes.Buffer
		var passed []client.Passed
		err := h.client.Export(t.Context(), client.ExportRequest{Passed: func(p client.Passed, _ string) error {
			passed = append(passed, p)
			return nil
		}}, func(vs []module.Verified, _ string) error {
			got.WriteString(records(vs...))
			return nil
		})
		var over *client.PassedError
		if !errors.As(err, &over) || over.Events != 1 || !errors.Is(err, errCorrupt) || got.String() != records(rest...) || !slices.Equal(passed, []client.Passed{want}) {
			t.Errorf("without event %d: %v, %d bytes, %+v", i+1, err, got.Len(), passed)
		}
	}
}

// An export that meets an event that cannot be had now says so as its last line,
// and cannot be taken for a whole one by anybody.
func TestExportThatCannotBeWhole(t *testing.T) {
	var gone digest.Hash
	h := start(t, func(o *api.Options) { o.Reader = &lossy{o.Reader, &gone, code.Unavailable} })
	vs := h.fill(300, 10)
	gone = vs[200].Hash()
	for _, encoding := range []string{"identity", "gzip", "zstd"} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", h.url+"/v1/events:export", nil)
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := h.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the answer ends with %v", encoding, err)
		}
		lines := strings.SplitAfter(unpacked(t, encoding, bytes.NewReader(body)), "\n")
		if len(lines) != 202 || strings.Join(lines[:200], "") != records(vs[:200]...) {
			t.Fatalf("%s: %d lines", encoding, len(lines)-1)
		}
		var p struct{ Code, Hash string }
		if err := json.Unmarshal([]byte(lines[200]), &p); err != nil || p.Code != "unavailable" || p.Hash != gone.String() {
			t.Errorf("%s: the last line is %s", encoding, lines[200])
		}
		d := describe(t)
		for _, i := range []int{199, 200} {
			d.check(t, "export", d.model.Components.Schemas.GetOrZero("ExportLine").Schema(), []byte(lines[i]))
		}
	}
	got := 0
	err := h.client.Export(t.Context(), client.ExportRequest{}, func(vs []module.Verified, _ string) error {
		got += len(vs)
		return nil
	})
	if !errors.Is(err, &code.Error{Code: code.Unavailable}) || !strings.Contains(err.Error(), gone.String()) || got != 200 {
		t.Errorf("the client got %d events and %v", got, err)
	}
}

// A client that stops reading holds up nobody: what is read for it is bounded,
// and it is cut off. Another one is refused while there are too many.
func TestExportToWhoDoesNotRead(t *testing.T) {
	reader := &counted{}
	h := start(t, func(o *api.Options) {
		reader.Reader = o.Reader
		o.Reader = reader
		o.Limits.Exports = 1
		o.Limits.WriteTimeout = 5 * time.Second // it has to be there still when the other one asks
	})
	h.fill(1200, 20<<10) // 24 MB, more than what lies between
	c := h.raw()
	if _, err := io.WriteString(c, "GET /v1/events:export HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 12)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", buf, err)
	}
	h.get("/v1/events:export").refused(t, 503, "overloaded")
	h.until("the export to be cut off", func() bool { return h.metric("eventseal_http_exports") == 0 })
	if n := reader.reads.Load(); n > journal.MaxPage {
		t.Errorf("%d records were asked for", n)
	}
	if n, _ := io.Copy(io.Discard, c); n > 20<<20 {
		t.Errorf("%d bytes came after all", n)
	}
	if a := h.get("/v1/events:export?type=LIKE"); a.StatusCode != 200 {
		t.Errorf("afterwards: %s", a.Status)
	}
}

// Shutdown ends an export with its reason.
func TestExportAtShutdown(t *testing.T) {
	h := start(t)
	h.fill(1200, 20<<10)
	resp, err := h.http.Get(h.url + "/v1/events:export")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		ended <- h.Shutdown(ctx)
	}()
	h.until("the shutdown to begin", func() bool { return h.get("/readyz").StatusCode == 503 })
	body, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the answer ends with %v", err)
	}
	last := body[bytes.LastIndexByte(bytes.TrimSpace(body), '\n')+1:]
	var p struct{ Code string }
	if err := json.Unmarshal(last, &p); err != nil || p.Code != code.ShuttingDown.String() {
		t.Errorf("the last line is %.200s", last)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	h.get("/v1/events:export").refused(t, 503, "shutting_down")
}
