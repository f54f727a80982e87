// Package code holds the closed set of refusal codes that the module, the
// host, the SDK and the test vectors share. The list itself is
// testvectors/codes.json; codes_gen.go is generated from it.
package code

//go:generate go run ./gen

// A Code names one reason for refusing an input. Its number is part of the
// module's ABI, its String part of every interface. The zero Code is OK.
type Code uint8

// An Error is a refusal: the code, and the place where there is one.
type Error struct {
	Code    Code
	Pointer string // JSON pointer (RFC 6901) of the offending value; "" for the whole document or no place
	Detail  string // one sentence for a person, may be ""; never holds key material
}

// Error returns "code at pointer: detail", leaving out what is empty.
func (e *Error) Error() string {
	s := e.Code.String()
	if e.Pointer != "" {
		s += " at " + e.Pointer
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Is reports whether target is an *Error of the same code, whatever its place,
// so that errors.Is(err, &code.Error{Code: code.NotFound}) asks for the code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Pointer == "" || t.Pointer == e.Pointer)
}

// Parse returns the code whose text form is s; ok is false when there is none.
func Parse(s string) (c Code, ok bool) {
	for _, c := range All {
		if c.String() == s {
			return c, true
		}
	}
	return OK, false
}
