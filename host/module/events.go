package module

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Limits of one call of the module.
const (
	maxInput    = 8<<20 + 64<<10
	batchEvents = 64      // events of a batch that one call takes
	batchBytes  = 1 << 20 // and their bytes, unless one alone is larger
)

// judge calls an operation on an event and takes its verdict.
func (in *instance) judge(ctx context.Context, limit int, name string, input []byte) (verdict, error) {
	n, err := in.put(ctx, input)
	if err != nil {
		return nil, err
	}
	at, err := in.call(ctx, name, n, uint32(limit))
	if err != nil {
		return nil, err
	}
	v, err := in.verdict(at)
	if err != nil {
		return nil, err
	}
	return v, in.refusal(v)
}

// tooLarge refuses what is over the limit before it costs anything.
func (p *Pool) tooLarge(event []byte) error {
	if len(event) <= p.config.MaxEvent {
		return nil
	}
	return &code.Error{Code: code.TooLarge, Detail: fmt.Sprintf("the limit is %d bytes", p.config.MaxEvent)}
}

// Verify decides whether event, in any JSON spelling, is a valid signed event.
// A refusal is a *code.Error; other errors are the pool's or ctx's.
func (p *Pool) Verify(ctx context.Context, event []byte) (Verified, error) {
	if err := p.tooLarge(event); err != nil {
		return Verified{}, err
	}
	return do(ctx, p, func(ctx context.Context, in *instance, event []byte) (Verified, error) {
		v, err := in.judge(ctx, p.config.MaxEvent, "verify", event)
		if err != nil {
			return Verified{}, err
		}
		return in.verified(v)
	}, event)
}

// A Result is the verdict on one event of a batch.
type Result struct {
	Verified Verified
	Err      error // a *code.Error, or what went wrong with the call that it was in
}

// VerifyBatch is Verify for many events, in their order, for less each. It
// uses every instance that is free. The error is ctx's or ErrClosed.
func (p *Pool) VerifyBatch(ctx context.Context, events [][]byte) ([]Result, error) {
	results := make([]Result, len(events))
	var wg sync.WaitGroup
	lanes := make(chan struct{}, p.config.Instances)
	for from := 0; from < len(events); {
		to, size := from, 0
		for to < len(events) && to-from < batchEvents && (to == from || size+len(events[to]) <= batchBytes) {
			if len(events[to]) <= p.config.MaxEvent {
				size += len(events[to])
			}
			to++
		}
		lanes <- struct{}{}
		wg.Add(1)
		go func(events [][]byte, results []Result) {
			defer wg.Done()
			defer func() { <-lanes }()
			verdicts, err := p.batch(ctx, events)
			copy(results, verdicts)
			for i := range results {
				if err != nil {
					results[i] = Result{Err: err}
				}
			}
		}(events[from:to], results[from:to])
		from = to
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case <-p.closed:
		return nil, ErrClosed
	default:
		return results, nil
	}
}

// batch verifies events in one call.
func (p *Pool) batch(ctx context.Context, events [][]byte) ([]Result, error) {
	parts := make([][]byte, 0, 2*len(events))
	results := make([]Result, len(events))
	for i, e := range events {
		if results[i].Err = p.tooLarge(e); results[i].Err != nil {
			e = nil // keeps its place
		}
		parts = append(parts, length(e), e)
	}
	return do(ctx, p, func(ctx context.Context, in *instance, input []byte) ([]Result, error) {
		return results, in.batch(ctx, input, p.config.MaxEvent, results)
	}, parts...)
}

func (in *instance) batch(ctx context.Context, input []byte, limit int, results []Result) error {
	n, err := in.put(ctx, input)
	if err != nil {
		return err
	}
	at, err := in.call(ctx, "verify_batch", n, uint32(limit))
	if err != nil {
		return err
	}
	head, err := in.read(at, 12)
	if err != nil {
		return err
	}
	if c := binary.LittleEndian.Uint32(head); c != 0 {
		return fmt.Errorf("the batch was refused with code %d", c)
	}
	all, err := in.read(binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[8:]))
	if err != nil {
		return err
	}
	if len(all) != len(results)*verdictSize {
		return errMalformed
	}
	for i := range results {
		r := &results[i]
		if r.Err != nil {
			continue
		}
		v := verdict(all[i*verdictSize : (i+1)*verdictSize])
		var refused *code.Error
		if r.Err = in.refusal(v); r.Err == nil {
			r.Verified, err = in.verified(v)
		} else if !errors.As(r.Err, &refused) {
			err = r.Err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Canonicalize returns the RFC 8785 form of a JSON text. A refusal is a
// *code.Error.
func (p *Pool) Canonicalize(ctx context.Context, text []byte) ([]byte, error) {
	if len(text) > maxInput {
		return nil, errLimit
	}
	return p.ask(ctx, "canonicalize", text)
}

// A Draft holds the members of an event that is to be made.
type Draft struct {
	Type      string
	Author    string          // text of the public key
	CreatedAt uint64          // Unix seconds
	Parents   []string        // event hashes
	Body      json.RawMessage // an object
	Proofs    json.RawMessage // an object; nil: absent
}

// Create makes the unsigned event of a draft, in canonical form: that is its
// preimage, and h the SHA-256 of it. The author's key is checked. A refusal is
// a *code.Error.
func (p *Pool) Create(ctx context.Context, d Draft) (event []byte, h digest.Hash, err error) {
	if d.Parents == nil {
		d.Parents = []string{}
	}
	parents, err := json.Marshal(d.Parents)
	if err != nil {
		return nil, h, &code.Error{Code: code.InvalidField, Pointer: "/parents"}
	}
	parts := [][]byte{binary.LittleEndian.AppendUint64(nil, d.CreatedAt), field(d.Type), field(d.Author), field(parents), field(d.Body)}
	if d.Proofs != nil {
		parts = append(parts, field(d.Proofs))
	}
	n, err := do(ctx, p, func(ctx context.Context, in *instance, input []byte) (n named, err error) {
		v, err := in.judge(ctx, p.config.MaxEvent, "create", input)
		if err != nil {
			return n, err
		}
		copy(n.hash[:], v[16:])
		record, err := in.view(v, 116)
		n.preimage = bytes.Clone(record)
		return n, err
	}, parts...)
	return n.preimage, n.hash, err
}

// named is a preimage and its hash.
type named struct {
	preimage []byte
	hash     digest.Hash
}

// Hash names an event in any JSON spelling, signed or not: neither its key nor
// its signature is looked at. A refusal is a *code.Error.
func (p *Pool) Hash(ctx context.Context, event []byte) (preimage []byte, h digest.Hash, err error) {
	if err := p.tooLarge(event); err != nil {
		return nil, h, err
	}
	n, err := do(ctx, p, func(ctx context.Context, in *instance, event []byte) (n named, err error) {
		v, err := in.judge(ctx, p.config.MaxEvent, "name", event)
		if err != nil {
			return n, err
		}
		copy(n.hash[:], v[16:])
		data, err := in.ask(ctx, "preimage")
		n.preimage = bytes.Clone(data)
		return n, err
	}, event)
	return n.preimage, n.hash, err
}

// Sign signs an unsigned event with its author's private key, text in any of
// the three forms. All copies are wiped; the caller wipes private. A
// refusal is a *code.Error.
func (p *Pool) Sign(ctx context.Context, event, private []byte) (Verified, error) {
	if err := p.tooLarge(event); err != nil {
		return Verified{}, err
	}
	return do(ctx, p, func(ctx context.Context, in *instance, input []byte) (Verified, error) {
		v, err := in.judge(ctx, p.config.MaxEvent, "sign", input)
		if err != nil {
			return Verified{}, err
		}
		return in.verified(v)
	}, length(private), private, event)
}

// An Inclusion says that an event is leaf Index, from 0, of the RFC 9162 tree
// of Size leaves whose root is Root. Path goes from the leaf's sibling up.
type Inclusion struct {
	Hash  digest.Hash
	Index uint64
	Size  uint64
	Path  []digest.Hash
	Root  digest.Hash
}

// VerifyInclusion returns nil if proof holds, and a *code.Error of
// code.InvalidProof if not.
func (p *Pool) VerifyInclusion(ctx context.Context, proof Inclusion) error {
	b := append(append([]byte{}, proof.Hash[:]...), proof.Root[:]...)
	b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, proof.Index), proof.Size)
	if len(proof.Path) > 64 {
		return &code.Error{Code: code.InvalidProof}
	}
	for _, h := range proof.Path {
		b = append(b, h[:]...)
	}
	_, err := p.ask(ctx, "inclusion", b)
	return err
}
