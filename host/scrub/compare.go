package scrub

import (
	"bytes"
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// compare says of every copy what it is, by the record and, where it has
// another signature, by the module. Its error is the module's, or ctx's.
func (s *scrubber) compare(ctx context.Context, subjects []*subject) error {
	type copy struct {
		x *subject
		i int
	}
	var others []copy
	var records [][]byte
	for _, x := range subjects {
		for i, f := range x.fetched {
			switch {
			case f.Err == nil && x.v.Meta() != nil && bytes.Equal(f.Record, x.v.Record()):
				x.seen[i] = custody.Confirmed
			case errors.Is(f.Err, replica.ErrNotFound):
				x.seen[i] = custody.Missing
			case f.Err == nil && !replica.Damaged(x.entry.Hash, f.Record):
				others, records = append(others, copy{x, i}), append(records, f.Record)
			case f.Err == nil, errors.Is(f.Err, replica.ErrCorrupt):
				x.seen[i] = custody.Damaged
			}
		}
	}
	results, err := verify(ctx, s.Module, records)
	if err != nil {
		return err
	}
	for k, o := range others {
		if o.x.seen[o.i] = custody.Foreign; forged(results[k], o.x.entry.Hash, records[k]) {
			o.x.seen[o.i] = custody.Damaged
		}
	}
	return nil
}

// forged reports whether nobody signed a record that is the event of that hash
// otherwise. What the module refuses for another reason, such as a type that is
// no longer registered, is not forged.
func forged(r module.Result, h digest.Hash, record []byte) bool {
	if r.Err != nil {
		return module.Forged(r.Err)
	}
	return r.Verified.Hash() != h || !bytes.Equal(r.Verified.Record(), record)
}
