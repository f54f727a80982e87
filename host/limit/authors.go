package limit

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Key is an author's, whichever way events spell it (module.Meta.AuthorKey).
type Key = [34]byte

// Authors says whose events are taken.
type Authors struct {
	Allow map[Key]bool // empty: everyone
	Deny  map[Key]bool // wins over Allow
	Rate  *Limiter[Key]
	// Known reports whether the journal has an event: taking it once more is no
	// new one. Needed with Rate.
	Known func(ctx context.Context, h digest.Hash) (bool, error)
}

// Known asks a journal.
func Known(j journal.Journal) func(context.Context, digest.Hash) (bool, error) {
	return func(ctx context.Context, h digest.Hash) (bool, error) {
		entries, err := j.Entries(ctx, []digest.Hash{h})
		return err == nil && entries[0] != nil, err
	}
}

// Permit refuses a valid event whose author may not store it, with
// code.Forbidden or code.RateLimited. What is known counts towards no rate:
// anybody can send an author's public events again, and a retry is no news.
func (a *Authors) Permit(ctx context.Context, v module.Verified) error {
	key := v.Meta().AuthorKey
	if a.Deny[key] || len(a.Allow) > 0 && !a.Allow[key] {
		return &code.Error{Code: code.Forbidden, Pointer: "/author_pubkey", Detail: "this host does not take events of this author"}
	}
	if a.Rate == nil {
		return nil
	}
	known, err := a.Known(ctx, v.Hash())
	if err != nil {
		if errors.Is(err, journal.ErrClosed) {
			return &code.Error{Code: code.ShuttingDown}
		}
		return &code.Error{Code: code.JournalUnavailable, Detail: err.Error()}
	}
	if !known && !a.Rate.Take(key) {
		return &code.Error{Code: code.RateLimited, Pointer: "/author_pubkey", Detail: "too many new events of this author"}
	}
	return nil
}
