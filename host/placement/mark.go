package placement

import (
	"context"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A mark is what a place keeps for the journal: how far that was, and which of
// the place's events it was known not to know. A journal that is not as far any
// more is an older copy of itself. Its text is
//
//	epoch-sequence SP hash SP crc32
//
// with the hash of zeros for none, and the IEEE sum of all before the last SP
// as 8 hex digits: what cannot be read says nothing.
type mark struct {
	at       journal.Position
	stranger digest.Hash
}

func (m mark) String() string {
	text := m.at.String() + " " + m.stranger.String()
	return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseMark(text string) (m mark, ok bool) {
	at := strings.LastIndexByte(text, ' ')
	if at < 0 {
		return m, false
	}
	sum, err := strconv.ParseUint(text[at+1:], 16, 32)
	position, hash, _ := strings.Cut(text[:at], " ")
	if err != nil || uint32(sum) != crc32.ChecksumIEEE([]byte(text[:at])) {
		return m, false
	}
	m.at, ok = journal.ParsePosition(position)
	h, good := digest.ParseHash(hash)
	m.stranger = h
	return m, ok && good && m.String() == text
}

// mark has the places keep how far the journal is, where that has changed. A
// place that cannot is passed over: its mark is older then, which only hides.
func (k *Keeper) mark(ctx context.Context) {
	last, err := k.o.Journal.Last(ctx)
	if err != nil {
		return
	}
	now := journal.Position{Epoch: k.o.Journal.Epoch(), Sequence: last}
	for _, s := range k.spots {
		m, ok := replica.As[replica.Marked](s.Replica)
		if !ok || s.marked.at == now {
			continue
		}
		next := mark{now, s.marked.stranger}
		set, cancel := context.WithTimeout(ctx, k.o.Patience)
		if m.SetMark(set, k.o.Journal.ID(), next.String()) == nil {
			s.marked = next
		}
		cancel()
	}
	k.markedAt = time.Now()
}

// older reports whether the place shows that the journal was further once, and
// the newest event there that the journal does not know, zero for none.
func (k *Keeper) older(ctx context.Context, s *spot, last uint64) (older bool, stranger digest.Hash, err error) {
	if r, ok := replica.As[replica.Recent](s.Replica); ok {
		hs, err := r.Newest(ctx, newestSample)
		if err != nil {
			return false, stranger, err
		}
		es, err := k.o.Journal.Entries(ctx, hs)
		if err != nil {
			return false, stranger, err
		}
		for i, e := range es {
			if e == nil {
				stranger = hs[i]
				break
			}
		}
	}
	older = stranger != digest.Hash{}
	m, ok := replica.As[replica.Marked](s.Replica)
	if !ok {
		return older, stranger, nil
	}
	text, err := m.Mark(ctx, k.o.Journal.ID())
	if err != nil {
		return older, stranger, err
	}
	was, ok := parseMark(text)
	if !ok {
		return older, stranger, nil
	}
	s.marked = was
	if was.stranger == stranger {
		older = false // and it was told before
	}
	upto := last
	if was.at.Epoch != k.o.Journal.Epoch() {
		if upto, err = k.o.Journal.Kept(ctx, was.at.Epoch); err != nil {
			return older, stranger, err
		}
		if upto > 0 {
			return older, stranger, nil // a former one, which has been dealt with
		}
	}
	return older || was.at.Sequence > upto, stranger, nil
}
