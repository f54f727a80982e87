// Package receipt reads, makes and checks the receipts that a host signs: what
// it says of an event that it stored, in a form that proves that it said so.
package receipt

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/note"
	"github.com/eventseal/eventseal/wasm/sig"
)

// MaxBytes is the limit on a receipt, as it comes and in canonical form.
const MaxBytes = 64 << 10

// maxName bounds the name of a replica, in bytes.
const maxName = 255

// A Parser reads one receipt after another. Its buffers stay, so that one in
// use allocates nothing; what it returns is valid until its next call. The zero
// Parser is ready. It serves one goroutine.
type Parser struct {
	w       canon.Writer
	pointer []byte
	log     [maxKey]byte // the log's verifier key
}

// maxKey is enough room for a verifier key.
const maxKey = 512

// A Receipt is what a Parser found.
type Receipt struct {
	Text         []byte // RFC 8785 form, sig included where it has one
	Hash         digest.Hash
	RecordDigest digest.Hash // SHA-256 of the record
	Sequence     uint64      // the event is leaf Sequence − 1 of the log
	AdmittedAt   uint64      // Unix milliseconds
	Durable      uint64      // how many counting places hold the event
	Required     uint64      // how many of them the host asks for
	Replicas     []byte      // their names, a JSON array
	Log          note.Key    // the log's Ed25519 key
	LogText      []byte      // its text
	Signature    sig.Signature
	Key          key.Public // that made Signature

	rest int               // offset in Text of what ends it: sig, or the brace
	text [key.MaxText]byte // a hash or a key
}

// The members in their order in the canonical form.
const (
	fieldAdmitted = iota
	fieldDurable
	fieldVersion
	fieldHash
	fieldLog
	fieldRecord
	fieldReplicas
	fieldRequired
	fieldSequence
	fieldSig
	fields
)

var names = [fields]string{"admitted_at", "durable", "eventseal_receipt", "hash", "log", "record_digest", "replicas", "required", "sequence", "sig"}

// Pointer returns the JSON pointer (RFC 6901) to what the last call refused.
func (p *Parser) Pointer() []byte { return p.pointer }

func (p *Parser) refuse(c code.Code, field int) code.Code {
	p.pointer = append(append(p.pointer[:0], '/'), names[field]...)
	return c
}

// Read reads a signed receipt in any JSON spelling and finds the key that
// signed it. Whose key that is, is for the caller to know.
func (p *Parser) Read(text []byte, r *Receipt) code.Code {
	c := p.parse(text, r, true)
	if c != code.OK {
		return c
	}
	d := r.digest()
	if c = sig.Recover(&r.Key, &d, &r.Signature); c != code.OK {
		return p.refuse(c, fieldSig)
	}
	return code.OK
}

// Sign signs a receipt without sig, in any JSON spelling, with a K1 key, which
// the caller wipes. AppendSigned writes the signed one.
func (p *Parser) Sign(text []byte, priv *key.Private, r *Receipt) code.Code {
	if c := p.parse(text, r, false); c != code.OK {
		return c
	}
	d := r.digest()
	return sig.SignWalk(&r.Signature, priv, &d)
}

// AppendSigned appends the canonical form of the receipt that Sign signed.
func (r *Receipt) AppendSigned(dst []byte) []byte {
	dst = append(append(dst, r.Text[:r.rest]...), `,"sig":"`...)
	return append(r.Signature.AppendText(dst), `"}`...)
}

// digest is what is signed: the SHA-256 of the canonical form without sig,
// which is the last member.
func (r *Receipt) digest() (d digest.Hash) {
	var s digest.State
	s.Reset()
	s.Write(r.Text[:r.rest])
	s.Write(r.Text[len(r.Text)-1:])
	s.Sum(&d)
	return d
}

func (p *Parser) parse(text []byte, r *Receipt, signed bool) code.Code {
	*r = Receipt{}
	p.pointer = p.pointer[:0]
	if len(text) > MaxBytes {
		return code.TooLarge
	}
	p.w.Depth, p.w.Max, p.w.Event = canon.MaxEventDepth, MaxBytes, true
	out, c := p.w.Write(text)
	if c != code.OK {
		p.pointer = append(p.pointer, p.w.Pointer()...)
		return c
	}
	if out[0] != '{' {
		return code.InvalidReceipt
	}
	var at [fields]*canon.Member
	unknown := p.w.Take(names[:], at[:])
	if unknown == nil && !signed {
		unknown = at[fieldSig]
	}
	if unknown != nil {
		p.pointer = append(p.pointer, p.w.PointTo(unknown)...)
		return code.InvalidReceipt
	}
	for f, m := range at {
		if m == nil && (f != fieldSig || signed) {
			return p.refuse(code.InvalidReceipt, f)
		}
	}
	r.Text, r.rest = out, len(out)-1
	if signed {
		r.rest = int(at[fieldSig].Key) - 1
	}
	return p.fields(r, &at)
}

// Report writes what a signed receipt says and the key that signed it.
func (r *Receipt) Report(o *canon.Object) {
	text := &r.text
	o.Begin()
	o.Uint("admitted_at", r.AdmittedAt)
	o.Uint("durable", r.Durable)
	o.Text("hash", r.Hash.AppendHex(text[:0]))
	o.Text("key", r.Key.AppendText(text[:0]))
	o.Text("log", r.LogText)
	o.Text("origin", r.Log.Name)
	o.Text("record_digest", r.RecordDigest.AppendHex(text[:0]))
	o.JSON("replicas", r.Replicas)
	o.Uint("required", r.Required)
	o.Uint("sequence", r.Sequence)
	o.End()
}
