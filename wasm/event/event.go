// Package event reads, makes, names, signs and checks Eventseal's events. It
// is the one place that decides whether an event is valid.
package event

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// Limits of an event.
const (
	DefaultMaxBytes = 256 << 10 // unless configured
	MaxBytes        = 4 << 20   // that can be configured
	MaxParents      = 256
)

// A Parser reads one event after another. Its buffers stay, so that one in use
// allocates nothing; what it returns is valid until its next call. The zero
// Parser is ready. It serves one goroutine.
type Parser struct {
	// MaxBytes is the limit on an event as it comes and as it is in canonical
	// form; 0 is DefaultMaxBytes.
	MaxBytes int

	w          canon.Writer
	pointer    []byte
	text       []byte // what Create and Sign put together
	types      [MaxTypes]registered
	registered int
	state      digest.State
}

// An Event is what a Parser found.
type Event struct {
	Record       []byte // RFC 8785 form of the event, sig included where it has one
	Hash         digest.Hash
	RecordDigest digest.Hash // SHA-256 of Record
	Type         []byte
	TypeCode     uint32
	Author       []byte // as the event spells it
	CreatedAt    uint64 // Unix seconds
	Parents      [MaxParents]digest.Hash
	NumParents   int
	Key          key.Public
	Signature    sig.Signature // zero where the event has none

	sig    span // of the member sig with the comma behind it, empty where there is none
	rest   int  // offset in Record where the member type starts
	signed []byte
}

type span struct{ from, to int }

// AppendPreimage appends the RFC 8785 form of the event without its sig.
func (e *Event) AppendPreimage(dst []byte) []byte {
	return append(append(dst, e.Record[:e.sig.from]...), e.Record[e.sig.to:]...)
}

// SignatureText returns the text of the event's sig, nil where it has none.
func (e *Event) SignatureText() []byte { return e.signed }

// Pointer returns the JSON pointer (RFC 6901) to what the last call refused.
func (p *Parser) Pointer() []byte { return p.pointer }

// The members in the order that they are checked in.
const (
	fieldV = iota
	fieldType
	fieldAuthor
	fieldCreatedAt
	fieldParents
	fieldBody
	fieldProofs
	fieldSig
	fields
)

var names = [fields]string{"v", "type", "author_pubkey", "created_at", "parents", "body", "proofs", "sig"}

func (p *Parser) refuse(c code.Code, pointer string) code.Code {
	p.pointer = append(p.pointer[:0], pointer...)
	return c
}

func (p *Parser) refuseField(c code.Code, field int) code.Code {
	p.pointer = append(append(p.pointer[:0], '/'), names[field]...)
	return c
}

// Canonicalize returns the RFC 8785 form of a text of at most MaxBytes bytes,
// that of the package, with p's buffers: what p returned before is not valid
// any more.
func (p *Parser) Canonicalize(text []byte) ([]byte, code.Code) {
	if len(text) > MaxBytes {
		return nil, p.refuse(code.TooLarge, "")
	}
	p.w.Depth, p.w.Max, p.w.Event = canon.MaxDepth, 0, false
	out, c := p.w.Write(text)
	p.pointer = append(p.pointer[:0], p.w.Pointer()...)
	return out, c
}

func (p *Parser) limit() int {
	if p.MaxBytes == 0 {
		return DefaultMaxBytes
	}
	return p.MaxBytes
}

// Name reads an event, signed or not, in any JSON spelling: it checks
// everything but the author's key and the signature, and fills e but for Key
// and Signature.
func (p *Parser) Name(text []byte, e *Event) code.Code {
	return p.read(text, e, false)
}

// Read is Name for a signed event, and reads its key and its signature too:
// what is left to check is that the one made the other, which is
// sig.Verify(&e.Key, &e.Hash, &e.Signature), and is refused at /sig.
func (p *Parser) Read(text []byte, e *Event) code.Code {
	if c := p.read(text, e, true); c != code.OK {
		return c
	}
	var c code.Code
	if e.Key, c = key.DecodePublic(e.Author); c != code.OK {
		return p.refuseField(c, fieldAuthor)
	}
	if e.Signature, c = sig.Parse(e.signed); c != code.OK {
		if !e.Key.OnCurve() {
			return p.refuseField(code.InvalidPublicKey, fieldAuthor)
		}
		return p.refuseField(c, fieldSig)
	}
	return code.OK
}

// Judge sets the pointer for what sig.Verify or a sig.Batch said of an
// event that Read took, and returns it.
func (p *Parser) Judge(verdict code.Code) code.Code {
	switch verdict {
	case code.OK:
	case code.InvalidPublicKey:
		p.refuseField(verdict, fieldAuthor)
	default:
		p.refuseField(verdict, fieldSig)
	}
	return verdict
}

// Verify decides whether text, in any JSON spelling, is a valid signed event.
func (p *Parser) Verify(text []byte, e *Event) code.Code {
	if c := p.Read(text, e); c != code.OK {
		return c
	}
	return p.Judge(sig.Verify(&e.Key, &e.Hash, &e.Signature))
}

func (p *Parser) read(text []byte, e *Event, signed bool) code.Code {
	if len(text) > p.limit() {
		return p.refuse(code.TooLarge, "")
	}
	p.w.Depth, p.w.Max, p.w.Event = canon.MaxEventDepth, p.limit(), true
	record, c := p.w.Write(text)
	if c == code.TooLarge {
		return p.refuse(c, "") // the event is, wherever that was noticed
	}
	if c != code.OK {
		p.pointer = append(p.pointer[:0], p.w.Pointer()...)
		return c
	}
	if len(record) > p.limit() {
		return p.refuse(code.TooLarge, "")
	}
	if record[0] != '{' {
		return p.refuse(code.InvalidField, "")
	}
	var at [fields]*canon.Member
	if m := p.w.Take(names[:], at[:]); m != nil {
		p.pointer = append(p.pointer[:0], p.w.PointTo(m)...)
		return code.UnknownField
	}
	for f, m := range at {
		if m == nil && f != fieldProofs && (f != fieldSig || signed) {
			return p.refuseField(code.MissingField, f)
		}
	}
	e.Record, e.sig, e.signed = record, span{}, nil
	if c := p.fields(e, &at); c != code.OK {
		return c
	}
	e.rest = int(at[fieldType].Key)
	if m := at[fieldSig]; m != nil {
		e.sig = span{int(m.Key), int(m.End) + 1} // type and v always follow
	}
	p.digests(e)
	var known bool
	if e.TypeCode, known = p.typeCode(e.Type); !known {
		return p.refuseField(code.UnknownType, fieldType)
	}
	return code.OK
}

// digests names the event. Preimage and record are the same up to sig, and so
// is their hashing.
func (p *Parser) digests(e *Event) {
	s := &p.state
	s.Reset()
	s.Write(e.Record[:e.sig.from])
	fork := *s
	s.Write(e.Record[e.sig.to:])
	s.Sum(&e.Hash)
	fork.Write(e.Record[e.sig.from:])
	fork.Sum(&e.RecordDigest)
}
