package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/feed"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// closingTime is how long a subscriber has to take its last message.
const closingTime = 2 * time.Second

// encodeMessage makes the server-sent event (HTML Standard §9.2) of an event,
// once for all subscribers. A record has no line ends in it.
func (s *Server) encodeMessage(epoch string, e *journal.Entry, v module.Verified, err error) []byte {
	l := lineOf(e)
	if err != nil {
		p := problemOf(err)
		l.Problem = &p
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %s\nevent: event\ndata: ", journal.Position{Epoch: epoch, Sequence: e.Sequence})
	head, _ := json.Marshal(l) // strings, numbers and a problem
	b.Write(head)
	if err == nil {
		b.Truncate(b.Len() - 1)
		b.WriteString(`,"event":`)
		b.Write(v.Record())
		b.WriteByte('}')
	}
	b.WriteString("\n\n")
	return b.Bytes()
}

// encodeDamage makes the server-sent event of events that the journal cannot
// read; its id is the last of them.
func encodeDamage(epoch string, d journal.Damage) []byte {
	data, _ := json.Marshal(passedDamage(d)) // numbers and plain strings
	return fmt.Appendf(nil, "id: %s\nevent: damaged\ndata: %s\n\n", journal.Position{Epoch: epoch, Sequence: d.To}, data)
}

// lastMessage is what a subscriber is told before the host hangs up, with the
// position after which it can go on.
func lastMessage(name string, c code.Code, after journal.Position) []byte {
	return fmt.Appendf(nil, "event: %s\ndata: {\"code\":%q,\"after\":%q}\n\n", name, c, after)
}

// startOf returns the position after which a stream begins: where the client's
// last one ended (Last-Event-ID), or ?after, or before ?from, or now.
func (s *Server) startOf(r *http.Request) (journal.Position, error) {
	epoch := s.o.Journal.Epoch()
	at := func(n uint64, err error) (journal.Position, error) {
		return journal.Position{Epoch: epoch, Sequence: n}, err
	}
	p := parametersOf(r)
	after, given, err := p.one("after")
	if err != nil {
		return at(0, err)
	}
	from, first, err := p.one("from")
	switch {
	case err != nil:
		return at(0, err)
	case given && first:
		return at(0, invalid("from", "given without after"))
	}
	if ids := r.Header["Last-Event-Id"]; len(ids) > 1 {
		return at(0, invalid("Last-Event-ID", "given once"))
	} else if len(ids) == 1 {
		return at(s.after(r.Context(), "Last-Event-ID", ids[0], epoch, false))
	}
	switch {
	case given:
		return at(s.after(r.Context(), "after", after, epoch, false))
	case first:
		// Behind the one before: so a refusal names a place that misses none, too.
		if p, ok := journal.ParsePosition(from); ok && p.Sequence > 0 {
			p.Sequence--
			from = p.String()
		} else if !ok && strings.Trim(from, "0123456789") != "" {
			return at(0, invalid("from", "0, or a position that this host gave out"))
		}
		return at(s.after(r.Context(), "from", from, epoch, false))
	}
	return at(s.o.Journal.Last(r.Context()))
}

// follow serves GET /v1/stream: what was admitted since a position, and
// then what is being admitted, each event once and in order. A subscriber that
// cannot keep up is dropped and told where to go on; one that takes nothing at
// all is cut off.
func (s *Server) follow(w *response, r *http.Request) error {
	f, err := s.filter(r.Context(), parametersOf(r))
	if err != nil {
		return err
	}
	after, err := s.startOf(r)
	if err != nil {
		return err
	}
	if n := s.subscribers.Add(1); n > int64(s.o.Limits.Subscribers) {
		s.subscribers.Add(-1)
		return &code.Error{Code: code.Overloaded, Detail: "too many subscribers"}
	}
	defer s.subscribers.Add(-1)
	if !s.begin() {
		return shuttingDown
	}
	defer s.long.Done()
	sub, err := s.feed.Subscribe(f, after)
	if err != nil {
		return shuttingDown
	}
	defer sub.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)()

	ordered(w, after.Epoch)
	st := s.stream(w, "text/event-stream", http.StatusOK)
	// Whoever is cut off before the first event has a place to come back to.
	if err := st.write(fmt.Appendf(nil, "id: %s\nretry: 2000\n\n", after)); err != nil {
		return s.gone(w, err)
	}
	for {
		if err := st.flush(); err != nil {
			return s.gone(w, err)
		}
		items, err := sub.Next(ctx, s.o.Limits.Heartbeat)
		for _, it := range items {
			if err := st.write(it.Data); err != nil {
				return s.gone(w, err)
			}
		}
		switch {
		case err == nil && len(items) == 0:
			err := st.write([]byte(":\n\n"))
			if err != nil {
				return s.gone(w, err)
			}
		case err == nil:
		case r.Context().Err() != nil:
			return s.gone(w, r.Context().Err())
		case s.closing(), errors.Is(err, feed.ErrClosed):
			st.timeout = closingTime
			return s.hangUp(w, st, lastMessage("closing", code.ShuttingDown, sub.After()))
		case errors.Is(err, feed.ErrReordered):
			w.cause = err
			return s.hangUp(w, st, lastMessage("closing", code.EpochChanged, sub.After()))
		case errors.Is(err, feed.ErrBehind):
			s.metrics.dropped.Inc()
			w.cause = err
			return s.hangUp(w, st, lastMessage("dropped", code.Overloaded, sub.After()))
		default:
			w.cause = err
			s.o.Log.Error("a stream ended", "request_id", w.id, "error", err)
			return s.hangUp(w, st, lastMessage("closing", refusal(err).Code, sub.After()))
		}
	}
}

func (s *Server) hangUp(w *response, st *stream, message []byte) error {
	err := st.write(message)
	if err == nil {
		err = st.flush()
	}
	return s.gone(w, err)
}
