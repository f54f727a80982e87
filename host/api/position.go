package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// beginning is the place before all events of an answer.
const beginning = "0"

// epochHeader names the order that an answer is in.
const epochHeader = "X-Journal-Epoch"

// A movedError refuses a place in an order that is no more.
type movedError struct {
	refusal *code.Error
	resume  string // the place to go on after: nothing is missed, some may come again
}

func (e *movedError) Error() string { return e.refusal.Error() }
func (e *movedError) Unwrap() error { return e.refusal }

// moved is the refusal of a position, with where its reader goes on. Up to what
// is kept of the order that it had, the present one is the same: there, or
// behind that, or from the beginning where nothing is, whoever goes on misses
// nothing. Descending, what the reader still lacks must lie in what is kept.
// spelled is how the reader names the place within its order.
func (s *Server) moved(ctx context.Context, p journal.Position, spelled string, descending bool) error {
	epoch, kept := s.o.Journal.Epoch(), uint64(0)
	if p.Epoch != epoch { // else the journal is older than what the reader has seen of it, and nothing is known to stand
		var err error
		if kept, err = s.o.Journal.Kept(ctx, p.Epoch); err != nil {
			return err
		}
	}
	e := &movedError{refusal: &code.Error{Code: code.EpochChanged}}
	switch {
	case p.Sequence > 0 && p.Sequence <= kept:
		e.resume = epoch + "-" + spelled
		e.refusal.Detail = "go on with after=" + e.resume + ": the order is the same up to there"
	case p.Sequence > 0 && kept > 0 && !descending:
		e.resume = journal.Position{Epoch: epoch, Sequence: kept}.String()
		e.refusal.Detail = "go on with after=" + e.resume + ": the order is the same up to there, what comes then may be what you have"
	default:
		e.resume = beginning
		e.refusal.Detail = "begin again, with after=0, and pass over what you have; or, if nothing that you lack comes before it in the present order, go on with after= the hash of the last event that you have"
	}
	return e
}

// after returns the number in the present order, epoch, behind which an answer
// begins. text names it: 0 for the beginning, an event's hash, a position as
// this host gave it out, or epoch-hash, an event in the order of that epoch.
func (s *Server) after(ctx context.Context, name, text, epoch string, descending bool) (uint64, error) {
	if text == beginning {
		return 0, nil
	}
	if h, ok := digest.ParseHash(text); ok {
		e, err := s.entry(ctx, h)
		if err != nil || e != nil {
			return sequenceOf(e), err
		}
		return 0, &code.Error{Code: code.NotFound, Detail: name + ": this host has no such event; begin with 0, and pass over what you have by its hash"}
	}
	if p, ok := journal.ParsePosition(text); ok {
		last, err := s.o.Journal.Last(ctx)
		if err != nil {
			return 0, err
		}
		if p.Epoch != epoch || p.Sequence > last {
			return 0, s.moved(ctx, p, strconv.FormatUint(p.Sequence, 10), descending)
		}
		return p.Sequence, nil
	}
	if of, hash, _ := strings.Cut(text, "-"); journal.IsEpoch(of) {
		if h, ok := digest.ParseHash(hash); ok {
			if of == epoch {
				return s.after(ctx, name, hash, epoch, descending)
			}
			e, err := s.entry(ctx, h)
			if err != nil {
				return 0, err
			}
			p := journal.Position{Epoch: of, Sequence: sequenceOf(e)}
			if e == nil && !descending {
				p.Sequence = maxSafe // as much as is kept
			}
			return 0, s.moved(ctx, p, hash, descending)
		}
	}
	if strings.Trim(text, "0123456789") == "" { // a number alone is of no order
		return 0, s.moved(ctx, journal.Position{}, "", descending)
	}
	return 0, invalid(name, "0, an event's hash (64 lower-case hex digits), or a position that this host gave out")
}

func sequenceOf(e *journal.Entry) uint64 {
	if e == nil {
		return 0
	}
	return e.Sequence
}

// entry returns what the journal knows of an event, nil for nothing.
func (s *Server) entry(ctx context.Context, h digest.Hash) (*journal.Entry, error) {
	entries, err := s.o.Journal.Entries(ctx, []digest.Hash{h})
	if err != nil {
		return nil, err
	}
	return entries[0], nil
}

// ordered says in the header which order the answer is in.
func ordered(w http.ResponseWriter, epoch string) {
	w.Header()[epochHeader] = []string{epoch}
}
