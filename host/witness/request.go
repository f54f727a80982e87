package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// maxProof is how many hashes a proof has at most.
const maxProof = 63

// maxRequest bounds the body of a request: a line of the old size, the proof, an
// empty line and a note.
const maxRequest = 32 + maxProof*45 + 1 + checkpoint.MaxNote

// A request is the body of add-checkpoint.
type request struct {
	old   uint64
	proof []digest.Hash
	note  []byte
}

var errRequest = errors.New("want old SIZE, the consistency proof, an empty line and a checkpoint")

// parseRequest reads what appendTo writes, and nothing else.
func parseRequest(body []byte) (r request, err error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld || len(lines) > 1+maxProof {
		return r, errRequest
	}
	if r.old, err = parseSize(size); err != nil {
		return r, err
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != digest.Size || strings.ContainsRune(line, '\r') {
			return r, errRequest
		}
		r.proof = append(r.proof, digest.Hash(h))
	}
	r.note = signed
	return r, nil
}

func (r request) appendTo(dst []byte) []byte {
	dst = fmt.Appendf(dst, "old %d\n", r.old)
	for _, h := range r.proof {
		dst = base64.StdEncoding.AppendEncode(dst, h[:])
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	return append(dst, r.note...)
}

// parseSize reads the size of a tree in its one spelling.
func parseSize(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%.40q is no size of a tree", text)
	}
	return n, nil
}

// consistent reports whether proof leads from one head to a later, larger one
// (RFC 6962, section 2.1.2).
func consistent(was, now checkpoint.Checkpoint, proof []digest.Hash) bool {
	if was.Size == 0 {
		return len(proof) == 0
	}
	hs := make(tlog.TreeProof, len(proof))
	for i, h := range proof {
		hs[i] = tlog.Hash(h)
	}
	return tlog.CheckTree(hs, int64(now.Size), tlog.Hash(now.Root), int64(was.Size), tlog.Hash(was.Root)) == nil
}
