package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/wasm/digest"
)

func hashesOf(from, to uint64) (hs []digest.Hash) {
	for seed := from; seed < to; seed++ {
		hs = append(hs, journaltest.Hash(seed))
	}
	return hs
}

// Where a commit fails, a head and a reservation are had as a whole or not at
// all, and the next process goes on with either.
func TestLogInterrupted(t *testing.T) {
	ctx := context.Background()
	all := hashesOf(0, 9000) // three transactions
	first := journal.Head{Log: "0123456789abcdef", Size: 10, Checkpoint: []byte("a")}
	second := journal.Head{Log: "0123456789abcdef", Size: 20, Checkpoint: []byte("b")}
	tile := func(b byte) []journal.Tile {
		return []journal.Tile{{Level: 1, Hashes: bytes.Repeat([]byte{b}, 32)}}
	}
	for at := int64(1); ; at++ {
		for _, applied := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "j.db")
			var commits atomic.Int64
			var hit atomic.Bool
			j := open(t, path, Options{Log: quiet, fault: func(step string) (bool, error) {
				if step == "commit" && commits.Add(1) == at {
					hit.Store(true)
					return applied, errors.New("input/output error")
				}
				return true, nil
			}})
			begin := func() error { return j.Reserve(ctx, 0, all) }
			swap := func() error { return j.SwapHead(ctx, first, second, tile(2)) }
			_, e0 := j.Admit(ctx, journaltest.Events(0, 5, 100), both)
			e1 := begin()
			_, e2 := j.Admit(ctx, journaltest.Events(8000, 8010, 100), both)
			e3 := j.SwapHead(ctx, journal.Head{}, first, tile(1))
			e4 := swap()
			if !hit.Load() {
				if err := errors.Join(e0, e1, e2, e3, e4); err != nil {
					t.Fatal(err)
				}
				if at < 7 {
					t.Fatalf("there were %d commits", at-1)
				}
				return
			}
			_ = j.Close()
			j = open(t, path, Options{})
			last, err := j.Last(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if hs, err := j.Hashes(ctx, 0, 10_000); err != nil || !slices.Equal(hs, all[:last]) {
				t.Fatalf("commit %d (%v): %d hashes of %d, %v", at, applied, len(hs), last, err)
			}
			h, err := j.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got, err := j.Tile(ctx, 1, 0)
			if err != nil && !errors.Is(err, journal.ErrNotFound) {
				t.Fatal(err)
			}
			switch {
			case reflect.DeepEqual(h, journal.Head{}) && got == nil:
			case reflect.DeepEqual(h, first) && got[0] == 1:
			case reflect.DeepEqual(h, second) && got[0] == 2:
			default:
				t.Fatalf("commit %d (%v): %+v with %x", at, applied, h, got)
			}
			if as, err := j.Admit(ctx, journaltest.Events(0, 5, 100), both); err != nil || as[4].Entry.Sequence != 5 {
				t.Fatalf("commit %d (%v): %v", at, applied, err)
			}
			if err := begin(); err != nil {
				t.Fatal(err)
			}
			as, err := j.Admit(ctx, journaltest.Events(8000, 8010, 100), both)
			if err != nil || as[0].Entry.Sequence != 8001 || as[9].Entry.Sequence != 8010 {
				t.Fatalf("commit %d (%v): %+v, %v", at, applied, as, err)
			}
			first = h
			if err := swap(); err != nil {
				t.Fatal(err)
			}
			first = journal.Head{Log: "0123456789abcdef", Size: 10, Checkpoint: []byte("a")}
			if j.Reserved() != 9000-15 {
				t.Fatalf("%d numbers are reserved", j.Reserved())
			}
		}
	}
}

// What a transaction took out of the reservation is in it again when it fails.
func TestRollbackReserves(t *testing.T) {
	full := &busy{}
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{fault: full.fault})
	ctx := context.Background()
	if err := j.Reserve(ctx, 0, hashesOf(0, 1000)); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Admit(ctx, journaltest.Events(1, 512, 100), both); err != nil {
		t.Fatal(err)
	}
	full.on.Store(true)
	// The last of a block, some of the tail, and new ones.
	vs := append(journaltest.Events(0, 1, 100), journaltest.Events(700, 1600, 100)...)
	if _, err := j.Admit(ctx, vs, both); !errors.Is(err, journal.ErrFull) {
		t.Fatal(err)
	}
	if err := j.Reserve(ctx, 1000, hashesOf(1000, 1100)); !errors.Is(err, journal.ErrFull) {
		t.Fatal(err)
	}
	full.on.Store(false)
	if last, _ := j.Last(ctx); last != 1000 || j.Reserved() != 489 || len(j.w.tail) != 488 || holes(j.w.tail) != 488 {
		t.Fatalf("%d numbers, %d reserved; the tail has %d, %d reserved", last, j.Reserved(), len(j.w.tail), holes(j.w.tail))
	}
	as, err := j.Admit(ctx, vs, both)
	if err != nil || as[0].Entry.Sequence != 1 || as[1].Entry.Sequence != 701 || as[900].Entry.Sequence != 1600 {
		t.Fatal(err)
	}
	for range 2 {
		found, err := j.Walk(ctx, journal.Filter{Types: []string{"VOTE", "LIKE", "ADD_CLAIM", "FINALIZE"}})
		if err != nil || len(found.Entries) != 1000 || found.Next != 1188 || fmt.Sprint(found.Damaged) != fmt.Sprint([]journal.Damage{{From: 513, To: 700, Err: journal.ErrReserved}}) {
			t.Fatalf("%d events, %v, %d, %v", len(found.Entries), found.Damaged, found.Next, err)
		}
		if found, err := j.Check(ctx); err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, path, Options{})
	}
}

// TestRebuildKeepsTheLog: up to its head, numbers stay whatever page is
// destroyed, and what cannot be read of the hashes comes back from the log's
// entries.
func TestRebuildKeepsTheLog(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	path := filepath.Join(folder, "j.db")
	const events, size, absent = sampleEvents + 100, 550, 20
	sample(t, path)
	j := open(t, path, Options{})
	all := hashesOf(0, events)
	epoch := j.Epoch()
	if err := j.Reserve(ctx, sampleEvents, all[sampleEvents:]); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Admit(ctx, journaltest.Events(sampleEvents+absent, events, 200), both); err != nil {
		t.Fatal(err)
	}
	head := journal.Head{Log: epoch, Origin: "example.org/log/" + epoch, Size: size, Checkpoint: []byte("a note"), Why: "so"}
	if err := j.SwapHead(ctx, journal.Head{}, head, []journal.Tile{{Level: 1, Hashes: make([]byte, 64)}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, moved, renumbered := 0, 0, 0
	for p := range len(whole) / pageBytes {
		for _, renumber := range []bool{false, true} {
			damaged := filepath.Join(folder, fmt.Sprintf("%d-%v.db", p, renumber))
			file := slices.Clone(whole)
			copy(file[p*pageBytes+100:], "this is not what was written")
			if err := os.WriteFile(damaged, file, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Rebuild(ctx, damaged, renumber, quiet)
			if errors.Is(err, journal.ErrDamaged) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			j := open(t, damaged, Options{Log: quiet})
			lost, beyond := uint64(0), uint64(0)
			var left []digest.Hash
			gone := map[uint64]bool{}
			for _, d := range r.Lost {
				for seq := d.From; seq <= d.To; seq++ {
					gone[seq] = true
					if lost++; seq > size || renumber {
						beyond++
					}
				}
			}
			for i, h := range all {
				if !gone[uint64(i+1)] || i < size && !renumber {
					left = append(left, h)
				}
			}
			last, err := j.Last(ctx)
			if err != nil || last != events-beyond || r.Events+r.Kept != last {
				t.Fatalf("page %d: %d numbers, %d lost; %+v, %v", p+1, last, lost, r, err)
			}
			if h, err := j.Head(ctx); err != nil || !reflect.DeepEqual(h, head) {
				t.Fatalf("page %d: the head is %+v, %v", p+1, h, err)
			}
			k, err := j.Kept(ctx, epoch)
			if err != nil || beyond == 0 && k < size || !renumber && k < size {
				t.Fatalf("page %d: %d are kept, %v", p+1, k, err)
			}
			if !renumber {
				if err := j.Reserve(ctx, 0, all[:size]); err != nil {
					t.Fatalf("page %d: Reserve: %v", p+1, err)
				}
			}
			for at := uint64(0); at < last; {
				hs, err := j.Hashes(ctx, at, 100)
				if err != nil || !slices.Equal(hs, left[at:at+uint64(len(hs))]) {
					t.Fatalf("page %d: after %d: %v", p+1, at, err)
				}
				at += uint64(len(hs))
			}
			if found, err := j.Check(ctx); err != nil || len(found) > 0 {
				t.Fatalf("page %d: Check finds %v, %v", p+1, found, err)
			}
			as, err := j.Admit(ctx, journaltest.Events(0, events, 200), both)
			if err != nil || j.Reserved() != 0 {
				t.Fatalf("page %d: %d are reserved, %v", p+1, j.Reserved(), err)
			}
			for i, a := range as {
				if !renumber && i < size && a.Entry.Sequence != uint64(i+1) {
					t.Fatalf("page %d: event %d has another number: %d", p+1, i+1, a.Entry.Sequence)
				}
			}
			switch {
			case renumber && lost > 0:
				renumbered++
			case lost > beyond:
				kept++
			case lost > 0:
				moved++
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept == 0 || moved == 0 || renumbered == 0 {
		t.Errorf("%d rebuilds kept numbers, %d moved some, %d gave them up", kept, moved, renumbered)
	}
}
