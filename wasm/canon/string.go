package canon

import (
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/code"
)

const hexDigits = "0123456789abcdef"

// plain tells the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= ' ' && i != '"' && i != '\\'
	}
	return t
}()

// string reads a string and writes it as RFC 8785 section 3.2.2.2 has it;
// escaped is true if that form has escapes.
func (w *Writer) string() (escaped bool, c code.Code) {
	src, at := w.src, w.at+1
	w.out = append(w.out, '"')
	for {
		from := at
		for at < len(src) && plain[src[at]] {
			at++
		}
		w.out = append(w.out, src[from:at]...)
		if at == len(src) || src[at] < ' ' {
			return false, code.InvalidJSON
		}
		if src[at] == '"' {
			w.at = at + 1
			w.out = append(w.out, '"')
			return escaped, code.OK
		}
		if at+1 == len(src) {
			return false, code.InvalidJSON
		}
		e := src[at+1]
		at += 2
		switch e {
		case '"', '\\', 'b', 'f', 'n', 'r', 't':
			w.out = append(w.out, '\\', e)
			escaped = true
		case '/':
			w.out = append(w.out, '/')
		case 'u':
			var r rune
			if r, at, c = unescape(src, at); c != code.OK {
				return false, c
			}
			escaped = w.rune(r) || escaped
		default:
			return false, code.InvalidJSON
		}
	}
}

// rune writes what a \u escape stood for and reports whether it is an escape
// still.
func (w *Writer) rune(r rune) bool {
	switch {
	case r == '"' || r == '\\':
		w.out = append(w.out, '\\', byte(r))
	case r >= ' ':
		w.out = utf8.AppendRune(w.out, r)
		return false
	case r >= '\b' && r <= '\r' && r != '\v':
		w.out = append(w.out, '\\', "btn fr"[r-'\b'])
	default:
		w.out = append(w.out, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
	return true
}

// unescape reads what follows \u: four digits, and a second escape after the
// first half of a surrogate pair.
func unescape(src []byte, at int) (rune, int, code.Code) {
	r, ok := hex4(src, at)
	if !ok {
		return 0, at, code.InvalidJSON
	}
	at += 4
	if r < 0xd800 || r > 0xdfff {
		return r, at, code.OK
	}
	if at+2 > len(src) || src[at] != '\\' || src[at+1] != 'u' {
		return 0, at, code.LoneSurrogate
	}
	low, ok := hex4(src, at+2)
	if !ok {
		return 0, at, code.InvalidJSON
	}
	if r > 0xdbff || low < 0xdc00 || low > 0xdfff {
		return 0, at, code.LoneSurrogate
	}
	return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00), at + 6, code.OK
}

func hex4(src []byte, at int) (r rune, ok bool) {
	if len(src)-at < 4 {
		return 0, false
	}
	for _, b := range src[at : at+4] {
		switch {
		case '0' <= b && b <= '9':
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
