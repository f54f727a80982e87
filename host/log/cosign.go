package log

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// cosignAgain is how long it is until witnesses that did not cosign are asked again.
const cosignAgain = 10 * time.Second

// serve makes the journal's head, which enough places hold, the one that is
// served, with what the witnesses say of it. While the log catches up (not
// whole), it is not done more often than Every.
func (l *Log) serve(ctx context.Context, whole bool) error {
	head := l.head
	s := l.now()
	fresh := s == nil || !bytes.Equal(s.head, head.Checkpoint)
	if since := time.Since(l.offered); fresh && !whole && since < l.o.Every || !fresh && (s.cosigned == len(l.o.Cosigners) || since < cosignAgain) {
		return nil
	}
	c, err := l.o.Key.Open(head.Checkpoint)
	if err != nil {
		return err
	}
	l.offered = time.Now()
	lines, cosigned := l.cosign(ctx, head.Checkpoint, head.Size)
	if !fresh && cosigned <= s.cosigned {
		return nil
	}
	next := &served{Checkpoint: c, head: head.Checkpoint, note: append(bytes.Clone(head.Checkpoint), lines...), cosigned: cosigned, edge: l.tree}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.State == Stopped {
		return nil
	}
	l.served = next
	l.state.Published, l.state.Cosigned, l.state.Short = c.Size, cosigned, ""
	if cosigned < l.o.Quorum {
		l.state.Short = fmt.Sprintf("%d of %d witnesses have cosigned the transparency log's head, and transparency.witness_quorum asks for %d", cosigned, len(l.o.Cosigners), l.o.Quorum)
	}
	if fresh {
		l.state.PublishedAt = time.Now()
	}
	l.wake()
	return nil
}

// cosign asks every witness and returns the lines of those that answered in
// time, in the order of the settings.
func (l *Log) cosign(ctx context.Context, head []byte, size uint64) (lines []byte, cosigned int) {
	if len(l.o.Cosigners) == 0 {
		return nil, 0
	}
	ctx, cancel := context.WithTimeout(ctx, l.o.CosignTimeout)
	defer cancel()
	got := make([][]byte, len(l.o.Cosigners))
	var wg sync.WaitGroup
	for i, w := range l.o.Cosigners {
		wg.Go(func() {
			b, err := w.Cosign(ctx, head, func(old uint64) ([]digest.Hash, error) {
				return read(l.o.Journal, size).all(ctx, consistency(old, size))
			})
			switch was := l.silent[i]; {
			case err == nil:
				got[i] = b
				if was {
					l.o.Log.Info("a witness cosigns the transparency log's heads again", "witness", i+1, "size", size)
				}
			case !was: // told once, not of every head
				l.o.Log.Warn("a witness does not cosign the transparency log's head; it is asked again", "witness", i+1, "size", size, "error", err)
			}
			l.silent[i] = err != nil
		})
	}
	wg.Wait()
	for _, b := range got {
		if b != nil && len(head)+len(lines)+len(b) <= checkpoint.MaxNote {
			lines = append(lines, b...)
			cosigned++
		}
	}
	l.metrics.cosigned.Add(float64(cosigned))
	return lines, cosigned
}
