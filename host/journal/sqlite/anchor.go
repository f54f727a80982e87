package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// maxPostEvents is how many events one post may have.
const maxPostEvents = 1024

// postColumns are those of anchors that make a Post, in the order of packPost.
const postColumns = `kind, number, size, root, events, state, reason, tx, signatures, expires, block, block_id, block_time, submitted, final`

// checkPost says whether a post can be one, in a journal of so many events.
func checkPost(p *journal.Post, last uint64) error {
	bad := func(what string) error { return fmt.Errorf("journal: a post with %s", what) }
	switch {
	case p.Kind != journal.PostHead && p.Kind != journal.PostEvents:
		return bad(fmt.Sprintf("kind %d", p.Kind))
	case p.State < journal.PostSubmitted || p.State > journal.PostFailed:
		return bad(fmt.Sprintf("state %d", p.State))
	case p.Number == 0 || p.Number > math.MaxInt64-maxPostEvents || p.Size > math.MaxInt64:
		return bad(fmt.Sprintf("number %d and size %d", p.Number, p.Size))
	case p.Kind == journal.PostHead && len(p.Events) > 0, p.Kind == journal.PostEvents && len(p.Events) == 0, len(p.Events) > maxPostEvents:
		return bad(fmt.Sprintf("%d events", len(p.Events)))
	}
	return checkEvents(p.Events, last)
}

// checkEvents says whether all of these are events of the journal.
func checkEvents(seqs []uint64, last uint64) error {
	for _, seq := range seqs {
		if seq == 0 || seq > last {
			return fmt.Errorf("%w: %d of %d", journal.ErrNotFound, seq, last)
		}
	}
	return nil
}

// packPost returns the values of postColumns.
func packPost(p *journal.Post) ([]driver.Value, error) {
	signatures, err := json.Marshal(p.Signatures)
	if err != nil {
		return nil, err
	}
	var tx driver.Value
	if len(p.Transaction) > 0 {
		tx = p.Transaction
	}
	return []driver.Value{
		int64(p.Kind), int64(p.Number), int64(p.Size), p.Root[:], packEvents(p.Events), int64(p.State), p.Reason, tx, string(signatures),
		packTime(p.Expires), int64(p.BlockNum), p.BlockID[:], packTime(p.BlockTime), packTime(p.SubmittedAt), packTime(p.FinalAt),
	}, nil
}

var errPost = errors.New("a row of anchors is damaged")

// parsePost is the reverse of packPost.
func parsePost(v []driver.Value) (p journal.Post, err error) {
	numbers := make([]int64, 0, 10)
	for _, i := range []int{0, 1, 2, 5, 9, 10, 12, 13, 14} {
		n, ok := v[i].(int64)
		if !ok || n < 0 {
			return p, errPost
		}
		numbers = append(numbers, n)
	}
	root, ok1 := v[3].([]byte)
	events, ok2 := v[4].([]byte)
	reason, ok3 := v[6].(string)
	signatures, ok4 := v[8].(string)
	id, ok5 := v[11].([]byte)
	tx, ok6 := v[7].([]byte)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && (ok6 || v[7] == nil)) || len(root) != digest.Size || len(id) != digest.Size || numbers[5] > math.MaxUint32 {
		return p, errPost
	}
	p = journal.Post{
		Kind: journal.PostKind(numbers[0]), Number: uint64(numbers[1]), Size: uint64(numbers[2]), Root: digest.Hash(root),
		State: journal.PostState(numbers[3]), Reason: reason,
		Expires: unpackTime(numbers[4]), BlockNum: uint32(numbers[5]), BlockID: digest.Hash(id), BlockTime: unpackTime(numbers[6]),
		SubmittedAt: unpackTime(numbers[7]), FinalAt: unpackTime(numbers[8]),
	}
	if tx != nil {
		p.Transaction = append([]byte{}, tx...)
	}
	if err := json.Unmarshal([]byte(signatures), &p.Signatures); err != nil {
		return p, errPost
	}
	if p.Events, err = parseEvents(events); err != nil {
		return p, err
	}
	if checkPost(&p, math.MaxInt64) != nil || numbers[0] > 2 || numbers[3] > 4 {
		return p, errPost
	}
	return p, nil
}

func packEvents(seqs []uint64) []byte {
	b := []byte{}
	for _, seq := range seqs {
		b = binary.AppendUvarint(b, seq)
	}
	return b
}

func parseEvents(b []byte) (seqs []uint64, err error) {
	for len(b) > 0 {
		seq, n := binary.Uvarint(b)
		if n <= 0 || len(seqs) == maxPostEvents {
			return nil, errPost
		}
		seqs, b = append(seqs, seq), b[n:]
	}
	return seqs, nil
}

func packTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func unpackTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
