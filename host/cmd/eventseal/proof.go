package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// keysFlag names a file of keys to believe.
type keysFlag struct {
	Keys string `placeholder:"FILE" env:"EVENTSEAL_HOST_KEYS" help:"Keys to believe, as a host serves them at /log/keys, or a C2SP tlog-policy."`
}

// read returns the keys, "" where none are named. A file without any is a fault:
// whoever names one wants to believe somebody.
func (f *keysFlag) read(s *stdio) (string, error) {
	if f.Keys == "" {
		return "", nil
	}
	text, err := s.read(f.Keys, checkpoint.MaxTrust)
	if err != nil {
		return "", err
	}
	t, err := checkpoint.ParseTrust(string(text))
	if err == nil && len(t.Logs)+len(t.Hosts)+len(t.Witnesses) == 0 {
		err = errors.New("there is no key in it")
	}
	if err != nil {
		return "", usage("--keys: %s: %w", f.Keys, err)
	}
	return string(text), nil
}

// open returns the keys and the module that checks what hosts sign, whatever
// types and sizes of events the host takes.
func (f *keysFlag) open(ctx context.Context, s *stdio, types []eventType) (string, *module.Pool, error) {
	keys, err := f.read(s)
	if err != nil {
		return "", nil, err
	}
	flags := moduleFlags{Types: types, MaxBytes: module.MaxRecordBytes}
	p, err := flags.open(ctx)
	return keys, p, err
}

type proofCommand struct {
	Hash     hash          `arg:"" help:"Hash of the event."`
	Format   string        `enum:"json,tlog-proof" default:"json" help:"The proof file (json), or the C2SP tlog-proof in it alone."`
	Out      string        `short:"o" placeholder:"FILE" help:"Write it there instead of to standard output."`
	Wait     string        `enum:"published,anchored" default:"published" help:"Until what: a checkpoint of the log covers the event (published), or one that is final on the host's chain does (anchored)."`
	Patience time.Duration `placeholder:"DURATION" help:"How long to wait for that (1m; anchored: 15m)."`
	Types    []eventType   `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	keysFlag
	remoteFlags
}

func (c *proofCommand) Run(ctx context.Context, s *stdio) error {
	keys, p, err := c.open(ctx, s, c.Types)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	cl, err := c.connect(p, func(o *client.Options) { o.Notary, o.HostKeys = p, keys })
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	text, err := c.fetch(ctx, s, cl)
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = s.out.Write(text)
		return err
	}
	if err := durable.Replace(c.Out, text); err != nil {
		return &usageError{err}
	}
	return nil
}

// fetch asks until the event is covered, or there is no patience left.
func (c *proofCommand) fetch(ctx context.Context, s *stdio, cl *client.Client) ([]byte, error) {
	anchored := c.Wait == "anchored"
	if anchored && c.Format != "json" {
		return nil, usage("--wait anchored: an anchor is in the proof file (--format json) alone")
	}
	patience := cmp.Or(c.Patience, time.Minute)
	if anchored {
		patience = cmp.Or(c.Patience, 15*time.Minute)
	}
	waiting := s.progress("waiting")
	defer waiting.end()
	for end := time.Now().Add(patience); ; {
		var p client.Proof
		var err error
		if c.Format == "tlog-proof" {
			p.File, err = cl.TlogProof(ctx, c.Hash.Hash)
		} else {
			p, err = cl.Proof(ctx, c.Hash.Hash, anchored)
		}
		var pending *code.Error
		if !errors.As(err, &pending) || pending.Code != code.ProofPending && pending.Code != code.AnchorPending || ctx.Err() != nil || time.Now().After(end) {
			return p.File, err
		}
		waiting.say(pending.Detail) // the client has waited before it gave up
	}
}

type verifyProofCommand struct {
	File  string      `arg:"" optional:"" help:"A proof file (standard input)."`
	Chain []string    `placeholder:"URL" help:"A node of the chain that is asked whether the proof's anchor is there; may be several. Without it nobody is asked."`
	Types []eventType `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	keysFlag
}

// A proofVerdict is what the module says of a proof file.
type proofVerdict struct {
	Valid      bool              `json:"valid"`
	Code       string            `json:"code,omitempty"` // of the first fault
	Pointer    string            `json:"pointer,omitempty"`
	Detail     string            `json:"detail,omitempty"`
	Parts      map[string]string `json:"parts,omitempty"`
	Hash       string            `json:"hash,omitempty"`
	Type       string            `json:"type,omitempty"`
	Author     string            `json:"author_pubkey,omitempty"`
	Sequence   uint64            `json:"sequence,omitempty"`
	AdmittedAt *time.Time        `json:"admitted_at,omitempty"` // the host's word
	Key        string            `json:"key,omitempty"`
	Log        string            `json:"log,omitempty"`
	Size       uint64            `json:"size,omitempty"`
	Witnesses  int               `json:"witnesses"`
	Anchor     *anchorVerdict    `json:"anchor,omitempty"`
}

// An anchorVerdict says where on which chain a head of the log is, by the proof.
type anchorVerdict struct {
	ChainID     string    `json:"chain_id"`
	Contract    string    `json:"contract"`
	Seq         uint64    `json:"seq"`  // of the head in the contract
	Size        uint64    `json:"size"` // events under it
	Time        time.Time `json:"time"` // of the block, UTC
	BlockNum    uint32    `json:"block_num"`
	BlockID     string    `json:"block_id"`
	Transaction string    `json:"transaction_id"`
	Detail      string    `json:"detail,omitempty"` // what the chain said, or what it takes to ask one
}

// Run works without any host. What no key was named for is said in the parts:
// without, the proof shows that some host holds the event, and which.
func (c *verifyProofCommand) Run(ctx context.Context, s *stdio) error {
	keys, p, err := c.open(ctx, s, c.Types)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	text, err := s.read(c.File, module.MaxRecordBytes+64<<10)
	if err != nil {
		return err
	}
	r, err := p.VerifyProof(ctx, text, []byte(keys))
	var refusal *code.Error
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	out := proofVerdict{Valid: r.Valid, Code: r.Code, Parts: r.Parts, Type: r.Type, Author: r.Author, Sequence: r.Sequence, Key: r.Key, Log: r.Log, Size: r.Size, Witnesses: r.Witnesses}
	if r.Hash != (hash{}).Hash {
		out.Hash = r.Hash.String()
	}
	if !r.AdmittedAt.IsZero() {
		out.AdmittedAt = &r.AdmittedAt
	}
	switch {
	case refusal != nil:
		v := refused(refusal)
		out = proofVerdict{Code: v.Code, Pointer: v.Pointer, Detail: v.Detail}
	case r.Code != "":
		if c, ok := code.Parse(r.Code); ok {
			out.Detail = c.Title()
		}
	}
	var asked error
	if refusal == nil {
		asked = c.askChain(ctx, text, r.Anchor, &out)
	}
	if err := s.document(out); err != nil {
		return err
	}
	if !out.Valid {
		return errNo
	}
	return asked
}

// askChain says in out what a chain says of the anchor, as far as that is left
// open. An error is why no chain has said anything, where one was named.
func (c *verifyProofCommand) askChain(ctx context.Context, file []byte, a *module.ProofAnchor, out *proofVerdict) error {
	if a == nil {
		if len(c.Chain) > 0 && out.Parts["anchor"] == "absent" {
			return usage("--chain: the proof has no anchor of which a chain could be asked")
		}
		return nil
	}
	out.Anchor = &anchorVerdict{
		ChainID: a.ChainID.String(), Contract: a.Contract, Seq: a.Seq, Size: a.Size, Time: a.Time,
		BlockNum: a.BlockNum, BlockID: a.BlockID.String(), Transaction: a.TransactionID.String(),
	}
	if len(c.Chain) == 0 {
		out.Anchor.Detail = fmt.Sprintf("whether block %d has this transaction only a node of the chain can say: --chain URL", a.BlockNum)
		return nil
	}
	var f struct {
		Anchor anchor.Part `json:"anchor"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return err
	}
	nodes, err := antelope.NewClient(antelope.Options{Endpoints: c.Chain, Timeout: nodeTimeout})
	if err != nil {
		return &usageError{fmt.Errorf("--chain: %w", err)}
	}
	v, err := anchor.Check(ctx, nodes, &f.Anchor)
	out.Anchor.Detail = v.Why
	switch {
	case err != nil:
		out.Anchor.Detail = err.Error()
		return fmt.Errorf("the chain could not be asked: %w", err)
	case v.Absent:
		out.Parts["anchor"] = code.NotOnChain.String()
		if out.Valid {
			out.Valid, out.Code, out.Detail = false, code.NotOnChain.String(), code.NotOnChain.Title()
		}
	case v.Found:
		out.Parts["anchor"] = "valid"
	default:
		return fmt.Errorf("the chain did not say: %s", v.Why)
	}
	return nil
}
