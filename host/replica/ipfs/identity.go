package ipfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	cmds "github.com/ipfs/go-ipfs-cmds"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

var _ replica.Identified = (*Replica)(nil)

// label is the raw block of an id, and its name.
func label(id string) ([]byte, digest.Hash) {
	b := []byte(`{"eventseal":"place","id":"` + id + `"}` + "\n")
	return b, sha256.Sum256(b)
}

// Identity implements replica.Identified: an id is held where the node has its
// block and pins it, by the node's own word, whatever others on its network
// have. Nobody can look for a block whose content is not known, so it returns the
// first of known that is held; a node may hold several, one of each host.
func (r *Replica) Identity(ctx context.Context, known []string) (string, error) {
	if r.closed.Load() {
		return "", replica.ErrClosed
	}
	for _, id := range known {
		if held, err := r.labelled(ctx, id); err != nil {
			return "", r.permitted(ctx, err)
		} else if held {
			r.seen.Store(&id)
			return id, nil
		}
	}
	r.seen.Store(new(string))
	return "", nil
}

// labelled reports whether the node has an id's block and pins it.
func (r *Replica) labelled(ctx context.Context, id string) (bool, error) {
	want, name := label(id)
	b, err := r.block(ctx, name)
	if errors.Is(err, replica.ErrNotFound) {
		return false, nil
	}
	if err != nil || !bytes.Equal(b, want) {
		return false, err
	}
	return r.pinned(ctx, rawCID(name))
}

// Identify implements replica.Identified. The id that Identity returned last is
// let go when the new one is there.
func (r *Replica) Identify(ctx context.Context, id string) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	if err := replica.CheckID(id); err != nil {
		return fmt.Errorf("ipfs: %w", err)
	}
	b, name := label(id)
	if err := r.putBlock(ctx, name, b, true); err != nil {
		return r.permitted(ctx, err)
	}
	if seen := r.seen.Load(); seen != nil && *seen != "" && *seen != id {
		_, old := label(*seen)
		if err := r.unpin(ctx, rawCID(old)); err != nil {
			return r.permitted(ctx, err)
		}
		if err := r.remove(ctx, []string{rawCID(old)}); err != nil {
			return r.permitted(ctx, err)
		}
	}
	r.seen.Store(&id)
	return nil
}

// permitted returns err as replica.ErrNoIdentity where the node forbids what it
// takes to hold an id, and not everything, as it does with a wrong token.
func (r *Replica) permitted(ctx context.Context, err error) error {
	var answer *cmds.Error
	if errors.As(err, &answer) && (answer.Code == cmds.ErrForbidden || strings.Contains(answer.Message, "command not found")) && r.Check(ctx) == nil {
		return fmt.Errorf("ipfs: %w: %w", replica.ErrNoIdentity, err)
	}
	return err
}
