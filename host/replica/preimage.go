package replica

import (
	"crypto/sha256"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Preimage returns the record without its top-level sig member: in canonical
// form that is the event's preimage, whose SHA-256 is the event's hash. The
// result is nil when there is no such member. It decides nothing about
// validity; of bytes that are no canonical record it makes something of no
// meaning, whose hash is nobody's.
func Preimage(record []byte) []byte {
	const name = `"sig":`
	depth, start := 0, -1
	for i := 0; i < len(record); i++ {
		switch record[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := closing(record, i)
			if depth == 1 && start < 0 && i > 0 && (record[i-1] == ',' || record[i-1] == '{') && hasPrefix(record[i:], name) {
				start = i
			}
			i = end
			if start >= 0 && i > start+len(name) {
				return without(record, start, i+1)
			}
		}
	}
	return nil
}

// Damaged reports whether a stored copy cannot be the event named h at all,
// so that replacing it loses nothing.
func Damaged(h digest.Hash, record []byte) bool {
	preimage := Preimage(record)
	return preimage == nil || digest.Hash(sha256.Sum256(preimage)) != h
}

// without cuts the member in [start, end) and the comma that set it off.
func without(record []byte, start, end int) []byte {
	if record[start-1] == ',' {
		start--
	} else if end < len(record) && record[end] == ',' {
		end++
	}
	preimage := make([]byte, 0, len(record)-(end-start))
	return append(append(preimage, record[:start]...), record[min(end, len(record)):]...)
}

// closing returns the index of the quote that ends the string opened at i, or
// the last index where nothing ends it.
func closing(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b) - 1
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}
