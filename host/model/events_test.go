package model

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An event of the pool that all worlds draw from: its records, of which there
// are two where it has two valid signatures.
type event struct {
	hash     digest.Hash
	variants []module.Verified
	number   int
}

// How many events there are: of one signature, of two, and of those that only
// another host has.
const (
	single, double2, others = 18, 5, 5
	all                     = single + double2 + others
)

var signed = sync.OnceValue(func() func(testing.TB) []event {
	var once sync.Once
	var es []event
	return func(t testing.TB) []event {
		once.Do(func() {
			for i := range all {
				var vs []module.Verified
				if i >= single && i < single+double2 {
					a, b := moduletest.Twice(t)
					vs = []module.Verified{a, b}
				} else {
					vs = []module.Verified{moduletest.Event(t, i)}
				}
				es = append(es, event{vs[0].Hash(), vs, i})
			}
		})
		return es
	}
})

// What a place may hold of an event.
type copyKind int8

const (
	nothing copyKind = iota
	firstOne
	secondOne
	garbage // is no valid record of it
)

func (k copyKind) good() bool { return k == firstOne || k == secondOne }

func (k copyKind) String() string { return [...]string{"-", "1", "2", "x"}[k] }

// kind names what bytes are to the event.
func (e *event) kind(record []byte) copyKind {
	if record == nil {
		return nothing
	}
	for i, v := range e.variants {
		if bytes.Equal(v.Record(), record) {
			return firstOne + copyKind(i)
		}
	}
	return garbage
}

// of names the variant that has a record digest.
func (e *event) of(d digest.Hash) copyKind {
	for i, v := range e.variants {
		if v.Meta().RecordDigest == d {
			return firstOne + copyKind(i)
		}
	}
	return garbage
}

// anothersJournal makes the journal of a host that has never heard of the
// world's places, and holds that places of the same names have its events.
func anothersJournal(path string, es []event, names []string) error {
	j, err := sqlite.Open(filepath.Join(path, "journal.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	var bs []journal.Binding
	for i, name := range names {
		bs = append(bs, journal.Binding{Replica: name, Identity: string(bytes.Repeat([]byte{"abcdef"[i%6]}, 32))})
	}
	if _, err := j.Bind(ctx, bs); err != nil {
		return err
	}
	for _, e := range es {
		as, err := j.Admit(ctx, e.variants[:1], names)
		if err != nil {
			return err
		}
		for _, name := range names {
			j.Update(journal.Update{Sequence: as[0].Entry.Sequence, Replica: name, State: custody.Held, Location: "there"})
		}
	}
	return cmpErr(j.Flush(ctx), j.Close())
}
