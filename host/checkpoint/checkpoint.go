// Package checkpoint has the signed heads of transparency logs (C2SP
// tlog-checkpoint, signed-note), and the keys that sign them.
package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Checkpoint is the head of a log: the root of the RFC 9162 tree of its first
// Size leaves. Those with extension lines are not read: who signs them says
// more than anybody could check.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   digest.Hash
}

// MaxNote bounds a signed checkpoint, in bytes.
const MaxNote = 16 << 10

var errMalformed = errors.New("checkpoint: malformed")

// Text returns the text that is signed, three lines.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// ParseText reads what Text returns, and nothing else.
func ParseText(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || !ValidName(lines[0]) {
		return c, errMalformed
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return c, errMalformed
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != digest.Size {
		return c, errMalformed
	}
	c.Root = digest.Hash(root)
	if c.Text() != text {
		return c, errMalformed
	}
	return c, nil
}

// ValidName reports whether s can be an origin, or the name of a key: not empty,
// UTF-8 without spaces, control characters and '+'. At most 255 bytes.
func ValidName(s string) bool {
	return s != "" && len(s) <= 255 && utf8.ValidString(s) && !strings.Contains(s, "+") &&
		strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}
