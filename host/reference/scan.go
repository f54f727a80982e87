package reference

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gowebpki/jcs"

	"github.com/eventseal/eventseal/wasm/code"
)

// canonical reads text with the scanner below and then has jcs write it. A
// text that only one of them takes is refused.
func canonical(text []byte, maxDepth int, event bool) ([]byte, error) {
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return nil, refuse(code.InvalidUTF8, "", "byte-order mark")
	}
	if !utf8.Valid(text) {
		return nil, refuse(code.InvalidUTF8, "", "")
	}
	s := scanner{text: text, maxDepth: maxDepth, event: event}
	if err := s.document(); err != nil {
		return nil, err
	}
	out, err := jcs.Transform(text)
	if err != nil {
		return nil, refuse(code.InvalidJSON, "", "jcs: "+err.Error())
	}
	return out, nil
}

// A scanner reads one JSON text (RFC 8259) from left to right and stops at the
// first fault. It holds the path to the value that it is in.
type scanner struct {
	text     []byte
	at       int
	path     []string
	maxDepth int
	event    bool // hold integers to their canonical form
}

func (s *scanner) document() error {
	if err := s.value(0); err != nil {
		return err
	}
	if s.space(); s.at != len(s.text) {
		return refuse(code.InvalidJSON, "", "bytes after the value")
	}
	return nil
}

func (s *scanner) fault(c code.Code, detail string) error {
	return refuse(c, s.pointer(), detail)
}

// pointer writes the path as RFC 6901 has it.
func (s *scanner) pointer() string {
	var b strings.Builder
	for _, name := range s.path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// peek returns the next byte, 0 at the end; a NUL is no JSON either.
func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\n\r", s.text[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) value(depth int) error {
	s.space()
	switch c := s.peek(); {
	case c == '{' || c == '[':
		if depth++; depth > s.maxDepth {
			return s.fault(code.DepthExceeded, "")
		}
		s.at++
		if c == '{' {
			return s.object(depth)
		}
		return s.array(depth)
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.text[s.at:], []byte(word)) {
			s.at += len(word)
			return nil
		}
	}
	return s.fault(code.InvalidJSON, "")
}

func (s *scanner) object(depth int) error {
	seen := map[string]bool{}
	for first := true; ; first = false {
		s.space()
		if first && s.peek() == '}' {
			s.at++
			return nil
		}
		if s.peek() != '"' {
			return s.fault(code.InvalidJSON, "a member name must follow")
		}
		name, err := s.string()
		if err != nil {
			return err
		}
		s.path = append(s.path, name)
		if seen[name] {
			return s.fault(code.DuplicateKey, "")
		}
		seen[name] = true
		if s.space(); s.peek() != ':' {
			return s.fault(code.InvalidJSON, "a colon must follow")
		}
		s.at++
		if err := s.value(depth); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
		s.space()
		switch s.peek() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return s.fault(code.InvalidJSON, "a comma or the end of the object must follow")
		}
	}
}

func (s *scanner) array(depth int) error {
	for i := 0; ; i++ {
		if s.space(); i == 0 && s.peek() == ']' {
			s.at++
			return nil
		}
		s.path = append(s.path, strconv.Itoa(i))
		if err := s.value(depth); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
		s.space()
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			s.at++
			return nil
		default:
			return s.fault(code.InvalidJSON, "a comma or the end of the array must follow")
		}
	}
}

// string reads a quoted string, the opening quote included, and returns what
// it means.
func (s *scanner) string() (string, error) {
	var b strings.Builder
	s.at++
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c < ' ':
			return "", s.fault(code.InvalidJSON, "control character in a string")
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		esc := s.peek()
		s.at++
		if i := strings.IndexByte(`"\/bfnrt`, esc); i >= 0 {
			b.WriteByte("\"\\/\b\f\n\r\t"[i])
			continue
		}
		if esc != 'u' {
			return "", s.fault(code.InvalidJSON, "unknown escape")
		}
		r, ok := s.hex4()
		if !ok {
			return "", s.fault(code.InvalidJSON, "malformed \\u escape")
		}
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if bytes.HasPrefix(s.text[s.at:], []byte(`\u`)) {
				s.at += 2
				if low, ok = s.hex4(); !ok {
					return "", s.fault(code.InvalidJSON, "malformed \\u escape")
				}
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return "", s.fault(code.LoneSurrogate, "")
			}
		}
		b.WriteRune(r)
	}
	return "", s.fault(code.InvalidJSON, "unterminated string")
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.text)-s.at < 4 {
		return 0, false
	}
	u, err := strconv.ParseUint(string(s.text[s.at:s.at+4]), 16, 16)
	s.at += 4
	return rune(u), err == nil
}

func (s *scanner) digits() bool {
	from := s.at
	for '0' <= s.peek() && s.peek() <= '9' {
		s.at++
	}
	return s.at > from
}

// number reads a number by the grammar of RFC 8259 section 6.
func (s *scanner) number() error {
	from, integer := s.at, true
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return s.fault(code.InvalidJSON, "a digit must follow")
	}
	if s.peek() == '.' {
		integer = false
		if s.at++; !s.digits() {
			return s.fault(code.InvalidJSON, "a digit must follow")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		integer = false
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return s.fault(code.InvalidJSON, "a digit must follow")
		}
	}
	literal := string(s.text[from:s.at])
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return s.fault(code.NumberOutOfRange, "")
	}
	if s.event && integer && !keepsInteger(literal, f) {
		return s.fault(code.NumberNotInteroperable, "")
	}
	return nil
}

// keepsInteger reports whether the canonical text of f names the very integer
// that literal names. The literal is in the range of a double, so it has at
// most 309 digits.
func keepsInteger(literal string, f float64) bool {
	text, err := jcs.NumberToJSON(f)
	if err != nil {
		return false
	}
	a, ok1 := new(big.Rat).SetString(literal)
	b, ok2 := new(big.Rat).SetString(text)
	return ok1 && ok2 && a.Cmp(b) == 0
}
