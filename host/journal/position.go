package journal

import (
	"strconv"
	"strings"
)

// A Position is a place in the order of a journal as readers keep it: behind
// the event of that number.
type Position struct {
	Epoch    string
	Sequence uint64 // 0: before the first event
}

// maxSequence is the largest number that a position has: JSON carries it everywhere.
const maxSequence = 1<<53 - 1

// String returns "epoch-sequence". To readers it is opaque.
func (p Position) String() string {
	return p.Epoch + "-" + strconv.FormatUint(p.Sequence, 10)
}

// ParsePosition reads what String wrote, and nothing else.
func ParsePosition(text string) (p Position, ok bool) {
	epoch, number, _ := strings.Cut(text, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	p = Position{epoch, n}
	if err != nil || n > maxSequence || !IsEpoch(epoch) || p.String() != text {
		return Position{}, false
	}
	return p, true
}

// IsEpoch reports whether text has the form of an epoch.
func IsEpoch(text string) bool {
	return len(text) == 16 && strings.Trim(text, "0123456789abcdef") == ""
}
