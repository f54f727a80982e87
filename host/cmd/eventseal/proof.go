package main

import (
	"context"
	"errors"
	"time"

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
	Patience time.Duration `default:"1m" help:"How long to wait for a checkpoint that covers the event (${default})."`
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
	text, err := c.fetch(ctx, cl)
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
func (c *proofCommand) fetch(ctx context.Context, cl *client.Client) ([]byte, error) {
	for end := time.Now().Add(c.Patience); ; {
		var p client.Proof
		var err error
		if c.Format == "tlog-proof" {
			p.File, err = cl.TlogProof(ctx, c.Hash.Hash)
		} else {
			p, err = cl.Proof(ctx, c.Hash.Hash)
		}
		if !errors.Is(err, &code.Error{Code: code.ProofPending}) || ctx.Err() != nil || time.Now().After(end) {
			return p.File, err // the client has waited before it gave up
		}
	}
}

type verifyProofCommand struct {
	File  string      `arg:"" optional:"" help:"A proof file (standard input)."`
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
	if err := s.document(out); err != nil {
		return err
	}
	if !out.Valid {
		return errNo
	}
	return nil
}
