package retrieve

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A target is an event that is looked for, and what came of it so far.
type target struct {
	hash  digest.Hash
	entry *journal.Entry // nil: the journal does not know it

	bad     []*place
	missing []*place
	others  []other
	asked   string // the place of failure
	failure error  // of one that may hold it
	rotten  bool   // what the journal may have of it is damaged

	nowhere bool            // everybody was asked, and nobody has a good copy
	again   module.Verified // what the second look found nevertheless
}

// An other is a copy that is the event, it seems, under another signature than the journal's.
type other struct {
	place  *place // nil: the journal
	record []byte
}

// check decides whether record is the event.
func (r *Reader) check(ctx context.Context, t *target, record []byte) (module.Verified, error) {
	if t.entry != nil {
		v, err := module.Match(&t.entry.Meta, record)
		if err != nil && !replica.Damaged(t.hash, record) {
			err = &otherError{record, err}
		}
		return v, err
	}
	v, err := r.o.Module.Verify(ctx, record)
	if err == nil && (v.Hash() != t.hash || string(v.Record()) != string(record)) {
		err = &code.Error{Code: code.HashMismatch}
	}
	if err != nil {
		return module.Verified{}, err
	}
	return v, nil
}

// An otherError is a copy that may be the event under another signature.
type otherError struct {
	record []byte
	err    error
}

func (e *otherError) Error() string { return e.err.Error() }
func (e *otherError) Unwrap() error { return e.err }

// another returns the event under another valid signature than the journal's,
// where every source was asked and none has that one: it is the event that was
// asked for, and better than none. Else it returns err.
func (r *Reader) another(ctx context.Context, t *target, err error) (module.Verified, error) {
	if !errors.Is(err, errCorrupt) {
		return module.Verified{}, err
	}
	for _, o := range t.others {
		v, e := r.check(ctx, &target{hash: t.hash}, o.record)
		if e != nil {
			continue
		}
		r.seldom(func() {
			r.o.Log.Warn("an event is served under another signature than the journal's, which no source has", "hash", t.hash, "sequence", t.entry.Sequence)
		})
		return v, nil
	}
	return module.Verified{}, err
}

// note files what a place that did not deliver said.
func (t *target) note(r *Reader, p *place, err error) {
	var refused *code.Error
	var o *otherError
	switch {
	case errors.As(err, &o):
		t.others = append(t.others, other{p, o.record}) // whether anybody signed it is not known yet
	case errors.Is(err, replica.ErrNotFound), errors.Is(err, journal.ErrNotFound):
		if p != nil {
			t.missing = append(t.missing, p)
		}
	case errors.Is(err, replica.ErrCorrupt), errors.As(err, &refused):
		if p != nil {
			t.bad = append(t.bad, p)
		}
		r.spoilt(p, t.hash, err)
	case p == nil && errors.Is(err, journal.ErrDamaged): // asking again would not help
		t.rotten = true
	case p == nil:
		t.asked, t.failure = "journal", err
	case !p.cache: // what a cache holds others hold, too
		t.asked, t.failure = p.Name, err
	}
}

// spoilt counts a bad copy.
func (r *Reader) spoilt(p *place, h digest.Hash, err error) {
	name := "journal"
	if p != nil {
		p.bad.Add(1)
		name = p.Name
	}
	r.m.bad.WithLabelValues(name).Inc()
	r.seldom(func() { r.o.Log.Warn("a bad copy was read", "replica", name, "hash", h, "error", err) })
}

// verdict is the error when every source has been asked.
func (t *target) verdict() error {
	switch {
	case t.failure != nil:
		return &code.Error{Code: code.Unavailable, Detail: fmt.Sprintf("replica %s: %v", t.asked, t.failure)}
	case len(t.bad)+len(t.others) > 0, t.rotten:
		return errCorrupt
	}
	return errNotFound
}
