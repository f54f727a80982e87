package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// A held request is one whose body the host is waiting for.
type held struct {
	v    module.Verified
	body *io.PipeWriter
	resp chan *http.Response // closed without one when there is no answer
}

// hold sends the header of a store and returns when the host reads its body.
func hold(t *testing.T, p *process, v module.Verified) *held {
	r, w := io.Pipe()
	h := &held{v, w, make(chan *http.Response, 1)}
	reading := make(chan struct{})
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url()+"/v1/events", r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue")
	req.ContentLength = int64(len(v.Record()))
	go func() {
		defer close(h.resp)
		transport := &http.Transport{ExpectContinueTimeout: patience}
		defer transport.CloseIdleConnections()
		if resp, err := transport.RoundTrip(req); err == nil {
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil {
				resp.Body = io.NopCloser(bytes.NewReader(body))
				h.resp <- resp
			}
		}
	}()
	select {
	case <-reading:
	case <-time.After(patience):
		t.Fatal("the host does not ask for the body")
	}
	return h
}

// SIGTERM while clients store: requests that the host has begun to read are
// answered with their receipts, new ones are refused, the process ends by
// itself with status 0, and nothing that was acknowledged is missing.
func TestTerminated(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := newProcess(t, data)
	p.start()
	p.ready()
	l := newLedger(t)
	var hs []*held
	for range 8 {
		hs = append(hs, hold(t, p, l.event()))
	}
	var mu sync.Mutex
	var refusals []error
	stop := make(chan struct{})
	clients := l.run(p, stop, func(err error) {
		mu.Lock()
		refusals = append(refusals, err)
		mu.Unlock()
	})
	for { // until the load is on
		l.mu.Lock()
		n := len(l.acked)
		l.mu.Unlock()
		if n > 200 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	p.signal(syscall.SIGTERM)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		resp, err := http.Get(p.url() + "/readyz")
		if err != nil {
			break // nobody listens any more
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the host is ready still")
		}
	}
	for _, h := range hs {
		if _, err := h.body.Write(h.v.Record()); err != nil {
			t.Fatalf("the body of a request in flight: %v", err)
		}
		h.body.Close()
		resp := <-h.resp
		if resp == nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("a request in flight is answered %+v", resp)
		}
		r := client.Receipt{Created: true}
		if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
			t.Fatal(err)
		}
		l.acknowledge(h.v, r, true)
	}
	if status := p.wait(); status != 0 {
		t.Fatalf("exit status %d\n%s", status, p.log.tail(2000))
	}
	close(stop)
	clients.Wait()
	for _, err := range refusals {
		if !errors.Is(err, &code.Error{Code: code.ShuttingDown}) {
			t.Errorf("refused: %v", err)
		}
	}
	p.start()
	p.ready()
	l.served(p)
	p.settled()
	p.stop()
	l.stored(data)
	t.Logf("%d events acknowledged", len(l.acked))
}

// A second signal ends the process at once, with requests in flight; nothing
// that was acknowledged is missing.
func TestTerminatedTwice(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := newProcess(t, data)
	p.start()
	p.ready()
	l := newLedger(t)
	if err := l.one(context.Background(), p.client(), client.WaitQuorum); err != nil {
		t.Fatal(err)
	}
	h := hold(t, p, l.event())
	p.signal(syscall.SIGTERM)
	// The first signal is being obeyed when nobody listens any more.
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		resp, err := http.Get(p.url() + "/readyz")
		if err != nil {
			break
		}
		resp.Body.Close()
		if time.Now().After(end) {
			t.Fatal("the host listens still")
		}
	}
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status == 0 {
		t.Error("a process that was cut off says that it ended well")
	}
	h.body.Close()
	if resp := <-h.resp; resp != nil {
		t.Errorf("a request without its body is answered %s", resp.Status)
	}
	p.start()
	p.ready()
	l.served(p)
	p.settled()
	p.stop()
	l.stored(data)
}
