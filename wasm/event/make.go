package event

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// A Draft holds the members of an event that is to be made.
type Draft struct {
	Type      []byte
	Author    []byte // text of the public key
	CreatedAt uint64 // Unix seconds
	Parents   []byte // JSON text of an array
	Body      []byte // JSON text of an object
	Proofs    []byte // JSON text of an object; nil: absent
}

// Create makes the unsigned event of a draft: e.Record is its preimage. A JSON
// text among the parts has to stand alone, so that none can add members. The
// author's key is checked.
func (p *Parser) Create(d *Draft, e *Event) code.Code {
	if len(d.Type)+len(d.Author)+len(d.Parents)+len(d.Body)+len(d.Proofs) > p.limit() {
		return p.refuse(code.TooLarge, "")
	}
	if d.CreatedAt > canon.MaxSafeInteger {
		return p.refuseField(code.InvalidField, fieldCreatedAt)
	}
	p.text = canon.AppendString(append(p.text[:0], `{"author_pubkey":`...), d.Author)
	if c := p.part(fieldBody, `,"body":`, d.Body); c != code.OK {
		return c
	}
	p.text = canon.AppendUint(append(p.text, `,"created_at":`...), d.CreatedAt)
	if c := p.part(fieldParents, `,"parents":`, d.Parents); c != code.OK {
		return c
	}
	if d.Proofs != nil {
		if c := p.part(fieldProofs, `,"proofs":`, d.Proofs); c != code.OK {
			return c
		}
	}
	p.text = canon.AppendString(append(p.text, `,"type":`...), d.Type)
	p.text = append(p.text, `,"v":1}`...)
	if c := p.read(p.text, e, false); c != code.OK {
		return c
	}
	var c code.Code
	if e.Key, c = key.ParsePublic(e.Author); c != code.OK {
		return p.refuseField(c, fieldAuthor)
	}
	return code.OK
}

// part adds the canonical form of a JSON text.
func (p *Parser) part(field int, label string, text []byte) code.Code {
	p.w.Depth, p.w.Max, p.w.Event = canon.MaxEventDepth-1, p.limit(), true
	out, c := p.w.Write(text)
	if c == code.TooLarge {
		return p.refuse(c, "")
	}
	if c != code.OK {
		p.refuseField(c, field)
		p.pointer = append(p.pointer, p.w.Pointer()...)
		return c
	}
	p.text = append(append(p.text, label...), out...)
	return code.OK
}

// Sign signs an unsigned event in any JSON spelling: e is the signed event. An
// event that has a signature already is InvalidField at /sig. The caller wipes
// priv.
func (p *Parser) Sign(text []byte, priv *key.Private, e *Event) code.Code {
	if c := p.read(text, e, false); c != code.OK {
		return c
	}
	if e.sig.to != 0 {
		return p.refuseField(code.InvalidField, fieldSig)
	}
	var c code.Code
	if e.Key, c = key.ParsePublic(e.Author); c != code.OK {
		return p.refuseField(c, fieldAuthor)
	}
	if priv.Public() != e.Key {
		return p.refuse(code.KeyMismatch, "")
	}
	if c = sig.Sign(&e.Signature, priv, &e.Hash); c != code.OK {
		return p.refuse(c, "")
	}
	p.text = append(append(p.text[:0], e.Record[:e.rest]...), `"sig":"`...)
	p.text = e.Signature.AppendText(p.text)
	from, to := e.rest+len(`"sig":"`), len(p.text)
	p.text = append(append(p.text, `",`...), e.Record[e.rest:]...)
	if len(p.text) > p.limit() {
		return p.refuse(code.TooLarge, "")
	}
	// Type and Author are views into the unsigned record, which stays.
	e.Record, e.signed = p.text, p.text[from:to]
	e.sig = span{e.rest, to + len(`",`)}
	e.rest = e.sig.to
	p.digests(e)
	return code.OK
}
