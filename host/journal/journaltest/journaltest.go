// Package journaltest is the conformance suite that every Journal passes. A
// backend's own test makes a Subject and calls Run.
package journaltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Subject is an empty journal under test.
type Subject struct {
	Journal journal.Journal
	// Reopen closes the journal and opens it again on the same data.
	Reopen func(t *testing.T) journal.Journal
}

// Authors and Types are what Event chooses from.
var (
	Authors = authors()
	Types   = []module.Meta{{Type: "VOTE", TypeCode: 40}, {Type: "LIKE", TypeCode: 41}, {Type: "ADD_CLAIM", TypeCode: 30}, {Type: "FINALIZE", TypeCode: 50}}
)

func authors() (as [][34]byte) {
	for i := range 40 {
		sum := sha256.Sum256(fmt.Append(nil, "author", i))
		as = append(as, [34]byte(append([]byte{0, 2}, sum[:]...)))
	}
	return as
}

// Hash returns the hash of Event(seed, …).
func Hash(seed uint64) digest.Hash { return sha256.Sum256(fmt.Append(nil, "event", seed)) }

// Event returns an event of a record of about size bytes, the same for the
// same seed; its parents are events of lesser seeds. variant chooses between
// records under one hash, as two valid signatures of one event are. The suite
// needs no real signatures: a journal never looks at them.
func Event(seed uint64, size, variant int) module.Verified {
	rng := rand.New(rand.NewPCG(seed, 2))
	meta := Types[min(rng.IntN(20), rng.IntN(20))%len(Types)]
	meta.Hash = Hash(seed)
	// A few authors write most; each key has two spellings.
	a := min(rng.IntN(len(Authors)), rng.IntN(len(Authors)), rng.IntN(len(Authors)))
	meta.AuthorKey = Authors[a]
	meta.Author = fmt.Sprintf("PUB_K1_%d", a)
	if rng.IntN(4) == 0 {
		meta.Author = fmt.Sprintf("EOS%d", a)
	}
	meta.CreatedAt = 1758390021 + seed - uint64(rng.IntN(int(min(seed, 1000)+1)))
	for n := rng.IntN(3); n > 0 && seed > 0; n-- {
		p := Hash(rng.Uint64N(seed))
		if len(meta.Parents) == 0 || meta.Parents[0] != p {
			meta.Parents = append(meta.Parents, p)
		}
	}
	pad := make([]byte, max(0, size-60))
	for i := range pad {
		pad[i] = 'a' + byte(rng.IntN(26))
	}
	record := fmt.Appendf(nil, `{"body":{"pad":"%s","seed":%d},"sig":"%d","v":1}`, pad, seed, variant)
	meta.RecordDigest = sha256.Sum256(record)
	v, err := module.Match(&meta, record)
	if err != nil {
		panic(err) // the digest was made of these very bytes
	}
	return v
}

// Events returns the events of the seeds from … to−1.
func Events(from, to uint64, size int) []module.Verified {
	vs := make([]module.Verified, 0, to-from)
	for seed := from; seed < to; seed++ {
		vs = append(vs, Event(seed, size, 0))
	}
	return vs
}

// Run runs the suite; open is called for every case and must return an empty journal.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"empty", empty},
		{"admit and read", admitRead},
		{"known events", known},
		{"an event twice in a call", twice},
		{"concurrent admissions", concurrent},
		{"withdrawn admission", withdrawn},
		{"outcomes", outcomes},
		{"an outcome at once", outcomeAtOnce},
		{"failures and the outbox", outbox},
		{"owed again", owedAgain},
		{"bytes stay while nobody holds the event", bytesStay},
		{"updates of nothing", updatesOfNothing},
		{"reopen", reopen},
		{"closed", closed},
		{"restore", restore},
		{"another record", follow},
		{"epochs", epochs},
		{"places", places},
		{"losses", losses},
		{"wait", wait},
		{"queries", queries},
		{"paging under writers", paging},
		{"hashes", hashes},
		{"a log's head", head},
		{"reserved numbers", reserve},
		{"reserved numbers are named", passed},
		{"posts", anchors},
		{"the head that covers", covers},
		{"passed events", passedEvents},
		{"another target", target},
		{"posts that cannot be", impossible},
		{"short events", shortEvents},
		{"short events and places", shortPlaces},
		{"short numbers", shortNumbers},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var both = []string{"a", "b"}

func admit(t *testing.T, j journal.Journal, vs []module.Verified, owed ...string) []journal.Admission {
	t.Helper()
	as, err := j.Admit(timeout(t), vs, owed)
	if err != nil {
		t.Fatalf("Admit: %v", err)
	}
	if len(as) != len(vs) {
		t.Fatalf("Admit gave %d answers for %d events", len(as), len(vs))
	}
	return as
}

func flush(t *testing.T, j journal.Journal) {
	t.Helper()
	if err := j.Flush(timeout(t)); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

func sameEntry(t *testing.T, got, want journal.Entry) {
	t.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Fatalf("entry\n%+v, want\n%+v", got, want)
	}
}

func get(t *testing.T, j journal.Journal, h digest.Hash) (journal.Entry, map[string]journal.Copy) {
	t.Helper()
	e, cs, err := j.Get(timeout(t), h)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	byName := map[string]journal.Copy{}
	last := ""
	for _, c := range cs {
		if c.Replica <= last {
			t.Fatalf("copies are not sorted by replica: %+v", cs)
		}
		last = c.Replica
		byName[c.Replica] = c
	}
	return e, byName
}

func holds(t *testing.T, j journal.Journal, v module.Verified) {
	t.Helper()
	b, err := j.Record(timeout(t), v.Hash())
	if err != nil || !bytes.Equal(b, v.Record()) {
		t.Fatalf("Record: %d bytes, %v; want the %d admitted", len(b), err, len(v.Record()))
	}
}

func gone(t *testing.T, j journal.Journal, h digest.Hash) {
	t.Helper()
	if b, err := j.Record(timeout(t), h); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("Record: %d bytes, %v; want ErrNotFound", len(b), err)
	}
}

func owed(t *testing.T, j journal.Journal, replica string, ahead time.Duration, limit int) []journal.Owed {
	t.Helper()
	os, err := j.Owed(timeout(t), replica, ahead, limit)
	if err != nil {
		t.Fatalf("Owed: %v", err)
	}
	return os
}

func backlog(t *testing.T, j journal.Journal, want map[string]int) {
	t.Helper()
	got, err := j.Backlog(timeout(t))
	if err != nil {
		t.Fatalf("Backlog: %v", err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("Backlog is %v, want %v", got, want)
	}
}
