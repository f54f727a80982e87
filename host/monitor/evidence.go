package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// MaxEvidence bounds a file of evidence, in bytes.
const MaxEvidence = 8 << 20

// A Verdict is what evidence shows to somebody who was not there.
type Verdict struct {
	Kind   Kind   `json:"finding"`
	Origin string `json:"origin"`
	// Proven: the signatures alone show that the log, or its key, is not to be
	// believed. Otherwise they show what the log has signed, and that the host did
	// not live up to it is the word of who gathered the evidence.
	Proven bool   `json:"proven"`
	Says   string `json:"says"`
}

var errEvidence = errors.New("the evidence does not hold")

// Check checks evidence offline: every signed part must be what it seems, by the
// keys of trust or, where that names none, by those in the evidence. The error says
// what does not hold.
func Check(ctx context.Context, evidence []byte, trust *checkpoint.Trust, module Module) (v Verdict, err error) {
	var f Finding
	if err := json.Unmarshal(evidence, &f); err != nil || f.Version != 1 {
		return v, errors.Join(errors.New("that is no evidence"), err)
	}
	if trust == nil {
		trust = &checkpoint.Trust{}
	}
	m := &Monitor{o: Options{Module: module, Trust: trust}}
	text := f.Keys
	if len(text) == 0 {
		text = f.Served // of a host that was not trusted from the first moment
	}
	if _, m.keys, err = m.parseKeys(ctx, strings.Join(text, "\n")); err != nil {
		return v, fmt.Errorf("%w: keys: %w", errEvidence, err)
	}
	v = Verdict{Kind: f.Kind, Origin: m.keys.log.Name}
	if why := m.untrusted(m.keys); why != "" && f.Kind != ChangedKeys {
		return v, fmt.Errorf("%w: %s", errEvidence, why)
	}
	switch f.Kind {
	case SplitView:
		if err := m.checkSplit(&f); err != nil {
			return v, fmt.Errorf("%w: %w", errEvidence, err)
		}
		v.Proven, v.Says = true, "the log has signed two heads that contradict each other"
	case MissingEvent, WrongEvent:
		if err := m.checkLeaf(&f); err != nil {
			return v, fmt.Errorf("%w: %w", errEvidence, err)
		}
		v.Says = fmt.Sprintf("the log has the event %s as number %d; that the host did not serve it is the gatherer's word", f.Hash, f.Sequence)
	case BadCheckpoint, ChangedKeys:
		v.Says = "what the host served is the gatherer's word"
	default:
		for _, signed := range f.Checkpoints {
			if _, _, err := m.open(signed); err != nil {
				return v, fmt.Errorf("%w: %w", errEvidence, err)
			}
		}
		v.Says = "the log has signed the heads; what else the host served is the gatherer's word"
	}
	return v, nil
}

func (m *Monitor) checkSplit(f *Finding) error {
	if len(f.Checkpoints) != 2 {
		return errors.New("two heads are wanted")
	}
	var heads [2]checkpoint.Checkpoint
	for i, signed := range f.Checkpoints {
		var err error
		if heads[i], _, err = m.open(signed); err != nil {
			return err
		}
	}
	small, large := heads[0], heads[1]
	switch {
	case small.Size == large.Size:
		if small.Root == large.Root {
			return errors.New("both heads are the same")
		}
		return nil
	case small.Size > large.Size || small.Size == 0:
		return errors.New("the first head is not the smaller one")
	}
	proof := make(tlog.TreeProof, len(f.Consistency))
	for i, text := range f.Consistency {
		var err error
		if proof[i], err = tlog.ParseHash(text); err != nil {
			return err
		}
	}
	prefix, err := tlog.ParseHash(f.Prefix)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, int64(large.Size), tlog.Hash(large.Root), int64(small.Size), prefix); err != nil {
		return err
	}
	if digest.Hash(prefix) == small.Root {
		return errors.New("the larger head follows from the smaller one")
	}
	return nil
}

func (m *Monitor) checkLeaf(f *Finding) error {
	h, ok := digest.ParseHash(f.Hash)
	p, err := checkpoint.ParseProof([]byte(f.Proof))
	if err != nil || !ok || p.Index+1 != f.Sequence {
		return errors.Join(errors.New("the proof is not of the event"), err)
	}
	c, _, err := m.open(string(p.Note))
	if err != nil {
		return err
	}
	if !p.Leads(h, c) {
		return errors.New("the proof does not lead from the event to the head")
	}
	return nil
}
