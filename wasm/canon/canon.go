// Package canon writes JSON in the canonical form of RFC 8785 (JCS). It reads
// a text once, from left to right, writes each scalar as it is to stand, and
// puts the members of an object in order only where they are not. Time and
// memory are linear in the text but for the sorting, whatever the text is.
package canon

import (
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Limits of nesting: arrays and objects within each other.
const (
	MaxDepth      = 1000 // for any text
	MaxEventDepth = 64   // for an event, itself included
)

// A Writer turns one text after another into canonical form. Its buffers grow
// to the largest text and stay, so that a Writer in use allocates nothing. The
// zero Writer is ready. It serves one goroutine.
type Writer struct {
	// Depth is the deepest nesting that is taken, at most MaxDepth.
	Depth int
	// Max is how many bytes the canonical form may have, 0: any number. A
	// longer one is TooLarge as soon as that much of it is written.
	Max int
	// Event holds integer literals to what an event is held to: one that
	// its canonical form would change is NumberNotInteroperable.
	Event bool

	src      []byte
	at       int // next byte of src
	out      []byte
	frames   [MaxDepth]frame
	depth    int
	members  []Member // of the open objects, innermost last
	moved    []Member // of closed objects that are out of order, sorted
	disorder []object // closed objects that are out of order, by their ends
	swap     []byte   // where objects are put in order
	pointer  []byte
	name     [2]name
	num      number
}

// A Member is where a member stands in the canonical text.
type Member struct {
	Key     uint32 // offset of the name's opening quote
	Value   uint32 // offset of the value's first byte
	End     uint32 // offset after the value
	before  uint32 // disorderly objects that were closed before End
	escaped bool   // the name has escapes
}

// A frame is an array or an object that is not closed yet.
type frame struct {
	start    uint32 // offset of its bracket in the canonical text
	first    uint32 // index in members of its first one
	index    uint32 // of the element that is being read
	before   uint32 // disorderly objects closed before it opened
	current  Member // of an object: the member that is being read
	object   bool
	unsorted bool
	sorted   bool // its members are in order after all: it ended
	inside   bool // an element or a member's value is being read
}

// An object that is out of order: its span, and its members in moved.
type object struct {
	start, end  uint32
	first, last uint32
	before      uint32
}

// Write returns the canonical form of the JSON text src (RFC 8259), valid
// until the next call, or the code of the first thing that is wrong with it:
// invalid UTF-8 anywhere first, then from left to right. Pointer says where.
func (w *Writer) Write(src []byte) ([]byte, code.Code) {
	w.src, w.at, w.depth = src, 0, 0
	w.out, w.members, w.moved, w.disorder = w.out[:0], w.members[:0], w.moved[:0], w.disorder[:0]
	w.pointer = w.pointer[:0]
	c := w.text()
	w.src = nil
	if c != code.OK {
		c = w.refuse(c)
		return nil, c
	}
	w.arrange()
	return w.out, code.OK
}

// Members returns the members of the object that the last Write returned, in
// their order there; none if the value was not an object.
func (w *Writer) Members() []Member { return w.members }

// Pointer returns the JSON pointer (RFC 6901) to the value that the last Write
// refused, valid until the next.
func (w *Writer) Pointer() []byte { return w.pointer }

func (w *Writer) text() code.Code {
	if len(w.src) >= 3 && w.src[0] == 0xef && w.src[1] == 0xbb && w.src[2] == 0xbf || !utf8.Valid(w.src) {
		return code.InvalidUTF8
	}
	if c := w.values(); c != code.OK {
		return c
	}
	if w.space(); w.at != len(w.src) {
		return code.InvalidJSON
	}
	return code.OK
}

// space skips white space.
func (w *Writer) space() {
	for w.at < len(w.src) {
		switch w.src[w.at] {
		case ' ', '\n', '\t', '\r':
			w.at++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end: no NUL is JSON outside strings,
// nor inside.
func (w *Writer) peek() byte {
	if w.at < len(w.src) {
		return w.src[w.at]
	}
	return 0
}

// values reads one value with all that is in it.
func (w *Writer) values() code.Code {
	for {
		w.space()
		b := w.peek()
		switch {
		case b == '"':
			if _, c := w.string(); c != code.OK {
				return c
			}
		case b == '{' || b == '[':
			if w.depth >= w.Depth || w.depth >= MaxDepth {
				return code.DepthExceeded
			}
			w.at++
			f := &w.frames[w.depth]
			*f = frame{start: uint32(len(w.out)), first: uint32(len(w.members)), before: uint32(len(w.disorder)), object: b == '{'}
			w.depth++
			w.out = append(w.out, b)
			if w.space(); w.peek() == b+2 { // '}' or ']'
				w.at++
				w.out = append(w.out, b+2)
				w.depth--
				break
			}
			if f.object {
				if c := w.member(f); c != code.OK {
					return c
				}
			}
			f.inside = true
			continue
		case b == '-' || '0' <= b && b <= '9':
			if c := w.number(); c != code.OK {
				return c
			}
		case !w.word():
			return code.InvalidJSON
		}
		if w.Max > 0 && len(w.out) > w.Max {
			return code.TooLarge
		}
		more, c := w.after()
		if c != code.OK || !more {
			return c
		}
	}
}

// after closes what ends behind a value; more is true if another value of the
// array or object that is open then must follow.
func (w *Writer) after() (more bool, c code.Code) {
	for w.depth > 0 {
		f := &w.frames[w.depth-1]
		f.inside = false
		if f.object {
			m := &w.members[len(w.members)-1]
			m.End, m.before = uint32(len(w.out)), uint32(len(w.disorder))
		}
		w.space()
		b := w.peek()
		switch {
		case b == ',':
			w.at++
			w.out = append(w.out, ',')
			f.index++
			if f.object {
				w.space()
				if c := w.member(f); c != code.OK {
					return false, c
				}
			}
			f.inside = true
			return true, code.OK
		case f.object && b == '}' || !f.object && b == ']':
			w.at++
			w.out = append(w.out, b)
			if f.object && !w.close(f) {
				return false, code.DuplicateKey
			}
			w.depth--
		default:
			return false, code.InvalidJSON
		}
	}
	return false, code.OK
}

// member reads the name and the colon of a member of f.
func (w *Writer) member(f *frame) code.Code {
	if w.peek() != '"' {
		return code.InvalidJSON
	}
	m := Member{Key: uint32(len(w.out))}
	var c code.Code
	if m.escaped, c = w.string(); c != code.OK {
		return c
	}
	w.out = append(w.out, ':')
	m.Value = uint32(len(w.out))
	w.members = append(w.members, m)
	f.current, f.inside = m, true
	if n := len(w.members); n-1 > int(f.first) {
		switch d := w.compare(&w.members[n-2], &w.members[n-1]); {
		case d == 0:
			f.unsorted = true // an earlier name may be there twice, too
			return code.DuplicateKey
		case d > 0:
			f.unsorted = true
		}
	}
	if w.space(); w.peek() != ':' {
		return code.InvalidJSON
	}
	w.at++
	return code.OK
}

var words = [3]string{"true", "false", "null"}

func (w *Writer) word() bool {
	for _, word := range words {
		if end := w.at + len(word); end <= len(w.src) && digest.Is(w.src[w.at:end], word) {
			w.at = end
			w.out = append(w.out, word...)
			return true
		}
	}
	return false
}
