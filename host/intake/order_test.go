package intake

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// The events of one batch get ascending sequence numbers, whatever the
// module's instances, other batches and refusals in between do.
func TestBatchKeepsItsOrder(t *testing.T) {
	const n, batches = 700, 4
	h := start(t, 2, nil)
	var wg sync.WaitGroup
	for b := range batches {
		events := make([][]byte, n)
		for i := range events {
			events[i] = moduletest.Event(t, b*n+i).Record()
			if i%97 == 13 {
				events[i] = []byte("{}")
			}
		}
		wg.Go(func() {
			last := uint64(0)
			for i, s := range h.StoreBatch(context.Background(), events, Quorum) {
				if i%97 == 13 {
					if !errors.Is(s.Err, &code.Error{Code: code.MissingField}) {
						t.Errorf("batch %d, event %d: %v", b, i, s.Err)
					}
					continue
				}
				if s.Err != nil || s.Receipt.Sequence <= last {
					t.Errorf("batch %d, event %d has number %d after %d: %v", b, i, s.Receipt.Sequence, last, s.Err)
				}
				last = s.Receipt.Sequence
			}
		})
	}
	wg.Wait()
}
