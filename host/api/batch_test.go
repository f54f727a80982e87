package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

func answers(t testing.TB, body []byte) (rs []receipt) {
	t.Helper()
	for line := range bytes.Lines(body) {
		var r receipt
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		rs = append(rs, r)
	}
	return rs
}

func TestBatch(t *testing.T) {
	h := start(t)
	one, two, three := moduletest.Event(t, 1), moduletest.Event(t, 2), moduletest.Event(t, 3)
	long := strings.Repeat("x", 256<<10+1)
	body := string(one.Record()) + "\r\n\n  \n{\n" + strings.Replace(string(two.Record()), "Low", "High", 1) + "\n" + long + "\n" +
		string(two.Record()) + "\n" + string(one.Record()) + "\n" + string(three.Record())
	want := []receipt{
		{Status: 201, Line: 0}, {Status: 400, Code: "invalid_json", Line: 4}, {Status: 422, Code: "signature_mismatch", Line: 5},
		{Status: 413, Code: "too_large", Line: 6}, {Status: 201}, {Status: 200}, {Status: 201},
	}
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	io.WriteString(g, body)
	g.Close()
	z, _ := zstd.NewWriter(&zs)
	io.WriteString(z, body)
	z.Close()
	for i, sent := range []struct{ body, encoding string }{{body, "identity"}, {gz.String(), "gzip"}, {zs.String(), "zstd"}} {
		a := h.ask("POST", "/v1/events:batch?wait=all", sent.body, "Content-Type", ndjsonType, "Content-Encoding", sent.encoding)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != ndjsonType {
			t.Fatalf("%s %s", a.Status, a.body)
		}
		got := answers(t, a.body)
		if len(got) != len(want) {
			t.Fatalf("%d answers for %d lines:\n%s", len(got), len(want), a.body)
		}
		for n, w := range want {
			if i > 0 && w.Status == 201 {
				w.Status = 200 // it is there now
			}
			if r := got[n]; r.Status != w.Status || r.Code != w.Code || r.Line != w.Line || (w.Code == "" && (r.Durable != 2 || len(r.Locations) != 2)) {
				t.Errorf("%s: answer %d is %+v, want %+v", sent.encoding, n, r, w)
			}
		}
	}
	h.ask("POST", "/v1/events:batch", body, "Content-Type", ndjsonType, "Content-Encoding", "br").refused(t, 415, "unsupported_media_type")
	// What is not the compression that the header says ends the batch with a line.
	for _, encoding := range []string{"gzip", "zstd"} {
		a := h.ask("POST", "/v1/events:batch", body, "Content-Type", ndjsonType, "Content-Encoding", encoding)
		if got := answers(t, a.body); len(got) != 1 || got[0].Code != "invalid_argument" {
			t.Errorf("%s: %s", encoding, a.body)
		}
	}
	if a := h.ask("POST", "/v1/events:batch", "\n", "Content-Type", ndjsonType); a.StatusCode != 200 || len(a.body) != 0 {
		t.Errorf("nothing: %s %s", a.Status, a.body)
	}
}

// Answers come while the body is still being written.
func TestBatchIsFullDuplex(t *testing.T) {
	h := start(t)
	out, in := io.Pipe()
	req, _ := http.NewRequest("POST", h.url+"/v1/events:batch", out)
	req.Header.Set("Content-Type", ndjsonType)
	resp, err := h.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := range 20 {
		if _, err := in.Write([]byte(records(moduletest.Event(t, n)))); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), `"status":201`) {
			t.Fatalf("answer %d: %s %v", n, lines.Text(), lines.Err())
		}
	}
	in.Close()
	if lines.Scan() {
		t.Errorf("one more: %s", lines.Text())
	}
}

// Bombs and bodies without end are cut off.
func TestBatchIsBounded(t *testing.T) {
	h := start(t)
	bomb := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		for range 100 {
			io.WriteString(w, strings.Repeat(text, 1<<20))
		}
		w.Close()
		return b.String()
	}
	for name, body := range map[string]string{"one line": bomb("x"), "blank lines": bomb("\n"), "white space": bomb(" ")} {
		a := h.ask("POST", "/v1/events:batch", body, "Content-Type", ndjsonType, "Content-Encoding", "gzip")
		if got := answers(t, a.body); len(got) != 1 || got[0].Code != "too_large" {
			t.Errorf("%s: %.300s", name, a.body)
		}
	}
	// A client that stops in the middle of a line is told so.
	h = start(t, func(o *api.Options) { o.Limits.BodyTimeout = 300 * time.Millisecond })
	h.stopsInALine()
}

// stopsInALine sends a batch of one event and the beginning of another, and
// wants the event stored and the rest told to be late.
func (h *host) stopsInALine() {
	h.t.Helper()
	c := h.raw()
	fmt.Fprintf(c, "POST /v1/events:batch HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100000\r\n\r\n%s{", records(moduletest.Event(h.t, 1)))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	if got := answers(h.t, b); len(got) != 2 || got[0].Status != 201 || got[1].Code != "request_timeout" {
		h.t.Errorf("%s", b)
	}
}

// Events of one batch are admitted in its order, and answered in it, over many
// groups: what is exported and imported again comes out the same.
func TestBatchKeepsTheOrder(t *testing.T) {
	h := start(t)
	var body strings.Builder
	const n = 1500
	for i := range n {
		body.Write(moduletest.Event(t, i).Record())
		body.WriteByte('\n')
	}
	a := h.ask("POST", "/v1/events:batch?wait=journal", body.String(), "Content-Type", ndjsonType)
	got := answers(t, a.body)
	if len(got) != n {
		t.Fatalf("%d answers", len(got))
	}
	for i, r := range got {
		if r.Sequence != uint64(i)+1 || r.Hash != moduletest.Event(t, i).Hash().String() || r.Status != 202 {
			t.Fatalf("answer %d is %+v", i, r)
		}
	}
}

func TestBatchAtShutdown(t *testing.T) {
	h := start(t)
	out, in := io.Pipe()
	defer in.Close()
	req, _ := http.NewRequest("POST", h.url+"/v1/events:batch", out)
	req.Header.Set("Content-Type", ndjsonType)
	resp, err := h.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if _, err := in.Write([]byte(records(moduletest.Event(t, 1)))); err != nil || !lines.Scan() {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || !strings.Contains(lines.Text(), `"code":"shutting_down"`) || lines.Scan() {
		t.Errorf("the last line is %s, %v", lines.Text(), lines.Err())
	}
	h.get("/v1/types").refused(t, 503, "shutting_down")
	h.get("/readyz").refused(t, 503, "shutting_down")
	if a := h.get("/livez"); a.StatusCode != 200 {
		t.Errorf("livez: %s", a.Status)
	}
}

// patient gives the client's body time to run out while a group is stored.
type patient struct {
	api.Intake
	wait time.Duration
}

func (p patient) StoreBatch(ctx context.Context, events [][]byte, wait intake.Wait) []intake.Stored {
	select {
	case <-time.After(p.wait):
	case <-ctx.Done():
	}
	return p.Intake.StoreBatch(ctx, events, wait)
}

// Lines that came whole are stored and answered, even when the next one is
// late by the time that it happens.
func TestLateLineSparesThoseBefore(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Limits.BodyTimeout = 50 * time.Millisecond
		o.Intake = patient{o.Intake, 500 * time.Millisecond}
	})
	h.stopsInALine()
}

// A client that sends and sends and reads no answer is cut off.
func TestBatchOfAClientThatDoesNotRead(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Limits.WriteTimeout = 300 * time.Millisecond })
	c := h.raw()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "POST /v1/events:batch HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
	lines := strings.Repeat("{\n", 1000)
	for {
		if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", len(lines), lines); err != nil {
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				t.Error("it was read from for a minute")
			}
			break
		}
	}
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(string(h.get("/metrics").body), "\neventseal_http_batches 0\n") {
		if time.Now().After(deadline) {
			t.Fatal("the batch goes on")
		}
	}
}
