package note

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/ed25519"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// A Verdict is what a checkpoint's lines say of one key.
type Verdict uint8

const (
	Unsigned Verdict = iota // no line is of the key
	Signed                  // there are some, and all verify
	Forged                  // one does not
)

// Verify looks for the lines that name k and have its ID, and checks each.
// Lines of other keys, even of the same name, are nothing to k.
//
//go:noinline
func (c *Checkpoint) Verify(k *Key) (v Verdict) {
	for i := range c.Lines {
		l := &c.Lines[i]
		if l.ID != k.ID || !digest.Equal(l.Name, k.Name) {
			continue
		}
		if !c.signed(k, l) {
			return Forged
		}
		v = Signed
	}
	return v
}

// signed reports whether a line is k's signature.
func (c *Checkpoint) signed(k *Key, l *Line) bool {
	public, message, size := (*[32]byte)(k.Raw[:32]), c.Text, 64
	switch k.Kind {
	case K1:
		return l.Size == 65 && k.signedK1(c.Text, (*[65]byte)(l.Data[:65]))
	case Cosignature:
		if message = c.cosigned(l); message == nil {
			return false
		}
		size = 72
	}
	return l.Size == size && ed25519.Verify(public, (*[64]byte)(l.Data[size-64:]), message)
}

// cosigned is what a witness signs: a header, the time, the text (C2SP
// tlog-cosignature). It is nil for a time of 2⁶³ or more.
//
//go:noinline
func (c *Checkpoint) cosigned(l *Line) []byte {
	var time uint64
	for _, b := range l.Data[:8] {
		time = time<<8 | uint64(b)
	}
	if time >= 1<<63 {
		return nil
	}
	text := append(c.text[:0], "cosignature/v1\ntime "...)
	text = append(canon.AppendUint(text, time), '\n')
	return append(text, c.Text...)
}

// signedK1 reports whether the signature recovers the key from the text's
// digest.
//
//go:noinline
func (k *Key) signedK1(text []byte, compact *[65]byte) bool {
	s := sig.Signature{Curve: key.K1, Compact: *compact}
	public := key.Public{Curve: key.K1, Point: k.Raw}
	d := digest.SHA256(text)
	return sig.Verify(&public, &d, &s) == code.OK
}
