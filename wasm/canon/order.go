package canon

// The members of an object stand in the order of their names' UTF-16 code
// units (RFC 8785 section 3.2.3).

// A name walks over the bytes of a member's name without its escapes.
type name struct{ rest []byte }

// next returns the next byte of the name in UTF-8, −1 at the end.
func (n *name) next() int {
	if len(n.rest) == 0 {
		return -1
	}
	b := n.rest[0]
	if b != '\\' {
		n.rest = n.rest[1:]
		return int(b)
	}
	switch e := n.rest[1]; e {
	case 'u': // \u00xx, in lower case
		r, _ := hex4(n.rest, 2)
		n.rest = n.rest[6:]
		return int(r)
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	default: // '"' or '\\'
		b = e
	}
	n.rest = n.rest[2:]
	return int(b)
}

// compare is negative, zero or positive as a's name is less than, equal to or
// greater than b's.
func (w *Writer) compare(a, b *Member) int {
	x, y := w.out[a.Key+1:a.Value-2], w.out[b.Key+1:b.Value-2]
	if !a.escaped && !b.escaped {
		n := min(len(x), len(y))
		for i := 0; i < n; i++ {
			if x[i] != y[i] {
				return unit(x[i]) - unit(y[i])
			}
		}
		return len(x) - len(y)
	}
	w.name[0].rest, w.name[1].rest = x, y
	for {
		p, q := w.name[0].next(), w.name[1].next()
		if p != q {
			if p < 0 || q < 0 {
				return p - q
			}
			return unit(byte(p)) - unit(byte(q))
		}
		if p < 0 {
			return 0
		}
	}
}

// unit ranks a byte of UTF-8 that is the first to differ. Code points order
// as UTF-16 does, but for those beyond U+FFFF (lead bytes F0 … F4): their
// surrogates come before U+E000 … U+FFFF (lead bytes EE and EF).
func unit(b byte) int {
	switch {
	case b >= 0xf0:
		return int(b) - 2
	case b >= 0xee:
		return int(b) + 5
	}
	return int(b)
}

// less orders members by name, and equal names by their place in the text.
func (w *Writer) less(a, b *Member) bool {
	if d := w.compare(a, b); d != 0 {
		return d < 0
	}
	return a.Key < b.Key
}

// sort puts ms in order: by insertion where they are few, else by a heap, so
// that no input makes it quadratic.
func (w *Writer) sort(ms []Member) {
	if len(ms) <= 12 {
		for i := 1; i < len(ms); i++ {
			for j := i; j > 0 && w.less(&ms[j], &ms[j-1]); j-- {
				ms[j], ms[j-1] = ms[j-1], ms[j]
			}
		}
		return
	}
	for i := len(ms)/2 - 1; i >= 0; i-- {
		w.sink(ms, i)
	}
	for n := len(ms) - 1; n > 0; n-- {
		ms[0], ms[n] = ms[n], ms[0]
		w.sink(ms[:n], 0)
	}
}

func (w *Writer) sink(heap []Member, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && w.less(&heap[child], &heap[child+1]) {
			child++
		}
		if !w.less(&heap[i], &heap[child]) {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// close ends the object f; false if a name is in it twice. Its members are
// forgotten unless they have to be moved or f is the whole text.
func (w *Writer) close(f *frame) bool {
	ms := w.members[f.first:]
	if f.unsorted {
		w.sort(ms)
		if w.twice(ms) != nil {
			return false
		}
		first := uint32(len(w.moved))
		w.moved = append(w.moved, ms...)
		w.disorder = append(w.disorder, object{f.start, uint32(len(w.out)), first, uint32(len(w.moved)), f.before})
	}
	if w.depth > 1 {
		w.members = w.members[:f.first]
	}
	return true
}

// twice returns, of sorted members, the first in the text whose name was
// there before it.
func (w *Writer) twice(ms []Member) (found *Member) {
	for i := 1; i < len(ms); i++ {
		if m := &ms[i]; (found == nil || m.Key < found.Key) && w.compare(&ms[i-1], m) == 0 {
			found = m
		}
	}
	return found
}

// arrange moves members to their places.
func (w *Writer) arrange() {
	if len(w.disorder) == 0 {
		return
	}
	n := len(w.out)
	if cap(w.swap) < n {
		w.swap = make([]byte, cap(w.out))
	}
	w.swap = w.swap[:n]
	w.emit(0, uint32(n), uint32(len(w.disorder)), uint32(n))
	w.out, w.swap = w.swap, w.out
	if len(w.members) > 0 && w.frames[0].unsorted {
		at := w.frames[0].start + 1
		for i := range w.members {
			m := &w.members[i]
			by := at - m.Key
			m.Key, m.Value, m.End = m.Key+by, m.Value+by, m.End+by
			at = m.End + 1
		}
	}
}

// emit copies out[start:end] to swap[…:to], from back to front, with the
// members of disorderly objects in order, and returns where the copy starts.
// Of the disorderly objects those before index n end in or before the span.
// The lengths do not change, so it nests as deep as such objects do.
func (w *Writer) emit(start, end, n, to uint32) uint32 {
	for n > 0 && w.disorder[n-1].end > start {
		o := &w.disorder[n-1]
		to -= end - o.end
		copy(w.swap[to:], w.out[o.end:end])
		to--
		w.swap[to] = '}'
		for i := o.last; i > o.first; i-- {
			m := &w.moved[i-1]
			to = w.emit(m.Key, m.End, m.before, to) - 1
			w.swap[to] = ','
		}
		w.swap[to] = '{'
		end, n = o.start, o.before
	}
	to -= end - start
	copy(w.swap[to:], w.out[start:end])
	return to
}
