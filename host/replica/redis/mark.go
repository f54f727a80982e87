package redis

import (
	"context"
	"fmt"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Marked = (*Replica)(nil)

// mark is the key of what is kept for a journal. No hash is spelled so.
func (r *Replica) mark(name string) string { return r.prefix + "journal:" + name }

// Mark implements replica.Marked.
func (r *Replica) Mark(ctx context.Context, name string) (string, error) {
	text, err := await(ctx, func() (string, error) { return r.c.GetRange(ctx, r.mark(name), 0, replica.MaxMark).Result() })
	if err != nil {
		return "", permitted(err)
	}
	return text, nil
}

// SetMark implements replica.Marked: the key does not expire.
func (r *Replica) SetMark(ctx context.Context, name, text string) error {
	if err := replica.CheckID(name); err != nil || len(text) > replica.MaxMark {
		return fmt.Errorf("redis: a mark of %d bytes under %.40q", len(text), name)
	}
	if _, err := await(ctx, func() (string, error) { return r.c.Set(ctx, r.mark(name), text, 0).Result() }); err != nil {
		return permitted(err)
	}
	return nil
}
