// Package note reads signed notes, the checkpoints of transparency logs, and
// the keys that sign them (C2SP signed-note, tlog-checkpoint,
// tlog-cosignature). It is strict: what it takes has one spelling.
package note

import "unicode/utf8"

// maxName bounds the name of a key, in bytes.
const maxName = 255

// ValidName reports whether s can be the origin of a log or the name of a key:
// not empty, UTF-8 without spaces, control characters and '+', at most 255
// bytes.
func ValidName(s []byte) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 || r == '+' || space(r) || r < ' ' || 0x7f <= r && r < 0xa0 {
			return false
		}
		s = s[n:]
	}
	return true
}

// space reports whether Unicode counts r as white space; the controls among
// them are ruled out anyway.
func space(r rune) bool {
	switch r {
	case ' ', 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return 0x2000 <= r && r <= 0x200a
}
