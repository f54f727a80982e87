package monitor

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// storeBytes is how much is stored in one request.
const storeBytes = 4 << 20

// storing gathers verified events for one's own host.
type storing struct {
	b     *bundle
	batch []module.Verified
	size  int
}

func (s *storing) add(ctx context.Context, v module.Verified) error {
	if s.b.m.o.Into == nil {
		return nil
	}
	if s.size+len(v.Record()) > storeBytes {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.batch, s.size = append(s.batch, v), s.size+len(v.Record())
	return nil
}

// flush stores what was gathered. A known event is no new one, so that two hosts
// that mirror each other come to an end.
func (s *storing) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	records := make([][]byte, len(s.batch))
	for i, v := range s.batch {
		records[i] = v.Record()
	}
	m := s.b.m
	stored, err := m.o.Into.StoreBatch(ctx, client.WaitQuorum, records)
	if err != nil {
		return fmt.Errorf("storing in %s: %w", m.o.Target, err)
	}
	for i, out := range stored {
		var refusal *code.Error
		switch {
		case out.Err == nil && out.Receipt.Hash != s.batch[i].Hash().String():
			return fmt.Errorf("%s gave a receipt for another event than %s", m.o.Target, s.batch[i].Hash())
		case out.Err == nil:
			if m.state.Epoch == "" {
				m.state.Epoch = out.Receipt.Epoch
			} else if m.state.Epoch != out.Receipt.Epoch {
				return errors.Join(m.anew(), fmt.Errorf("the journal of %s was rebuilt, restored or rolled back: everything is stored again", m.o.Target))
			}
			if out.Receipt.Created {
				s.b.created++
			} else {
				s.b.known++
			}
		case errors.As(out.Err, &refusal) && client.Final(refusal.Code):
			s.b.refused++
			if m.o.Refused != nil {
				m.o.Refused(s.batch[i], refusal)
			}
		default:
			return fmt.Errorf("storing %s: %w", s.batch[i].Hash(), out.Err)
		}
	}
	s.batch, s.size = nil, 0
	return nil
}
