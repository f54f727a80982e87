package canon

import "github.com/eventseal/eventseal/wasm/digest"

// Take puts the members of the object that the last Write returned to where
// names has them: at[i] is the one called names[i], nil if there is none. at is
// as long as names. It returns a member that names does not have.
//
//go:noinline
func (w *Writer) Take(names []string, at []*Member) (unknown *Member) {
	for i := range w.members {
		m := &w.members[i]
		f := 0
		for f < len(names) && !digest.Is(w.out[m.Key+1:m.Value-2], names[f]) {
			f++
		}
		if f == len(names) {
			return m
		}
		at[f] = m
	}
	return nil
}

// An Object is an object that is being written in canonical form, which it is
// if its members come in order. The zero Object is not ready: Begin is.
type Object []byte

// Begin makes o an empty object in the room that it has.
//
//go:noinline
func (o *Object) Begin() { *o = append((*o)[:0], '{') }

// End closes the object, or one that is a member of it.
//
//go:noinline
func (o *Object) End() { *o = append(*o, '}') }

// Open begins an object that is a member.
//
//go:noinline
func (o *Object) Open(name string) {
	o.name(name)
	*o = append(*o, '{')
}

// Uint writes a member that is a number.
//
//go:noinline
func (o *Object) Uint(name string, n uint64) {
	o.name(name)
	*o = AppendUint(*o, n)
}

// Text writes a member that is a string.
//
//go:noinline
func (o *Object) Text(name string, s []byte) {
	o.name(name)
	*o = AppendString(*o, s)
}

// Word writes a member that is a string without escapes.
//
//go:noinline
func (o *Object) Word(name, s string) {
	o.name(name)
	*o = append(*o, '"')
	*o = append(*o, s...)
	*o = append(*o, '"')
}

// JSON writes a member whose value is JSON in canonical form already.
//
//go:noinline
func (o *Object) JSON(name string, value []byte) {
	o.name(name)
	*o = append(*o, value...)
}

// Bool writes a member that is true or false.
func (o *Object) Bool(name string, value bool) {
	o.name(name)
	if value {
		*o = append(*o, "true"...)
	} else {
		*o = append(*o, "false"...)
	}
}

//go:noinline
func (o *Object) name(name string) {
	b := *o
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	*o = append(b, `":`...)
}
