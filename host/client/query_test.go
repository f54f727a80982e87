package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// batching is known with the power of batches.
type batching struct{ known }

func (b batching) VerifyBatch(ctx context.Context, events [][]byte) ([]module.Result, error) {
	out := make([]module.Result, len(events))
	for i, e := range events {
		out[i].Verified, out[i].Err = b.Verify(ctx, e)
	}
	return out, nil
}

func found(v module.Verified, sequence int, record string) string {
	return fmt.Sprintf(`{"hash":%q,"sequence":%d,"admitted_at":"2026-01-02T03:04:05.678Z","event":%s}`, v.Hash(), sequence, record)
}

func TestQuery(t *testing.T) {
	events := some(3)
	since := uint64(7)
	for name, verifier := range map[string]client.Verifier{"one by one": events, "in batches": batching{events}} {
		t.Run(name, func(t *testing.T) {
			var answer string
			var asked string
			cl := start(t, client.Options{Verifier: verifier, Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.Query().Encode()
				io.WriteString(w, answer)
			})
			record := func(i int) string { return string(events[i].Record()) }
			answer = `{"events":[` + found(events[0], 5, record(0)) + `,{"hash":"` + events[2].Hash().String() +
				`","sequence":6,"problem":{"code":"unavailable","status":503}},` + found(events[1], 7, record(1)) + `],"next_cursor":"abc"}`
			q := client.Query{Types: []string{"VOTE", "LIKE"}, Authors: []string{"EOS1"}, Since: &since, Ascending: true, Limit: 3, Cursor: "xyz"}
			page, err := cl.Query(t.Context(), q)
			if err != nil || len(page.Events) != 3 || page.Next != "abc" {
				t.Fatalf("%+v, %v", page, err)
			}
			if asked != "author=EOS1&cursor=xyz&limit=3&order=asc&since=7&type=VOTE&type=LIKE" {
				t.Errorf("asked for %s", asked)
			}
			if e := page.Events[0]; e.Err != nil || e.Sequence != 5 || e.Event.Hash() != events[0].Hash() || e.AdmittedAt.UnixMilli() != 1767323045678 {
				t.Errorf("the first is %+v", e)
			}
			if e := page.Events[1]; !errors.Is(e.Err, &code.Error{Code: code.Unavailable}) || e.Hash != events[2].Hash() {
				t.Errorf("the second is %+v", e)
			}
			if e := page.Events[2]; e.Err != nil || e.Event.Hash() != events[1].Hash() {
				t.Errorf("the third is %+v", e)
			}
			for what, bad := range map[string]string{
				"another event":   found(events[0], 5, record(1)),
				"a forged one":    found(events[0], 5, strings.Replace(record(0), "VOTE", "LIKE", 1)),
				"no event":        fmt.Sprintf(`{"hash":%q,"sequence":1}`, events[0].Hash()),
				"no hash":         `{"hash":"ABC","sequence":1}`,
				"another form":    found(events[0], 5, strings.Replace(record(0), ":", " :", 1)),
				"nothing of JSON": `nonsense`,
			} {
				answer = `{"events":[` + bad + `]}`
				if page, err := cl.Query(t.Context(), client.Query{}); err == nil {
					t.Errorf("%s gives %+v", what, page)
				}
			}
		})
	}
}

func TestCount(t *testing.T) {
	answer := `{"events":[],"count":12}`
	cl := start(t, client.Options{Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query().Encode(); q != "count=true&include=hashes&limit=1&type=VOTE" {
			t.Errorf("asked for %s", q)
		}
		io.WriteString(w, answer)
	})
	q := client.Query{Types: []string{"VOTE"}, Limit: 50, Cursor: "x"}
	if n, err := cl.Count(t.Context(), q); err != nil || n != 12 {
		t.Errorf("%d, %v", n, err)
	}
	answer = `{"events":[]}`
	if n, err := cl.Count(t.Context(), q); err == nil {
		t.Errorf("without a count: %d", n)
	}
}
