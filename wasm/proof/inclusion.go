package proof

import (
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/note"
)

// maxPath is the longest path, in hashes: sizes are below 2⁶³.
const maxPath = 63

// An inclusion is a C2SP tlog-proof.
type inclusion struct {
	index uint64
	path  []byte
	note  []byte // the signed checkpoint

	hashes [maxPath * digest.Size]byte
}

// parse reads a tlog-proof without extra data up to the checkpoint. It has one
// spelling.
//
//go:noinline
func (p *inclusion) parse(text []byte) bool {
	p.path = p.hashes[:0]
	line, rest := note.Cut(text)
	if !digest.Is(line, "c2sp.org/tlog-proof@v1") {
		return false
	}
	line, rest = note.Cut(rest)
	const label = "index "
	if !digest.HasPrefix(line, label) {
		return false
	}
	var ok bool
	if p.index, ok = note.Number(line[len(label):]); !ok {
		return false
	}
	for {
		if line, rest = note.Cut(rest); line == nil {
			return false
		}
		if len(line) == 0 {
			p.note = rest
			return true
		}
		var h digest.Hash
		if len(p.path) == len(p.hashes) || !note.Hash(&h, line) {
			return false
		}
		p.path = append(p.path, h[:]...)
	}
}
