package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
)

// Bounds of what one batch gathers while the group before it is stored.
const (
	groupLines = 1024
	groupBytes = 2 << 20
)

var shuttingDown = &code.Error{Code: code.ShuttingDown}

// A group is what intake is given at once.
type group struct {
	events [][]byte
	lines  []int // number of each, from 1
	errs   []error
	bytes  int
	end    error // why nothing follows; io.EOF: that was all
	line   int   // of end
}

// A gatherer reads lines into the next group while the caller works on the
// one before. What waits is bounded: then the client is not read any more.
type gatherer struct {
	mu      sync.Mutex
	changed sync.Cond
	next    group
	stopped bool
}

// batch serves POST /v1/events:batch: a line for a line, in order, while the
// body still comes. The events of one request are admitted in its order.
// A client that does not read the answers while it sends is in the end not
// read from either, and cut off when it has taken nothing for the time limit.
func (s *Server) batch(w *response, r *http.Request) error {
	wait, err := s.wait(r)
	if err != nil {
		return err
	}
	signed, err := s.signs(r)
	if err != nil {
		return err
	}
	if err := contentType(r, "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq"); err != nil {
		return err
	}
	if n := s.batches.Add(1); n > int64(s.o.Limits.Batches) {
		s.batches.Add(-1)
		return &code.Error{Code: code.Overloaded, Detail: "too many batches at once"}
	}
	defer s.batches.Add(-1)
	if !s.begin() {
		return &code.Error{Code: code.ShuttingDown}
	}
	defer s.long.Done()
	lines, err := newLineReader(w, r, s.o.Module.MaxEvent(), s.o.Limits.BodyTimeout)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	// HTTP/2 is full duplex anyway, and says so with an error. From here on the
	// body must be read to its end, or the connection cut; see drain.
	_ = control.EnableFullDuplex()
	g := &gatherer{}
	g.changed.L = &g.mu
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer lines.close()
		defer func() {
			if fault := recover(); fault != nil { // a decompressor's
				s.o.Log.Error("panic", "request_id", w.id, "panic", fmt.Sprint(fault))
				s.metrics.panics.Inc()
				g.finish(errors.New("reading the body panicked"), 0)
			}
		}()
		g.read(lines, inOrder(func() error { return s.o.Addresses.Permit(r) }))
	}()
	// The body must not be read after the handler has returned: the deadline
	// wakes a read that waits for the client. It is not touched once the reader
	// has come to its end, because net/http listens for the client's leaving then.
	quit := func() {
		g.stop()
		select {
		case <-done:
		default:
			_ = control.SetReadDeadline(time.Unix(1, 0))
			<-done
		}
	}
	defer quit()
	stopWaiting := g.wakeWhen(s.draining)
	defer stopWaiting()

	st := s.stream(w, ndjson, http.StatusOK)
	_ = st.control.Flush() // the header, so that the client may wait for it before it sends
	// What has come whole is stored, whatever becomes of the rest: net/http ends
	// the request's context with a read that is late. Intake has its own timeout.
	ctx := context.WithoutCancel(r.Context())
	answers := s.answers(ctx, st, wait, signed, g.wake)
	defer answers.end()
	ending := func() bool { return answers.broken.Load() || s.closing() }
	for {
		one := g.take(ending)
		answers.add(one, s.o.Intake.StoreBatch(ctx, one.events, wait))
		if one.end != nil {
			if err := answers.end(); err != nil {
				return s.gone(w, err)
			}
			if !errors.Is(one.end, shuttingDown) {
				<-done // it said so as its last
			}
			quit()
			return s.gone(w, drain(control, r.Body))
		}
	}
}

// inOrder refuses whatever follows what permit refused: with what a rate lets
// through a moment later, later events would be admitted before earlier ones.
func inOrder(permit func() error) func() error {
	var refused error
	return func() error {
		if refused == nil {
			refused = permit()
		}
		return refused
	}
}

// drain reads the rest of a body of which nothing more is wanted. net/http must
// not find its end after a full-duplex handler: it would read the connection
// twice at once. A client that sends on and on, or not at all, is cut off; in
// the time that it is given it can take the last line.
func drain(control *http.ResponseController, body io.Reader) error {
	_ = control.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	n, err := io.CopyN(io.Discard, body, maxSkipped)
	_ = control.SetReadDeadline(time.Time{})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("the batch ended before its body: %d bytes more, %w", n, cmp.Or(err, errors.New("and not all")))
}

// gone notes that the client took no more of a streamed answer.
func (s *Server) gone(w *response, err error) error {
	if err != nil {
		w.cause = err
		panic(http.ErrAbortHandler)
	}
	return nil
}

// lineProblem writes err as a line of an answer.
func (s *Server) lineProblem(enc *json.Encoder, route string, err error, place problem) {
	p := problemOf(err)
	p.Line, p.Hash, p.Passed = place.Line, place.Hash, place.Passed
	if p.Code == code.Internal.String() {
		s.o.Log.Error("a line failed", "route", route, "line", p.Line, "hash", p.Hash, "error", err)
	}
	s.metrics.lines.WithLabelValues(route, p.Code).Inc()
	_ = enc.Encode(p) // into memory
}

// read fills groups until the body ends or the gatherer is stopped. permit is
// asked about every event.
func (g *gatherer) read(l *lineReader, permit func() error) {
	number := 0
	for {
		line, lines, err := l.next()
		number += lines
		switch {
		case errors.Is(err, errLongLine):
			if !g.add(nil, number, &code.Error{Code: code.TooLarge, Detail: fmt.Sprintf("the limit is %d bytes", l.limit)}) {
				return
			}
		case err != nil:
			g.finish(err, number)
			return
		default:
			refusal := permit()
			if refusal != nil {
				line = nil
			}
			if !g.add(line, number, refusal) {
				return
			}
		}
	}
}

// add waits for room and adds a line; false when nobody wants it any more.
func (g *gatherer) add(line []byte, number int, err error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.stopped && len(g.next.lines) > 0 && (len(g.next.lines) >= groupLines || g.next.bytes+len(line) > groupBytes) {
		g.changed.Wait()
	}
	if g.stopped {
		return false
	}
	n := &g.next
	n.lines, n.errs = append(n.lines, number), append(n.errs, err)
	if err == nil {
		n.events = append(n.events, line)
		n.bytes += len(line)
	}
	g.changed.Broadcast()
	return true
}

func (g *gatherer) finish(err error, number int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next.end, g.next.line = err, number
	g.changed.Broadcast()
}

func (g *gatherer) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	g.changed.Broadcast()
}

// wake makes take look again.
func (g *gatherer) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed.Broadcast()
}

// wakeWhen makes take look again when c closes; the function it returns ends that.
func (g *gatherer) wakeWhen(c <-chan struct{}) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-c:
			g.wake()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// take waits until there is a line, or an end, and returns all that is there.
// While closing it returns what is there with code.ShuttingDown as its end.
func (g *gatherer) take(closing func() bool) group {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.next.lines) == 0 && g.next.end == nil && !closing() {
		g.changed.Wait()
	}
	one := g.next
	g.next = group{}
	if one.end == nil && closing() {
		one.end, one.line = shuttingDown, 0
	}
	g.changed.Broadcast()
	return one
}
