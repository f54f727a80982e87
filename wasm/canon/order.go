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

// sortRun is how many members are put in order by insertion.
const sortRun = 12

// sort puts ms in order, those of equal names as they are in the text. It
// merges: n members take n·log n comparisons whatever they are.
func (w *Writer) sort(ms []Member) {
	for lo := 0; lo < len(ms); lo += sortRun {
		run := ms[lo:min(lo+sortRun, len(ms))]
		for i := 1; i < len(run); i++ {
			for j := i; j > 0 && w.compare(&run[j], &run[j-1]) < 0; j-- {
				run[j], run[j-1] = run[j-1], run[j]
			}
		}
	}
	if len(ms) <= sortRun {
		return
	}
	n := len(w.moved)
	w.moved = append(w.moved, ms...) // room for as many, until the end
	from, to := ms, w.moved[n:]
	inPlace := true
	for width := sortRun; width < len(ms); width *= 2 {
		for lo := 0; lo < len(ms); lo += 2 * width {
			mid, hi := min(lo+width, len(ms)), min(lo+2*width, len(ms))
			w.merge(to[lo:hi], from[lo:mid], from[mid:hi])
		}
		from, to, inPlace = to, from, !inPlace
	}
	if !inPlace {
		copy(ms, from)
	}
	w.moved = w.moved[:n]
}

// merge sets dst to a and b, which are in order, in order.
func (w *Writer) merge(dst, a, b []Member) {
	if len(b) == 0 || w.compare(&a[len(a)-1], &b[0]) <= 0 {
		copy(dst[copy(dst, a):], b)
		return
	}
	if w.compare(&b[len(b)-1], &a[0]) < 0 {
		copy(dst[copy(dst, b):], a)
		return
	}
	for i := range dst {
		if len(b) == 0 || len(a) > 0 && w.compare(&a[0], &b[0]) <= 0 {
			dst[i], a = a[0], a[1:]
		} else {
			dst[i], b = b[0], b[1:]
		}
	}
}

// close ends the object f; false if a name is in it twice. Its members are
// forgotten unless they have to be moved or f is the whole text.
func (w *Writer) close(f *frame) bool {
	ms := w.members[f.first:]
	if f.unsorted {
		w.sort(ms)
		if w.twice(ms) != nil {
			f.sorted = true
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
