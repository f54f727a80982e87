package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Receipt is the host's answer to a stored event.
type Receipt struct {
	Hash      string          `json:"hash"`
	Locations json.RawMessage `json:"locations"` // as the host tells them
	Durable   int             `json:"durable"`   // counting replicas that hold it
	Required  int             `json:"required"`
	Epoch     string          `json:"epoch"` // of the host's order, in which the event has its Sequence
	Sequence  uint64          `json:"sequence"`
	Created   bool            `json:"created"` // false: it was stored before

	// Where the host signs receipts, one of the two.
	Signed   json.RawMessage `json:"signed,omitempty"`
	Unsigned string          `json:"unsigned,omitempty"` // the code of why there is no signature
}

// The times at which a store is answered; see ?wait in the API.
const (
	WaitQuorum  = "quorum"
	WaitAll     = "all"
	WaitJournal = "journal"
)

// Store stores one signed event, in any JSON spelling. When it returns nil the
// host vouches for what wait asks ("" is WaitQuorum), and with HostKeys has signed
// that. Storing it again is fine.
func (cl *Client) Store(ctx context.Context, wait string, event []byte) (Receipt, error) {
	var r Receipt
	err := cl.do(ctx, call{
		method: http.MethodPost, path: "/v1/events", query: cl.storing(wait), body: event, contentType: "application/json",
	}, func(resp *http.Response) error {
		r = Receipt{} // of an attempt before
		if err := document(&r)(resp); err != nil {
			return err
		}
		r.Created = resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusAccepted
		if err := goodHash(r.Hash); err != nil {
			return err
		}
		return cl.attest(ctx, wait, event, &r)
	})
	return r, err
}

// storing returns the parameters of a store.
func (cl *Client) storing(wait string) url.Values {
	q := url.Values{}
	if wait != "" {
		q.Set("wait", wait)
	}
	if cl.o.Unsigned {
		q.Set("receipt", "none")
	}
	return q
}

func goodHash(s string) error {
	if _, ok := digest.ParseHash(s); !ok {
		return fmt.Errorf("the answer names %.80q, which is no hash", s)
	}
	return nil
}

// A Stored is the outcome of one event of a batch.
type Stored struct {
	Receipt Receipt
	Err     error // *Error
}

// Bounds of one batch request; a stream of events is cut into such.
const (
	batchEvents = 2048
	batchBytes  = 4 << 20
)

// StoreBatch stores events and returns as many outcomes, in their order. A
// request that is too much, for the host or on the way to it, is made again of
// half of the events, down to one, and what passes is remembered; one that is
// refused alone is refused. The error is for all of them: what was stored
// is not known then, and storing all again is fine. Events that failed
// for a passing reason are tried again, as long as each round stores some of
// them and Attempts times when none does: a host with a rate takes its time.
func (cl *Client) StoreBatch(ctx context.Context, wait string, events [][]byte) ([]Stored, error) {
	out := make([]Stored, len(events))
	todo := make([]int, len(events))
	for i := range todo {
		todo[i] = i
	}
	for attempt := 1; len(todo) > 0; attempt++ {
		if err := cl.storeAll(ctx, wait, events, todo, out); err != nil {
			return nil, err
		}
		again := todo[:0]
		for _, i := range todo {
			if out[i].Err != nil && passing(out[i].Err) {
				again = append(again, i)
			}
		}
		if len(again) < len(todo) {
			attempt = 1
		}
		todo = again
		if len(todo) == 0 || attempt >= cl.o.Attempts || !sleep(ctx, cl.wait(attempt, out[todo[0]].Err)) {
			break
		}
	}
	return out, nil
}

// storeBatch sends the events whose numbers are in todo and fills their outcomes in.
func (cl *Client) storeBatch(ctx context.Context, wait string, events [][]byte, todo []int, out []Stored) error {
	var body bytes.Buffer
	for _, i := range todo {
		// A line end inside an event would make two lines of it. Outside of
		// strings it is white space; inside, JSON does not allow it.
		body.Write(bytes.Map(func(r rune) rune {
			if r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, events[i]))
		body.WriteByte('\n')
	}
	return cl.do(ctx, call{
		method: http.MethodPost, path: "/v1/events:batch", query: cl.storing(wait), body: body.Bytes(), contentType: "application/x-ndjson",
		idle: true, cut: len(todo) > 1,
	}, func(resp *http.Response) error {
		lines := newLines(resp.Body)
		for _, i := range todo {
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				return &brokenError{io.ErrUnexpectedEOF}
			}
			if err != nil {
				return err
			}
			var answer struct {
				Receipt
				Problem
			}
			if err := json.Unmarshal(line, &answer); err != nil {
				return fmt.Errorf("the answer is not what a host sends: %w", err)
			}
			if refusal := answer.Problem.refusal(); refusal != nil {
				e := &Error{
					Server: cl.base.Host, Status: answer.Status, RequestID: requestID(resp),
					Replicas: answer.Replicas, Err: refusal, passing: passingCode(refusal.Code),
				}
				if refusal.Code == code.RateLimited {
					e.RetryAfter = time.Second // a line has no header to say so
				}
				out[i] = Stored{Err: e}
				continue
			}
			if err := goodHash(answer.Hash); err != nil {
				return err
			}
			answer.Created = answer.Status == http.StatusCreated || answer.Status == http.StatusAccepted
			out[i] = Stored{Receipt: answer.Receipt, Err: cl.attest(ctx, wait, events[i], &answer.Receipt)}
		}
		return nil
	})
}

// StoreStream stores events as they come, in batches one after the other, so
// that the host admits them in their order; the next batch is gathered
// meanwhile. It calls each with the number of the event (0, 1, …) and its
// outcome, in order and never concurrently. It ends with the first error of events or each, or
// when a batch as a whole cannot be stored; then some events after the last
// one reported may have been stored.
func (cl *Client) StoreStream(ctx context.Context, wait string, events iter.Seq2[[]byte, error], each func(n int, s Stored) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type batch struct {
		done   chan struct{}
		stored []Stored
		err    error
	}
	queue := make(chan *batch)
	var sourceErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(queue)
		for events, err := range batches(events) {
			if err != nil {
				sourceErr = err
				return
			}
			b := &batch{done: make(chan struct{})}
			select {
			case queue <- b:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer close(b.done)
				b.stored, b.err = cl.StoreBatch(ctx, wait, events)
			})
		}
	})
	defer wg.Wait()
	defer cancel()
	n := 0
	for b := range queue {
		<-b.done
		if b.err != nil {
			return b.err
		}
		for _, s := range b.stored {
			if err := each(n, s); err != nil {
				return err
			}
			n++
		}
	}
	if sourceErr != nil {
		return sourceErr
	}
	return ctx.Err()
}

// batches cuts events into groups for one request each. What came before an
// error is yielded before it.
func batches(events iter.Seq2[[]byte, error]) iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		var group [][]byte
		size := 0
		for event, err := range events {
			if err != nil {
				if len(group) == 0 || yield(group, nil) {
					yield(nil, err)
				}
				return
			}
			if len(group) > 0 && (len(group) == batchEvents || size+len(event) > batchBytes) {
				if !yield(group, nil) {
					return
				}
				group, size = nil, 0
			}
			group, size = append(group, event), size+len(event)
		}
		if len(group) > 0 {
			yield(group, nil)
		}
	}
}
