package anchor

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A trail is the irreversible blocks that were walked down to: each block names
// the id of the one before it, so that a node on a dead branch, though it
// answers every second call, cannot pass one of its own blocks off as one of
// them. It is memory alone; what is in it was asked for once.
type trail struct {
	blocks map[uint32]antelope.BlockInfo
	budget int // blocks that may be asked for in this look
}

// stride is how many blocks one look walks at most: what is older is found in
// several.
const stride = 500

var (
	errFar      = errors.New("it is being looked for among the irreversible blocks")
	errOffChain = errors.New("no irreversible block is of that time")
)

// tip returns the block up to which the chain is irreversible.
func (t *trail) tip(ctx context.Context, n node, info antelope.Info) (antelope.BlockInfo, error) {
	return t.block(ctx, n, info.LIBNum, info.LIBID)
}

// block returns the block of a number that must have an id.
func (t *trail) block(ctx context.Context, n node, num uint32, id digest.Hash) (b antelope.BlockInfo, err error) {
	if b, ok := t.blocks[num]; ok && b.ID == id {
		return b, nil
	}
	if t.budget--; t.budget < 0 {
		return b, errFar
	}
	if b, err = n.BlockInfo(ctx, num); err != nil {
		return b, err
	}
	if b.Num != num || b.ID != id {
		return b, errAgain
	}
	if t.blocks == nil {
		t.blocks = map[uint32]antelope.BlockInfo{}
	}
	t.blocks[num] = b
	return b, nil
}

// down walks from the last irreversible block down to the first one for which
// stop holds, and returns it. errFar: not in this look.
func (t *trail) down(ctx context.Context, n node, info antelope.Info, stop func(antelope.BlockInfo) bool) (antelope.BlockInfo, error) {
	id := info.LIBID
	for num := info.LIBNum; num > 0; num-- {
		b, err := t.block(ctx, n, num, id)
		if err != nil || stop(b) {
			return b, err
		}
		id = b.Previous
	}
	return antelope.BlockInfo{}, errOffChain
}

// at returns the irreversible block of a time; errOffChain: there is none.
func (t *trail) at(ctx context.Context, n node, info antelope.Info, at time.Time) (antelope.BlockInfo, error) {
	b, err := t.down(ctx, n, info, func(b antelope.BlockInfo) bool { return !b.Time.After(at) })
	if err == nil && !b.Time.Equal(at) {
		err = errOffChain
	}
	return b, err
}

// number returns the irreversible block of a number.
func (t *trail) number(ctx context.Context, n node, info antelope.Info, num uint32) (antelope.BlockInfo, error) {
	return t.down(ctx, n, info, func(b antelope.BlockInfo) bool { return b.Num <= num })
}

// forget drops the trail once nothing is left to be found on it.
func (t *trail) forget() { t.blocks = nil }
