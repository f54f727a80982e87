package main

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/reference"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

type verifyCommand struct {
	File       string `arg:"" optional:"" help:"A signed event in any JSON spelling (standard input)."`
	Hash       string `placeholder:"HASH" help:"The hash that the event must have."`
	CrossCheck bool   `help:"Ask the independent implementation too, and say whether both agree."`
	moduleFlags
}

// A verdict is what one implementation says of an event.
type verdict struct {
	Valid        bool     `json:"valid"`
	Code         string   `json:"code,omitempty"`
	Pointer      string   `json:"pointer,omitempty"`
	Detail       string   `json:"detail,omitempty"`
	Hash         string   `json:"hash,omitempty"`
	RecordDigest string   `json:"record_digest,omitempty"`
	Type         string   `json:"type,omitempty"`
	TypeCode     uint32   `json:"type_code,omitempty"`
	Author       string   `json:"author_pubkey,omitempty"`
	CreatedAt    *uint64  `json:"created_at,omitempty"`
	Parents      []string `json:"parents,omitzero"` // [] where there are none
	Reference    *verdict `json:"reference,omitempty"`
	Agree        *bool    `json:"agree,omitempty"`
}

// Run exits with statusNo also where the implementations disagree: then one of
// them is wrong, and nobody knows which.
func (c *verifyCommand) Run(ctx context.Context, s *stdio) error {
	var want digest.Hash
	if c.Hash != "" {
		var ok bool
		if want, ok = digest.ParseHash(c.Hash); !ok {
			return usage("--hash: want 64 lower-case hexadecimal digits")
		}
	}
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	text, err := s.read(c.File, module.MaxRecordBytes)
	if err != nil && !errors.Is(err, &code.Error{Code: code.TooLarge}) {
		return err
	}
	var v module.Verified
	if err == nil {
		v, err = p.Verify(ctx, text)
	}
	var refusal *code.Error
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	out := valid(v, err)
	if c.CrossCheck && text != nil {
		out.crossCheck(text, c.reference(), v, err)
	}
	if c.Hash != "" && err == nil && v.Hash() != want {
		out.Valid, out.Code, out.Detail = false, code.HashMismatch.String(), code.HashMismatch.Title()
	}
	if err := s.document(out); err != nil {
		return err
	}
	if !out.Valid || out.Agree != nil && !*out.Agree {
		return errNo
	}
	return nil
}

func (c *verifyCommand) reference() reference.Options {
	o := reference.Options{MaxBytes: int(c.MaxBytes), Types: map[string]uint32{}}
	for _, t := range c.Types {
		o.Types[t.Name] = t.Code
	}
	return o
}

func valid(v module.Verified, err error) verdict {
	if err != nil {
		return refused(err)
	}
	m := v.Meta()
	out := verdict{
		Valid: true, Hash: m.Hash.String(), RecordDigest: m.RecordDigest.String(), Type: m.Type, TypeCode: m.TypeCode,
		Author: m.Author, CreatedAt: &m.CreatedAt, Parents: []string{},
	}
	for _, h := range m.Parents {
		out.Parents = append(out.Parents, h.String())
	}
	return out
}

func refused(err error) verdict {
	var e *code.Error
	if !errors.As(err, &e) {
		return verdict{Code: code.Internal.String(), Detail: err.Error()}
	}
	detail := e.Detail
	if detail == "" {
		detail = e.Code.Title()
	}
	return verdict{Code: e.Code.String(), Pointer: e.Pointer, Detail: detail}
}

func (out *verdict) crossCheck(text []byte, o reference.Options, v module.Verified, verdictErr error) {
	r, err := reference.Verify(text, o)
	if err != nil {
		second := refused(err)
		out.Reference = &second
	} else {
		out.Reference = &verdict{Valid: true, Hash: r.Hash.String(), RecordDigest: r.RecordDigest.String()}
	}
	var h, record digest.Hash
	if verdictErr == nil {
		h, record = v.Hash(), v.Meta().RecordDigest
	}
	agree := reference.CrossCheck(text, o, h, record, verdictErr) == nil
	out.Agree = &agree
}
