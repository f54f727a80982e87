package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Marked = (*Replica)(nil)

// Mark implements replica.Marked, of the folder that is at the path now. Each
// has a file of its own, which holds the text and a line end.
func (r *Replica) Mark(ctx context.Context, name string) (string, error) {
	if err := r.usable(ctx); err != nil && !errors.Is(err, replica.ErrReadOnly) {
		return "", err
	}
	if err := replica.CheckID(name); err != nil {
		return "", fmt.Errorf("local: %w", err)
	}
	d, err := durable.OpenFolder(r.path)
	if err == nil {
		defer d.Close()
		var b []byte
		if b, err = d.Read(markPrefix+name, replica.MaxMark+1); err == nil {
			return strings.TrimSuffix(string(b), "\n"), nil
		}
	}
	if gone(err) {
		return "", nil
	}
	return "", fmt.Errorf("local: %w", err)
}

// SetMark implements replica.Marked.
func (r *Replica) SetMark(ctx context.Context, name, text string) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	if err := replica.CheckID(name); err != nil || len(text) > replica.MaxMark {
		return fmt.Errorf("local: a mark of %d bytes under %.40q", len(text), name)
	}
	t := &task{mark: name, text: text}
	if err := r.submit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// keepMark is SetMark, done by the writer.
func (r *Replica) keepMark(name, text string) error {
	if err := r.folder.Replace(markPrefix+name, []byte(text+"\n")); err != nil {
		return r.refused(err)
	}
	return nil
}
