package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

func squeezed(t *testing.T, text string) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

// An export that breaks off, in whatever way, goes on after the last event
// that was handed out; each event comes once, and the end is only believed
// when it was said.
func TestExportGoesOn(t *testing.T) {
	events := some(40)
	texts := make([]string, len(events))
	for i, v := range events {
		texts[i] = string(v.Record()) + "\n"
	}
	all := func(from, to int) string { return strings.Join(texts[from:to], "") }
	send := func(w http.ResponseWriter, text string, cut bool) {
		w.Write([]byte(text))
		if cut {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	packed := func(w http.ResponseWriter, b []byte, cut bool) {
		w.Header().Set("Content-Encoding", "zstd")
		send(w, string(b), cut)
	}
	steps := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { send(w, all(0, 10)+texts[10][:50], true) },
		func(w http.ResponseWriter) { packed(w, squeezed(t, all(10, 20)), true) }, // looks whole to a decompressor
		func(w http.ResponseWriter) { b := squeezed(t, all(20, 30)); packed(w, b[:len(b)/2], true) },
		func(w http.ResponseWriter) {
			send(w, all(20, 25)+`{"type":"https://x/shutting_down","title":"x","status":503,"code":"shutting_down"}`+"\n", true)
		},
		func(w http.ResponseWriter) { problem(w, code.Overloaded, "") },
		func(w http.ResponseWriter) {
			packed(w, append(squeezed(t, all(25, 30)), squeezed(t, all(30, 40))...), false)
		},
	}
	afters := []string{"", events[9].Hash().String(), events[19].Hash().String(), events[19].Hash().String(), events[24].Hash().String(), events[24].Hash().String()}
	var asked []string
	cl := start(t, client.Options{Verifier: batching{events}}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after"))
		if q := r.URL.Query(); r.URL.Path != "/v1/events:export" || q.Get("type") != "VOTE" || q.Has("limit") || q.Has("order") || r.Header.Get("Accept-Encoding") != "zstd" {
			t.Errorf("asked for %s", r.URL)
		}
		if n := len(asked); n <= len(steps) {
			steps[n-1](w)
		}
	})
	var got bytes.Buffer
	err := cl.Export(t.Context(), client.ExportRequest{Query: client.Query{Types: []string{"VOTE"}, Ascending: true, Limit: 7}, Batch: 4}, func(vs []module.Verified, _ string) error {
		for _, v := range vs {
			got.Write(append(v.Record(), '\n'))
		}
		return nil
	})
	if err != nil || got.String() != all(0, 40) {
		t.Errorf("%v, %d bytes of %d", err, got.Len(), len(all(0, 40)))
	}
	if !slices.Equal(asked, afters) {
		t.Errorf("asked for what follows %q, want %q", asked, afters)
	}
}

func TestExportGivesUp(t *testing.T) {
	events := some(6)
	record := func(i int) string { return string(events[i].Record()) + "\n" }
	problem := func(c code.Code) string {
		return fmt.Sprintf(`{"type":"https://x","title":"x","status":%d,"code":%q,"hash":%q}`+"\n", c.Status(), c, events[5].Hash())
	}
	for name, c := range map[string]struct {
		answer   string
		got      int
		requests int
		want     error
	}{
		"corrupt":      {record(0) + record(1) + problem(code.Corrupt), 2, 1, &code.Error{Code: code.Corrupt}},
		"forged":       {record(0) + strings.Replace(record(1), `"v":1`, `"v":2`, 1), 0, 1, &code.Error{Code: code.SignatureMismatch}},
		"another form": {strings.Replace(record(0), ",", " ,", 1), 0, 1, &code.Error{Code: code.HashMismatch}},
		"no JSON":      {"<html>\n", 0, 1, &code.Error{Code: code.SignatureMismatch}},
		"broken off":   {problem(code.Unavailable), 0, 3, &code.Error{Code: code.Unavailable}},
		"without end":  {strings.Repeat("x", 6<<20), 0, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			requests, got := 0, 0
			cl := start(t, client.Options{Verifier: events, Attempts: 3}, func(w http.ResponseWriter, r *http.Request) {
				requests++
				w.Write([]byte(c.answer))
			})
			err := cl.Export(t.Context(), client.ExportRequest{}, func(vs []module.Verified, _ string) error { got += len(vs); return nil })
			if err == nil || c.want != nil && !errors.Is(err, c.want) || got != c.got || requests != c.requests {
				t.Errorf("%d events of %d requests, %v", got, requests, err)
			}
		})
	}
	t.Run("its caller", func(t *testing.T) {
		cl := start(t, client.Options{Verifier: events}, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(record(0) + record(1))) })
		full := errors.New("the disk is full")
		if err := cl.Export(t.Context(), client.ExportRequest{Batch: 1}, func([]module.Verified, string) error { return full }); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
	// A host that says nothing any more is left.
	t.Run("silent", func(t *testing.T) {
		cl := start(t, client.Options{Verifier: events, Attempts: 2, Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(record(0)))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := 0
		err := cl.Export(ctx, client.ExportRequest{Batch: 1}, func(vs []module.Verified, _ string) error {
			if got += len(vs); got > 3 {
				return errors.New("enough")
			}
			return nil
		})
		if err == nil || ctx.Err() != nil {
			t.Errorf("%v after %d events", err, got)
		}
	})
}
