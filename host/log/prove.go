package log

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Prove returns the proof (C2SP tlog-proof) that the event of a sequence number
// is in the log, against the head that is served. It waits for a head that
// covers the event for as long as one should take, and is a *code.Error of
// code.ProofPending after that, or of code.LogStopped.
func (l *Log) Prove(ctx context.Context, sequence uint64) ([]byte, error) {
	if sequence == 0 {
		return nil, &code.Error{Code: code.NotFound, Detail: "sequence numbers begin with 1"}
	}
	s, err := l.cover(ctx, sequence)
	if err != nil {
		return nil, err
	}
	index := sequence - 1
	r := read(l.o.Journal, s.Size)
	path, err := r.all(ctx, inclusion(index, s.Size))
	if err != nil {
		return nil, l.unreadable(err)
	}
	leaf, err := r.hash(ctx, span{index, sequence})
	if err != nil {
		return nil, l.unreadable(err)
	}
	proof := make(tlog.RecordProof, len(path))
	for i, h := range path {
		proof[i] = tlog.Hash(h)
	}
	if err := tlog.CheckRecord(proof, int64(s.Size), tlog.Hash(s.Root), int64(index), tlog.Hash(leaf)); err != nil {
		return nil, l.unreadable(errDiffers)
	}
	return checkpoint.Proof{Index: index, Path: path, Note: s.note}.Text(), nil
}

// Head returns the head that is served; ok is false while there is none, and
// once the log is stopped.
func (l *Log) Head() (head checkpoint.Checkpoint, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.served == nil || l.state.State == Stopped {
		return head, false
	}
	return l.served.Checkpoint, true
}

// Root returns the root of the tree of the first size events, which the served
// head must cover: else it is a *code.Error of code.ProofPending, or of
// code.LogStopped.
func (l *Log) Root(ctx context.Context, size uint64) (root digest.Hash, err error) {
	s, err := l.covers(size)
	if err != nil {
		return root, err
	}
	if size == s.Size {
		return s.Root, nil
	}
	if size == 0 {
		return (&tree{}).root(), nil
	}
	// Of the larger tree's tiles more are full, and are compared with what is above them.
	root, err = read(l.o.Journal, s.Size).hash(ctx, span{0, size})
	return root, l.unreadable(err)
}

// Consistency returns the proof (RFC 9162 §2.1.4.2) that the tree of the first
// from events is the beginning of that of the first to, where 1 ≤ from ≤ to; it
// is empty where they are one. Errors are those of Root.
func (l *Log) Consistency(ctx context.Context, from, to uint64) ([]digest.Hash, error) {
	if from == 0 || from > to {
		return nil, fmt.Errorf("log: a tree of %d events is not the beginning of one of %d", from, to)
	}
	if _, err := l.covers(to); err != nil {
		return nil, err
	}
	proof, err := read(l.o.Journal, to).all(ctx, consistency(from, to))
	return proof, l.unreadable(err)
}

// covers returns the served head, which covers so many events.
func (l *Log) covers(size uint64) (*served, error) {
	l.mu.Lock()
	s, state := l.served, l.state
	l.mu.Unlock()
	switch {
	case state.State == Stopped:
		return nil, &code.Error{Code: code.LogStopped, Detail: state.Why}
	case s == nil || size > s.Size:
		return nil, &code.Error{Code: code.ProofPending, Detail: fmt.Sprintf("no published head covers %d events yet", size)}
	}
	return s, nil
}

// unreadable stops the log where the journal's events are not those that it has
// published.
func (l *Log) unreadable(err error) error {
	if errors.Is(err, errDiffers) {
		l.become(Stopped, contradicted(err))
		return &code.Error{Code: code.LogStopped, Detail: contradicted(err)}
	}
	return err
}

// cover waits for a head that covers a sequence number.
func (l *Log) cover(ctx context.Context, sequence uint64) (*served, error) {
	limit := time.NewTimer(2*l.o.Every + l.o.CosignTimeout)
	defer limit.Stop()
	for {
		l.mu.Lock()
		s, state, changed := l.served, l.state, l.changed
		l.mu.Unlock()
		if state.State == Stopped {
			return nil, &code.Error{Code: code.LogStopped, Detail: state.Why}
		}
		if s != nil && sequence <= s.Size {
			return s, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			detail := "no published head covers the event yet"
			if state.Why != "" {
				detail = fmt.Sprintf("%s: %s", detail, state.Why)
			}
			return nil, &code.Error{Code: code.ProofPending, Detail: detail}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
