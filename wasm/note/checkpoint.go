package note

import (
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Limits of a signed checkpoint.
const (
	MaxBytes = 16 << 10
	MaxLines = 64 // of signatures
)

// A Line is a signature line.
type Line struct {
	Name []byte
	ID   uint32
	Size int                // bytes of the signature
	Data [maxSignature]byte // the signature, or as much of it as there is room for
}

// maxSignature is how long the signatures are that can be checked: a
// cosignature has 8 bytes of time before its 64.
const maxSignature = 72

// A Checkpoint is the signed head of a log: the root of the RFC 9162 tree of
// its first Size leaves, and who signed that. What it holds are views of what
// was parsed.
type Checkpoint struct {
	Text   []byte // what is signed, three lines
	Origin []byte
	Size   uint64
	Root   digest.Hash
	Lines  []Line

	lines [MaxLines]Line
	text  [MaxBytes + 64]byte // of a cosignature
}

// Parse reads a signed checkpoint: three lines without extensions, an empty
// one, and 1 to MaxLines signatures, with no more spelling than one.
//
//go:noinline
func (c *Checkpoint) Parse(text []byte) bool {
	c.Lines = c.lines[:0]
	if len(text) > MaxBytes || !utf8.Valid(text) {
		return false
	}
	rest := text
	var size, root, empty []byte
	c.Origin, rest = Cut(rest)
	size, rest = Cut(rest)
	root, rest = Cut(rest)
	c.Text = text[:len(text)-len(rest)]
	empty, rest = Cut(rest)
	var ok bool
	if c.Size, ok = Number(size); !ok || !ValidName(c.Origin) || !Hash(&c.Root, root) || empty == nil || len(empty) > 0 || len(rest) == 0 {
		return false
	}
	for len(rest) > 0 {
		var line []byte
		if line, rest = Cut(rest); len(c.Lines) == MaxLines || !c.line(line) {
			return false
		}
	}
	return true
}

const dash = "— "

// line reads a signature line.
//
//go:noinline
func (c *Checkpoint) line(text []byte) bool {
	if !digest.HasPrefix(text, dash) {
		return false
	}
	text = text[len(dash):]
	at := index(text, ' ')
	if at < 0 || !ValidName(text[:at]) {
		return false
	}
	c.Lines = c.lines[:len(c.Lines)+1]
	l := &c.Lines[len(c.Lines)-1]
	var data [4 + maxSignature]byte
	n := decode(data[:], text[at+1:])
	l.Name, l.Size = text[:at], n-4
	l.ID = uint32(data[0])<<24 | uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3])
	copy(l.Data[:], data[4:])
	return n > 4
}

// Cut takes the first line off text, without its newline; nil if there is
// none that ends.
func Cut(text []byte) (line, rest []byte) {
	at := index(text, '\n')
	if at < 0 {
		return nil, nil
	}
	return text[:at:at], text[at+1:]
}

// Number reads decimal digits without leading zeros, less than 2⁶³.
func Number(text []byte) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > 19 || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + uint64(b-'0')
	}
	return n, n < 1<<63
}

// Hash reads the Base64 form of a hash.
func Hash(dst *digest.Hash, text []byte) bool { return decode(dst[:], text) == digest.Size }
