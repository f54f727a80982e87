package log

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/eventseal/eventseal/wasm/code"
)

// Nothing is vouched for before it is known where the log stands, and while it
// is stopped; a place that is away later changes nothing about the numbers.
func TestVouch(t *testing.T) {
	w := newWorld(t, 2, 2)
	l := w.start(fault{})
	ended, end := context.WithCancel(t.Context())
	end()
	if err := l.Vouch(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("at the start: %v", err)
	}
	vouched := make(chan error)
	go func() { vouched <- l.Vouch(t.Context()) }()
	w.round(l)
	if err := <-vouched; err != nil {
		t.Errorf("as soon as it is known: %v", err)
	}
	l.become(Waiting, "too few places")
	if err := l.Vouch(t.Context()); err != nil {
		t.Errorf("while it waits: %v", err)
	}
	l.become(Stopped, "the journal is behind")
	var refused *code.Error
	if err := l.Vouch(t.Context()); !errors.As(err, &refused) || refused.Code != code.LogStopped || refused.Detail != "the journal is behind" {
		t.Errorf("stopped: %v", err)
	}

	unknown := w.start(fault{})
	unknown.become(Waiting, "replica-1 does not answer")
	synctest.Test(t, func(t *testing.T) {
		unknown.changed = make(chan struct{}) // of this bubble
		if err := unknown.Vouch(t.Context()); !errors.Is(err, &code.Error{Code: code.ProofPending}) {
			t.Errorf("not known in time: %v", err)
		}
	})
}
