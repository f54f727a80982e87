package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

func message(v module.Verified, sequence int, record string) string {
	return fmt.Sprintf("id: %s\nevent: event\ndata: %s\n\n", at(sequence), found(v, sequence, record))
}

func at(sequence int) string { return fmt.Sprintf("00000000000000aa-%d", sequence) }

var errEnough = errors.New("enough")

func TestFollowGoesOnWhereItBrokeOff(t *testing.T) {
	events := some(4)
	record := func(i int) string { return string(events[i].Record()) }
	var calls atomic.Int32
	var asked []string
	cl := start(t, client.Options{Verifier: events}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		w.Header().Set("Content-Type", "text/event-stream")
		switch calls.Add(1) {
		case 1: // nothing but where it begins
			io.WriteString(w, "id: "+at(6)+"\nretry: 2000\n\n")
		case 2: // a heartbeat, one event, half of the next
			io.WriteString(w, "id: "+at(6)+"\nretry: 2000\n\n:\n\n"+message(events[0], 7, record(0))+"id: "+at(8)+"\nevent: event\ndata: {\"ha")
		case 3:
			problem(w, code.Overloaded, "")
		case 4:
			io.WriteString(w, message(events[1], 8, record(1))+"event: dropped\ndata: {\"code\":\"overloaded\",\"after\":\""+at(8)+"\"}\n\n")
		case 5:
			io.WriteString(w, "event: later\ndata: x\n\nid: "+at(11)+"\nevent: event\ndata: {\"hash\":\""+events[2].Hash().String()+`","sequence":11,"problem":{"code":"corrupt","status":502}}`+"\n\n"+message(events[3], 12, record(3)))
		}
	})
	var got []string
	err := cl.Follow(t.Context(), client.Follow{Types: []string{"VOTE"}}, func(f client.Found) error {
		got = append(got, fmt.Sprint(f.Sequence, errors.Is(f.Err, &code.Error{Code: code.Corrupt})))
		if f.Sequence == 12 {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) || fmt.Sprint(got) != "[7 false 8 false 11 true 12 false]" {
		t.Errorf("%v, %v", got, err)
	}
	asks := func(n int) string { return "/v1/stream?after=" + at(n) + "&type=VOTE" }
	if fmt.Sprint(asked) != "[/v1/stream?type=VOTE "+strings.Join([]string{asks(6), asks(7), asks(7), asks(8)}, " ")+"]" {
		t.Errorf("asked for %q", asked)
	}
}

func TestFollowTrustsNothing(t *testing.T) {
	events := some(2)
	record := func(i int) string { return string(events[i].Record()) }
	for name, body := range map[string]string{
		"another event":  message(events[0], 3, record(1)),
		"a forged one":   message(events[0], 3, strings.Replace(record(0), "VOTE", "LIKE", 1)),
		"twice the same": message(events[0], 3, record(0)) + message(events[0], 3, record(0)),
		"backwards":      message(events[0], 2, record(0)),
		"another order":  strings.Replace(message(events[0], 3, record(0)), "aa-3", "bb-3", 1),
		"another number": strings.Replace(message(events[0], 3, record(0)), "aa-3", "aa-4", 1),
		"no position":    strings.Replace(message(events[0], 3, record(0)), "00000000000000aa-3", "3", 1),
		"no JSON":        "event: event\ndata: {\n\n",
		"endless":        "data: " + strings.Repeat("x", module.MaxRecordBytes+128<<10),
	} {
		var calls atomic.Int32
		cl := start(t, client.Options{Verifier: events}, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			io.WriteString(w, body)
		})
		n := 0
		if err := cl.Follow(t.Context(), client.Follow{After: at(2)}, func(client.Found) error { n++; return nil }); err == nil || calls.Load() != 1 || n > 1 {
			t.Errorf("%s: %d events in %d calls, %v", name, n, calls.Load(), err)
		}
	}
}

func TestFollowEnds(t *testing.T) {
	var calls atomic.Int32
	refused := start(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		problem(w, code.InvalidParameter, "")
	})
	if err := refused.Follow(t.Context(), client.Follow{After: at(8)}, nil); !errors.Is(err, &code.Error{Code: code.InvalidParameter}) || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	calls.Store(0)
	down := start(t, client.Options{Attempts: 3}, func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	if err := down.Follow(t.Context(), client.Follow{After: at(8)}, nil); err == nil || calls.Load() != 3 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	calls.Store(0)
	silent := start(t, client.Options{Attempts: 2}, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	if err := silent.Follow(t.Context(), client.Follow{After: at(8), Silent: 20 * time.Millisecond}, nil); err == nil || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestAncestors(t *testing.T) {
	events := some(3)
	answer := `{"events":[` + strings.TrimSuffix(found(events[0], 5, string(events[0].Record())), "}") + `,"depth":1},{"hash":"` + events[1].Hash().String() +
		`","depth":2,"missing":true}],"truncated":true}`
	cl := start(t, client.Options{Verifier: events}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/events/"+events[2].Hash().String()+"/ancestors" || r.URL.RawQuery != "limit=2" {
			t.Errorf("asked for %s", r.URL)
		}
		io.WriteString(w, answer)
	})
	got, more, err := cl.Ancestors(t.Context(), events[2].Hash(), 2)
	if err != nil || !more || len(got) != 2 || got[0].Depth != 1 || got[0].Event.Hash() != events[0].Hash() || got[0].Missing || !got[1].Missing || got[1].Depth != 2 || got[1].Hash != events[1].Hash() {
		t.Errorf("%+v %v %v", got, more, err)
	}
	answer = strings.Replace(answer, "VOTE", "LIKE", 1)
	if _, _, err := cl.Ancestors(t.Context(), events[2].Hash(), 2); !errors.Is(err, &code.Error{Code: code.SignatureMismatch}) {
		t.Errorf("a forged one: %v", err)
	}
}
