package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/wasm/code"
)

// numbered are events that stand for themselves by a number; the bad ones have
// it too.
func numbered(n, size int, bad ...int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, i, strings.Repeat("x", size))
	}
	for _, i := range bad {
		events[i] = bytes.ReplaceAll(events[i], []byte("x"), []byte("BAD"))
	}
	return events
}

// answers says yes to each line.
func answers(w http.ResponseWriter, body []byte) {
	for i := range bytes.Count(body, []byte("\n")) {
		fmt.Fprintf(w, "{\"hash\":\"%064x\",\"status\":201}\n", i)
	}
}

// Whatever refuses or drops a request on the way is offered less, down to one
// event, and what passes is remembered; an event that never passes is refused
// and holds no other.
func TestABatchIsCutUntilItPasses(t *testing.T) {
	const limit = 5000
	for name, c := range map[string]struct {
		fail func(w http.ResponseWriter, body []byte) bool
		code code.Code // of the bad ones
	}{
		"too large": {func(w http.ResponseWriter, body []byte) bool {
			if len(body) > limit {
				http.Error(w, "a proxy", http.StatusRequestEntityTooLarge)
			}
			return len(body) > limit
		}, code.TooLarge},
		"too large for the host": {func(w http.ResponseWriter, body []byte) bool {
			if len(body) > limit {
				problem(w, code.TooLarge, "")
			}
			return len(body) > limit
		}, code.TooLarge},
		"one of them": {func(w http.ResponseWriter, body []byte) bool {
			if bytes.Contains(body, []byte("BAD")) {
				http.Error(w, "a proxy", http.StatusForbidden)
			}
			return bytes.Contains(body, []byte("BAD"))
		}, code.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			cl := start(t, client.Options{Backoff: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				body, _ := io.ReadAll(r.Body)
				if !c.fail(w, body) {
					answers(w, body)
				}
			})
			events := numbered(200, 2500, 0, 150)
			for i := range events {
				if c.code == code.TooLarge && i != 0 && i != 150 {
					events[i] = events[i][:500]
				}
			}
			for round := range 2 {
				before := requests.Load()
				out, err := cl.StoreBatch(t.Context(), "", events)
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range out {
					bad := i == 0 || i == 150
					if (s.Err != nil) != bad || bad && !errors.Is(s.Err, &code.Error{Code: c.code}) || !bad && !s.Receipt.Created {
						t.Errorf("event %d: %+v", i, s)
					}
				}
				if n := requests.Load() - before; round == 1 && n > 60 {
					t.Errorf("%d requests", n)
				}
			}
		})
	}
}

// Requests that end without an answer are cut as well, but soon down to one.
func TestABatchThatIsNotAnsweredIsCut(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"broken off":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"silent":          func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"gateway timeout": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusGatewayTimeout) },
	} {
		t.Run(name, func(t *testing.T) {
			var failed atomic.Int64
			cl := start(t, client.Options{Timeout: time.Second}, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if bytes.Count(body, []byte("\n")) > 3 {
					failed.Add(1)
					fail(w, r)
				}
				answers(w, body)
			})
			out, err := cl.StoreBatch(t.Context(), "", numbered(200, 100))
			if err != nil || failed.Load() > 12 {
				t.Fatalf("%d failed requests, %v", failed.Load(), err)
			}
			for i, s := range out {
				if s.Err != nil {
					t.Errorf("event %d: %v", i, s.Err)
				}
			}
		})
	}
}

// A way that refuses everything refuses no event.
func TestWhoRefusesEverythingIsNotAsked(t *testing.T) {
	var requests atomic.Int64
	cl := start(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "no", http.StatusForbidden)
	})
	_, err := cl.StoreBatch(t.Context(), "", numbered(500, 100))
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusForbidden || requests.Load() > 200 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}
