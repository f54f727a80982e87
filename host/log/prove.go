package log

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/code"
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
