package checkpoint

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Proof is a C2SP tlog-proof: the way from a leaf to the root of a checkpoint.
type Proof struct {
	Index uint64
	Path  []digest.Hash // from the leaf's sibling up
	Note  []byte        // the signed checkpoint
}

const (
	proofHeader = "c2sp.org/tlog-proof@v1\n"
	maxPath     = 63
)

// MaxProof bounds the text of a proof, in bytes.
const MaxProof = 8<<10 + MaxNote

var errProof = errors.New("checkpoint: that is no tlog-proof, or one with extra data")

// ParseProof reads a tlog-proof without extra data, in its one spelling. What it
// says is not checked.
func ParseProof(text []byte) (p Proof, err error) {
	head, note, ok := strings.Cut(string(text), "\n\n")
	lines, ok2 := strings.CutPrefix(head, proofHeader+"index ")
	if !ok || !ok2 || len(text) > MaxProof || note == "" {
		return p, errProof
	}
	fields := strings.Split(lines, "\n")
	if p.Index, err = strconv.ParseUint(fields[0], 10, 63); err != nil || strconv.FormatUint(p.Index, 10) != fields[0] || len(fields)-1 > maxPath {
		return p, errProof
	}
	for _, line := range fields[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != digest.Size {
			return p, errProof
		}
		p.Path = append(p.Path, digest.Hash(h))
	}
	p.Note = []byte(note)
	return p, nil
}

// Text returns the proof as ParseProof reads it.
func (p Proof) Text() []byte {
	b := strconv.AppendUint([]byte(proofHeader+"index "), p.Index, 10)
	b = append(b, '\n')
	for _, h := range p.Path {
		b = base64.StdEncoding.AppendEncode(b, h[:])
		b = append(b, '\n')
	}
	return append(append(b, '\n'), p.Note...)
}

// Leads reports whether the path leads from the leaf of an event to the root of
// a checkpoint, which is for the caller to have read from the note.
func (p Proof) Leads(event digest.Hash, c Checkpoint) bool {
	if c.Size > 1<<62 || p.Index >= c.Size {
		return false
	}
	path := make(tlog.RecordProof, len(p.Path))
	for i, h := range p.Path {
		path[i] = tlog.Hash(h)
	}
	return tlog.CheckRecord(path, int64(c.Size), tlog.Hash(c.Root), int64(p.Index), tlog.RecordHash(event[:])) == nil
}
