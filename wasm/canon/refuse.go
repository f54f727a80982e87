package canon

import "github.com/eventseal/eventseal/wasm/code"

// refuse sets the pointer for a fault, and returns its code. Names are only
// compared where an object ends, so a name that was there before in an object
// that is still open is the fault if there is one: it came first.
func (w *Writer) refuse(c code.Code) code.Code {
	w.point(w.depth)
	first, where := uint32(0), -1
	var twice Member
	end := len(w.members)
	for i := w.depth - 1; i >= 0; i-- {
		f := &w.frames[i]
		ms := w.members[f.first:end]
		end = int(f.first)
		if !f.unsorted {
			continue
		}
		if !f.sorted {
			w.sort(ms)
		}
		if m := w.twice(ms); m != nil && (where < 0 || m.Key < first) {
			first, where, twice = m.Key, i, *m
		}
	}
	if where < 0 {
		return c
	}
	w.point(where)
	w.step(&twice)
	return code.DuplicateKey
}

// point sets the pointer to what is being read in the outermost n of the open
// arrays and objects.
func (w *Writer) point(n int) {
	w.pointer = w.pointer[:0]
	for i := 0; i < n; i++ {
		f := &w.frames[i]
		switch {
		case !f.inside:
		case f.object:
			w.step(&f.current)
		default:
			w.pointer = AppendIndex(append(w.pointer, '/'), f.index)
		}
	}
}

// PointTo returns the JSON pointer to a member of the object that the last
// Write returned, valid until the next.
func (w *Writer) PointTo(m *Member) []byte {
	w.pointer = w.pointer[:0]
	w.step(m)
	return w.pointer
}

// step adds a member's name to the pointer.
func (w *Writer) step(m *Member) {
	n := &w.name[0]
	n.rest = w.out[m.Key+1 : m.Value-2]
	w.pointer = append(w.pointer, '/')
	for b := n.next(); b >= 0; b = n.next() {
		switch b {
		case '~':
			w.pointer = append(w.pointer, "~0"...)
		case '/':
			w.pointer = append(w.pointer, "~1"...)
		default:
			w.pointer = append(w.pointer, byte(b))
		}
	}
}

// AppendIndex appends n in decimal digits.
func AppendIndex(dst []byte, n uint32) []byte {
	if n >= 10 {
		dst = AppendIndex(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}
