package anchor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// ring is how many rows of a table the contract keeps.
const ring = 1024

// A sight is what one look at one node shows of a line.
type sight struct {
	info antelope.Info
	// irreversible is the time of the block up to which the chain is irreversible,
	// read before the rows; zero where it was not needed.
	irreversible time.Time
	last         uint64         // number that the contract gave last
	rows         map[uint64]row // those that were asked for and are kept
}

// A row is what the contract keeps of a number.
type row struct {
	size uint64
	root digest.Hash
	code uint32
	hash digest.Hash
	time time.Time
}

// errAgain: the answers do not go together, because the chain went on meanwhile
// or several nodes gave them.
var errAgain = errors.New("the chain's answers do not go together yet")

// see reads the last number of a line and the rows from a number on. Of the
// rows that are kept none may be missing.
func (a *Anchor) see(ctx context.Context, n node, l *line, from uint64, s *sight) error {
	s.rows, s.last = map[uint64]row{}, 0
	last, _, err := n.Rows(ctx, antelope.RowsQuery{Code: a.o.Contract, Scope: a.o.Contract, Table: l.table, Limit: 1, Reverse: true})
	if err != nil {
		return err
	}
	if err := s.add(last); err != nil {
		return err
	}
	for n := range s.rows {
		s.last = n
	}
	return a.rows(ctx, n, l, from, s.last, s)
}

// rows reads those of the rows from … to that are kept.
func (a *Anchor) rows(ctx context.Context, n node, l *line, from, to uint64, s *sight) error {
	if from = max(1, from); s.last >= ring {
		from = max(from, s.last-ring+1)
	}
	for from <= to {
		if _, have := s.rows[from]; have && from == to {
			return nil
		}
		page, _, err := n.Rows(ctx, antelope.RowsQuery{
			Code: a.o.Contract, Scope: a.o.Contract, Table: l.table, Lower: &from, Upper: &to, Limit: int(min(200, to-from+1)),
		})
		if err != nil {
			return err
		}
		if err := s.add(page); err != nil {
			return err
		}
		before := from
		for ; from <= to; from++ {
			if _, ok := s.rows[from]; !ok {
				break
			}
		}
		if from == before {
			return errAgain
		}
	}
	return nil
}

// add takes rows in as a node writes them.
func (s *sight) add(rows []json.RawMessage) error {
	for _, raw := range rows {
		var m struct {
			Seq, Size, Code antelope.Uint
			Root, Hash      antelope.Checksum
			Time            antelope.Time
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return fmt.Errorf("a row of the contract cannot be read: %w", err)
		}
		if m.Seq == 0 || m.Time.IsZero() {
			return fmt.Errorf("a row of the contract is not as it should be: %.200s", raw)
		}
		r := row{size: uint64(m.Size), root: m.Root.Hash, code: uint32(m.Code), hash: m.Hash.Hash, time: m.Time.Time}
		s.rows[uint64(m.Seq)] = r
	}
	return nil
}

// A fate is what a look shows of one post that is not final.
type fate int

const (
	absent  fate = iota // the contract has not given its numbers
	there               // it has them with what the post says
	gone                // it has given them, and does not keep the rows any more
	differs             // something else is under its numbers
	unseen              // it has given them, and their rows were not asked for
)

// judge says what a look shows of a post. content has what the post puts under
// each of its numbers.
func judge(p *journal.Post, content []row, s *sight) fate {
	if p.Number > s.last {
		return absent
	}
	old := s.last >= ring && p.Number <= s.last-ring
	for i, c := range content {
		r, ok := s.rows[p.Number+uint64(i)]
		switch {
		case !ok && old:
			return gone
		case !ok && p.Number+uint64(i) <= s.last:
			return unseen
		case !ok, r.size != c.size, r.root != c.root, r.hash != c.hash:
			return differs
		}
	}
	return there
}

// dead reports whether a post's bytes can never get onto the chain any more
// when a look does not show what they say.
func (s *sight) dead(p *journal.Post) bool {
	return p.Transaction == nil || s.irreversible.After(p.Expires)
}
