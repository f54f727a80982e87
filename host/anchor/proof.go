package anchor

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// rowTime is how the chain writes the time of a block.
const rowTime = "2006-01-02T15:04:05.000"

// Part returns the anchor for a proof of the event of a sequence number against
// a checkpoint of a size: the final head of the least size that covers the event,
// with what leads from it to the checkpoint. journal.ErrNotFound: there is none yet.
func (a *Anchor) Part(ctx context.Context, sequence, size uint64) (*Part, error) {
	p, err := a.o.Journal.Covering(ctx, sequence)
	if err != nil {
		return nil, err
	}
	consistency, err := a.o.Log.Consistency(ctx, p.Size, size)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	chain, ok := digest.ParseHash(a.state.ChainID)
	a.mu.Unlock()
	if !ok {
		return nil, &code.Error{Code: code.AnchorPending, Detail: "no node of the chain has answered since the start"}
	}
	part := &Part{
		BlockID: p.BlockID.String(), BlockNum: p.BlockNum, ChainID: chain.String(), Consistency: []string{}, Contract: a.o.Contract.String(),
		Keys: []string{}, Row: Row{Root: p.Root.String(), Seq: p.Number, Size: p.Size, Time: p.BlockTime.UTC().Format(rowTime)},
		Signatures: p.Signatures, Transaction: hex.EncodeToString(p.Transaction),
	}
	for _, h := range consistency {
		part.Consistency = append(part.Consistency, h.String())
	}
	signed := antelope.Digest(chain, p.Transaction)
	for _, s := range p.Signatures {
		k, err := a.o.Module.Recover(ctx, signed, s)
		if err != nil {
			return nil, fmt.Errorf("anchor: a signature of transaction %s: %w", antelope.ID(p.Transaction), err)
		}
		part.Keys = append(part.Keys, k.Public)
	}
	return part, nil
}

// Wait returns nil as soon as a final head covers the event of a sequence number
// and can be part of a proof. It is a *code.Error of code.AnchorPending once ctx
// ends, and at once where heads are not posted any more.
func (a *Anchor) Wait(ctx context.Context, sequence uint64) error {
	for {
		a.mu.Lock()
		k, changed := a.state.Heads, a.changed
		a.mu.Unlock()
		// The caller's deadline is for the waiting; the look needs a moment of its own.
		look, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_, err := a.o.Journal.Covering(look, sequence)
		end()
		if err == nil {
			return nil
		}
		pending := &code.Error{Code: code.AnchorPending, Detail: "no final anchor covers the event yet"}
		if k.Why != "" {
			pending.Detail += ": " + k.Why
		}
		if k.State == Stopped {
			return pending
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return pending
		case <-a.ended:
			return pending
		}
	}
}
