package journaltest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

func logged(t *testing.T, j journal.Journal) journal.Logged {
	t.Helper()
	l, ok := j.(journal.Logged)
	if !ok {
		t.Fatal("the journal is not Logged")
	}
	return l
}

// seeds returns the hashes of the seeds from … to−1.
func seeds(from, to uint64) (hs []digest.Hash) {
	for seed := from; seed < to; seed++ {
		hs = append(hs, Hash(seed))
	}
	return hs
}

// numbered checks which hashes have the numbers after one.
func numbered(t *testing.T, j journal.Journal, after uint64, limit int, want []digest.Hash) {
	t.Helper()
	got, err := logged(t, j).Hashes(timeout(t), after, limit)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("after %d there are %d hashes, %v; want %d", after, len(got), err, len(want))
	}
}

func hashes(t *testing.T, s Subject) {
	j := s.Journal
	numbered(t, j, 0, 10, nil)
	admit(t, j, Events(0, 2000, 100), both...)
	for range 2 {
		numbered(t, j, 0, 1500, seeds(0, 1500))
		numbered(t, j, 1500, 4096, seeds(1500, 2000))
		numbered(t, j, 511, 2, seeds(511, 513))
		numbered(t, j, 1999, 1, seeds(1999, 2000))
		numbered(t, j, 2000, 10, nil)
		numbered(t, j, 1<<40, 10, nil)
		numbered(t, j, 0, 0, nil)
		j = s.Reopen(t)
	}
}

// A head is swapped by one caller alone, with its tiles, and stays.
func head(t *testing.T, s Subject) {
	j := s.Journal
	swap := func(was, now journal.Head, want error, tiles ...journal.Tile) {
		t.Helper()
		if err := logged(t, j).SwapHead(timeout(t), was, now, tiles); !errors.Is(err, want) {
			t.Fatalf("SwapHead: %v, want %v", err, want)
		}
	}
	is := func(want journal.Head) {
		t.Helper()
		if got, err := logged(t, j).Head(timeout(t)); err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || (got.Checkpoint == nil) != (want.Checkpoint == nil) {
			t.Fatalf("the head is %+v, %v; want %+v", got, err, want)
		}
	}
	tile := func(level int, number uint64, want []byte) {
		t.Helper()
		got, err := logged(t, j).Tile(timeout(t), level, number)
		if want == nil && !errors.Is(err, journal.ErrNotFound) || want != nil && (err != nil || !bytes.Equal(got, want)) {
			t.Fatalf("tile %d of level %d: %x, %v; want %x", number, level, got, err, want)
		}
	}
	bytesOf := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n*digest.Size) }

	is(journal.Head{})
	tile(1, 0, nil)
	first := journal.Head{Log: "0123456789abcdef", Origin: "example.org/log/0123456789abcdef", Size: 300, Checkpoint: []byte("a note\nof\nthree lines\n"), Why: "the first was gone"}
	swap(first, first, journal.ErrOutdated)
	is(journal.Head{})
	swap(journal.Head{}, first, nil, journal.Tile{Level: 1, Hashes: bytesOf(1, 1)})
	is(first)
	first.Checkpoint[0] = 'A' // the caller's own
	first.Checkpoint = []byte("a note\nof\nthree lines\n")
	is(first)
	h, err := logged(t, j).Head(timeout(t))
	if err != nil {
		t.Fatal(err)
	}
	h.Checkpoint[0] = 'A'
	is(first)

	second := journal.Head{Log: first.Log, Origin: first.Origin, Size: 70_000, Checkpoint: []byte("another"), Why: "not said again"}
	swap(first, second, nil, journal.Tile{Level: 1, Hashes: bytesOf(2, 256)}, journal.Tile{Level: 1, Number: 1, Hashes: bytesOf(3, 17)}, journal.Tile{Level: 2, Hashes: bytesOf(4, 1)})
	second.Why = first.Why
	for range 2 {
		is(second)
		tile(1, 0, bytesOf(2, 256))
		tile(1, 1, bytesOf(3, 17))
		tile(2, 0, bytesOf(4, 1))
		tile(2, 1, nil)
		j = s.Reopen(t)
	}
	// What is refused changes nothing.
	swap(first, second, journal.ErrOutdated, journal.Tile{Level: 2, Hashes: bytesOf(9, 1)})
	swap(journal.Head{Log: "fedcba9876543210", Size: 70_000}, first, journal.ErrOutdated, journal.Tile{Level: 2, Hashes: bytesOf(9, 1)})
	for _, bad := range []journal.Tile{{Level: 0, Hashes: bytesOf(9, 1)}, {Level: 2}, {Level: 2, Hashes: bytesOf(9, 257)}, {Level: 2, Hashes: bytesOf(9, 2)[:33]}} {
		if err := logged(t, j).SwapHead(timeout(t), second, first, []journal.Tile{bad}); err == nil {
			t.Fatalf("a tile of level %d with %d bytes is taken", bad.Level, len(bad.Hashes))
		}
	}
	is(second)
	tile(2, 0, bytesOf(4, 1))

	// Of several who follow the same head, one succeeds.
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			now := second
			now.Size += uint64(1 + i)
			errs[i] = logged(t, j).SwapHead(timeout(t), second, now, []journal.Tile{{Level: 2, Hashes: bytesOf(byte(10+i), 1)}})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case !errors.Is(err, journal.ErrOutdated):
			t.Fatalf("of eight, %d: %v (%d succeeded)", i, err, won)
		}
	}
	second.Size += uint64(1 + won)
	is(second)
	tile(2, 0, bytesOf(byte(10+won), 1))

	// Another log begins without tiles.
	third := journal.Head{Log: "fedcba9876543210", Origin: "example.org/log/fedcba9876543210"}
	swap(second, third, nil, journal.Tile{Level: 1, Number: 5, Hashes: bytesOf(5, 1)})
	for range 2 {
		is(third)
		tile(1, 0, nil)
		tile(1, 1, nil)
		tile(1, 5, bytesOf(5, 1))
		j = s.Reopen(t)
	}
}

// Events get the numbers that were reserved for them, however they come and
// whenever; all others come behind.
func reserve(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 100, 100), both...)
	const last = 1600
	// It was interrupted before, and said what is there already.
	if err := logged(t, j).Reserve(timeout(t), 100, seeds(100, 700)); err != nil {
		t.Fatal(err)
	}
	j = s.Reopen(t)
	if err := logged(t, j).Reserve(timeout(t), 0, seeds(0, last)); err != nil {
		t.Fatal(err)
	}
	if err := logged(t, j).Reserve(timeout(t), 50, seeds(50, 60)); err != nil {
		t.Fatal(err)
	}
	// The number of another event, with and without its event, and beyond the end.
	for i, first := range []uint64{10, 700, last - 1} {
		if err := logged(t, j).Reserve(timeout(t), first, seeds(5000, 5002)); !errors.Is(err, journal.ErrTaken) {
			t.Fatalf("%d: %v, want ErrTaken", i, err)
		}
	}
	if err := logged(t, j).Reserve(timeout(t), last+1, seeds(5000, 5002)); err == nil {
		t.Fatal("a number beyond the next one is given")
	}
	at := func(j journal.Journal) {
		t.Helper()
		if n, err := j.Last(timeout(t)); n != last || err != nil {
			t.Fatalf("Last is %d, %v", n, err)
		}
		numbered(t, j, 0, last+10, seeds(0, last))
	}
	at(j)
	// A number alone is no event.
	if _, _, err := j.Get(timeout(t), Hash(500)); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("Get: %v, want ErrNotFound", err)
	}
	gone(t, j, Hash(500))
	if es, err := j.Entries(timeout(t), seeds(500, 502)); err != nil || es[0] != nil || es[1] != nil {
		t.Fatalf("Entries: %v, %v", es, err)
	}

	// In no order, over and over, admitted and restored, with strangers among them.
	numbers := map[uint64]uint64{}
	behind := uint64(last)
	note := func(as []journal.Admission, order []uint64, knows bool) {
		t.Helper()
		for i, a := range as {
			want := order[i] + 1
			if order[i] >= last {
				if _, ok := numbers[order[i]]; !ok {
					behind++
					numbers[order[i]] = behind
				}
				want = numbers[order[i]]
			}
			if a.Entry.Sequence != want || a.Entry.Hash != Hash(order[i]) || a.Known != knows {
				t.Fatalf("event %d has the number %d (%v), not %d", order[i], a.Entry.Sequence, a.Known, want)
			}
		}
	}
	var order []uint64
	for i := range uint64(last + 200) {
		if seed := i * 1009 % (last + 200); seed >= 100 {
			order = append(order, seed)
		}
	}
	stranger := slices.DeleteFunc(slices.Clone(order), func(seed uint64) bool { return seed%17 == 0 && seed < last }) // these come last
	for i, chunk := range slices.Collect(slices.Chunk(stranger, 97)) {
		var vs []module.Verified
		var rs []journal.Restored
		for _, seed := range chunk {
			v := Event(seed, 100, 0)
			vs = append(vs, v)
			rs = append(rs, journal.Restored{Meta: *v.Meta(), AdmittedAt: time.UnixMilli(1758390021123), Copies: []journal.Copy{{Replica: "a", State: custody.Held, Location: "there"}}})
		}
		for again := range 2 {
			var as []journal.Admission
			var err error
			if i%2 == 0 {
				as, err = j.Admit(timeout(t), vs, both)
			} else {
				as, err = j.(journal.Restorer).Restore(timeout(t), rs)
			}
			if err != nil {
				t.Fatal(err)
			}
			note(as, chunk, again > 0)
		}
		if i == 10 {
			j = s.Reopen(t)
		}
	}
	for _, seed := range order {
		if seed%17 == 0 && seed < last {
			note(admit(t, j, []module.Verified{Event(seed, 100, 0)}, both...), []uint64{seed}, false)
		}
	}
	if n, err := j.Last(timeout(t)); n != behind || err != nil || n != last+200 {
		t.Fatalf("Last is %d, %v", n, err)
	}
	for range 2 {
		numbered(t, j, 0, last, seeds(0, last))
		es, err := j.Scan(timeout(t), 0, last+200)
		if err != nil || len(es) != last+200 {
			t.Fatalf("Scan: %d, %v", len(es), err)
		}
		for i, e := range es[:last] {
			sameEntry(t, e, journal.Entry{Meta: *Event(uint64(i), 100, 0).Meta(), Sequence: uint64(i + 1), AdmittedAt: e.AdmittedAt})
		}
		searched(t, j, es)
		if found, err := j.(journal.Walker).Check(timeout(t)); err != nil || len(found) > 0 {
			t.Fatalf("Check finds %v, %v", found, err)
		}
		j = s.Reopen(t)
	}
}

// searched compares what is found with what is there, with filters of each kind.
func searched(t *testing.T, j journal.Journal, all []journal.Entry) {
	t.Helper()
	for i, f := range filters(all) {
		for _, down := range []bool{false, true} {
			want := slices.DeleteFunc(slices.Clone(all), func(e journal.Entry) bool { return !matches(f, e) })
			if f.Descending = down; down {
				slices.Reverse(want)
			}
			var got []journal.Entry
			page := f
			for page.Limit = 100; ; {
				found, err := j.(journal.Walker).Walk(timeout(t), page)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, found.Entries...); found.Next == 0 {
					break
				}
				if page.After = found.Next; down {
					page.After, page.Before = f.After, found.Next
				}
			}
			if len(got) != len(want) {
				t.Fatalf("filter %d finds %d events, not %d", i, len(got), len(want))
			}
			for k := range got {
				if got[k].Sequence != want[k].Sequence || got[k].Hash != want[k].Hash {
					t.Fatalf("filter %d finds %d where %d is", i, got[k].Sequence, want[k].Sequence)
				}
			}
			if n, err := j.(journal.Finder).Count(timeout(t), f); err != nil || n != uint64(len(want)) {
				t.Fatalf("filter %d counts %d events, %v, not %d", i, n, err, len(want))
			}
		}
	}
}

func filters(all []journal.Entry) []journal.Filter {
	since, until := uint64(1758390021+300), uint64(1758390021+900)
	return []journal.Filter{
		{}, {After: 900, Before: 1400}, {Types: []string{"VOTE"}}, {Types: []string{"FINALIZE"}}, {Authors: Authors[30:32]}, {Parents: []digest.Hash{all[3].Hash, all[len(all)/2].Hash}},
		{Since: &since}, {Since: &since, Until: &until, Types: []string{"LIKE", "ADD_CLAIM"}}, {Authors: Authors[:2], After: 600, Before: 1500},
	}
}

func matches(f journal.Filter, e journal.Entry) bool {
	return (len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) && (len(f.Authors) == 0 || slices.Contains(f.Authors, e.AuthorKey)) &&
		(len(f.Parents) == 0 || slices.ContainsFunc(f.Parents, func(p digest.Hash) bool { return slices.Contains(e.Parents, p) })) &&
		(f.Since == nil || e.CreatedAt >= *f.Since) && (f.Until == nil || e.CreatedAt <= *f.Until) &&
		e.Sequence > f.After && (f.Before == 0 || e.Sequence < f.Before)
}

// What is reserved is named by who walks, refused by who does not, and found
// by all once it has come.
func passed(t *testing.T, s Subject) {
	j := s.Journal
	const last = 2000
	if err := logged(t, j).Reserve(timeout(t), 0, seeds(0, last)); err != nil {
		t.Fatal(err)
	}
	ranges := [][2]uint64{{1, 1}, {601, 640}, {1024, 1025}, {1991, 1991}, {last, last}}
	var absentees []digest.Hash
	for _, r := range ranges {
		absentees = append(absentees, seeds(r[0]-1, r[1])...)
	}
	var all []journal.Entry
	come := func(absent bool) {
		vs := slices.DeleteFunc(Events(0, last, 100), func(v module.Verified) bool {
			return slices.Contains(absentees, v.Hash()) != absent
		})
		for _, a := range admit(t, j, vs, both...) {
			all = append(all, a.Entry)
		}
	}
	come(false)
	for range 2 {
		searched(t, j, all)
		for _, down := range []bool{false, true} {
			for i, f := range filters(all) {
				f.Descending, f.Limit = down, 7
				want := map[uint64]bool{}
				for _, r := range ranges {
					for seq := r[0]; seq <= r[1]; seq++ {
						if seq > f.After && (f.Before == 0 || seq < f.Before) {
							want[seq] = true
						}
					}
				}
				at := uint64(0)
				step := func(from, to uint64) {
					if from > to || at > 0 && (from > at) == down {
						t.Fatalf("filter %d: %d … %d comes after %d", i, from, to, at)
					}
					if at = to; down {
						at = from
					}
				}
				for first := f.After; ; {
					found, err := j.(journal.Walker).Walk(timeout(t), f)
					if err != nil {
						t.Fatal(err)
					}
					if !down {
						for e, d := range found.Ascending() {
							if e != nil {
								step(e.Sequence, e.Sequence)
							} else {
								step(d.From, d.To)
							}
						}
					}
					for _, d := range found.Damaged {
						if !errors.Is(d.Err, journal.ErrReserved) || !errors.Is(d.Err, journal.ErrDamaged) {
							t.Fatalf("%v", d)
						}
						for seq := d.From; seq <= d.To; seq++ {
							if !want[seq] {
								t.Fatalf("filter %d: %d is named, or again", i, seq)
							}
							delete(want, seq)
						}
					}
					if found.Next == 0 {
						break
					}
					if f.After = found.Next; down {
						f.After, f.Before = first, found.Next
					}
				}
				if len(want) > 0 {
					t.Fatalf("filter %d, descending %v: %v are not named", i, down, want)
				}
			}
		}
		if _, err := j.Scan(timeout(t), 590, 30); !errors.Is(err, journal.ErrReserved) {
			t.Fatalf("Scan over what is reserved: %v", err)
		}
		if es, err := j.Scan(timeout(t), 590, 10); err != nil || len(es) != 10 {
			t.Fatalf("Scan before what is reserved: %d, %v", len(es), err)
		}
		if _, err := j.(journal.Finder).Query(timeout(t), journal.Filter{Types: []string{"FINALIZE"}, Descending: true}); !errors.Is(err, journal.ErrReserved) {
			t.Fatalf("Query over what is reserved: %v", err)
		}
		j = s.Reopen(t)
	}
	come(true)
	slices.SortFunc(all, func(a, b journal.Entry) int { return int(a.Sequence) - int(b.Sequence) })
	searched(t, j, all)
	if es, err := j.Scan(timeout(t), 0, last); err != nil || len(es) != last {
		t.Fatalf("Scan: %d, %v", len(es), err)
	}
}
