package digest

import "unsafe"

// TinyGo copies bytes to the heap to compare them as a string, so that
// comparing is spelt out here.

// Is reports whether b holds the bytes of s.
func Is(b []byte, s string) bool { return unsafe.String(unsafe.SliceData(b), len(b)) == s }

// HasPrefix reports whether b begins with the bytes of prefix.
//
//go:noinline
func HasPrefix(b []byte, prefix string) bool {
	if len(b) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if b[i] != prefix[i] {
			return false
		}
	}
	return true
}

// Equal reports whether a and b hold the same bytes. Its time depends on them.
//
//go:noinline
func Equal(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
