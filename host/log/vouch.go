package log

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
)

// Vouch returns nil while the sequence number of a new event is its place in the
// log of Key: what is signed with both stands. It waits for as long as a start
// does where that is not known yet. Errors: a *code.Error of code.ProofPending
// when it is still not, or of code.LogStopped: the journal's numbers may be those
// of other events then.
func (l *Log) Vouch(ctx context.Context) error {
	var limit <-chan time.Time
	for {
		l.mu.Lock()
		state, changed := l.state, l.changed
		l.mu.Unlock()
		switch {
		case state.State == Stopped:
			return &code.Error{Code: code.LogStopped, Detail: state.Why}
		case state.Origin != "":
			return nil
		}
		if limit == nil {
			t := time.NewTimer(patience)
			defer t.Stop()
			limit = t.C
		}
		select {
		case <-changed:
		case <-limit:
			return &code.Error{Code: code.ProofPending, Detail: "it is not known yet where the log stands: " + state.Why}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
