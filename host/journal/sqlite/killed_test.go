package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/wasm/digest"
)

func hashes(seeds ...uint64) (hs []digest.Hash) {
	for _, s := range seeds {
		hs = append(hs, journaltest.Hash(s))
	}
	return hs
}

const rounds = 8

// child admits from several goroutines until it is killed, singly and in
// batches, and says each answer on its standard output, one write a line.
func child(t *testing.T, path string) {
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := j.Last(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range uint64(6) {
		wg.Go(func() {
			for from := last<<8 | g<<40; ; from += 40 {
				n := uint64(1)
				if g < 2 {
					n = 40
				}
				as, err := j.Admit(context.Background(), journaltest.Events(from, from+n, 600), both)
				if err != nil {
					t.Error(err)
					return
				}
				var line strings.Builder
				for i, a := range as {
					fmt.Fprintf(&line, "admitted %d %d\n", from+uint64(i), a.Entry.Sequence)
				}
				fmt.Print(line.String())
				for i, a := range as {
					j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "x", State: custody.Held})
					if i%2 == 0 {
						j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Location: "y", State: custody.Held})
					}
				}
			}
		})
	}
	wg.Go(func() { childPosts(t, j) })
	wg.Wait()
}

// childPosts puts a head and an event in each change, and makes the ones before final.
func childPosts(t *testing.T, j *Journal) {
	ctx := context.Background()
	n, _, err := j.Cursor(ctx)
	for err == nil {
		n++
		c := journal.PostChange{Put: []journal.Post{journaltest.HeadPost(n, n, journal.PostSubmitted), journaltest.EventsPost(n, journal.PostSubmitted, n)}, Cursor: &n}
		if n > 1 {
			c.Put = append(c.Put, journaltest.HeadPost(n-1, n-1, journal.PostFinal), journaltest.EventsPost(n-1, journal.PostFinal, n-1))
		}
		if err = j.Wait(ctx, n-1); err == nil {
			err = j.PutPosts(ctx, c)
		}
		if err == nil {
			fmt.Printf("posted %d\n", n)
		}
	}
	t.Error(err)
}

// checkPosts holds that each change is there as a whole, those that were answered too.
func checkPosts(t *testing.T, j *Journal, answered uint64) {
	t.Helper()
	ctx := context.Background()
	n, ok, err := j.Cursor(ctx)
	if err != nil || n < answered || ok != (n > 0) {
		t.Fatalf("the cursor is %d, %v, %v; %d was answered", n, ok, err, answered)
	}
	for _, kind := range []journal.PostKind{journal.PostHead, journal.PostEvents} {
		ps, err := j.Posts(ctx, kind, 0, 1<<20)
		open, e := j.Unfinished(ctx, kind)
		if err != nil || e != nil || uint64(len(ps)) != n || len(open) != min(1, len(ps)) {
			t.Fatalf("%d posts, %d not final, %v, %v; the cursor is %d", len(ps), len(open), err, e, n)
		}
		for i, p := range ps {
			if p.Number != n-uint64(i) || (p.State == journal.PostFinal) != (i > 0) {
				t.Fatalf("post %d of %d is %+v", i, n, p)
			}
		}
	}
	for seq := max(1, answered); seq <= n; seq++ {
		if p, at, err := j.PostOf(ctx, seq); err != nil || p.Number != seq || at != seq {
			t.Fatalf("event %d is in %d as %d, %v", seq, p.Number, at, err)
		}
	}
}

// checkKilled checks the events after a sequence number, in the last round all
// of them, and returns the last number.
func checkKilled(t *testing.T, path, output string, acknowledged map[uint64]uint64, round int, checked uint64) uint64 {
	t.Helper()
	all := round == rounds-1
	b, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	posted := uint64(0)
	lines := strings.SplitAfter(string(b), "\n")
	for _, line := range lines {
		if !strings.HasSuffix(line, "\n") {
			break // cut by the kill
		}
		var seed, seq uint64
		if _, err := fmt.Sscanf(line, "posted %d\n", &posted); err == nil {
			continue
		}
		if _, err := fmt.Sscanf(line, "admitted %d %d\n", &seed, &seq); err != nil {
			t.Fatalf("the child said %q", line)
		}
		acknowledged[seed] = seq
	}
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer j.Close()
	checkPosts(t, j, posted)
	ctx := context.Background()
	es, err := j.Scan(ctx, 0, 10_000_000)
	if err != nil {
		t.Fatal(err)
	}
	bySeq := map[uint64]digest.Hash{}
	for i, e := range es {
		if e.Sequence != uint64(i+1) {
			t.Fatalf("round %d: place %d has sequence %d", round, i+1, e.Sequence)
		}
		bySeq[e.Sequence] = e.Hash
	}
	backlog := map[string]int{}
	for seed, seq := range acknowledged {
		if !all && seq <= checked {
			continue
		}
		v := journaltest.Event(seed, 600, 0)
		if bySeq[seq] != v.Hash() {
			t.Fatalf("round %d: event %d was acknowledged as %d and is not there", round, seed, seq)
		}
		_, cs, err := j.Get(ctx, v.Hash())
		if err != nil || len(cs) != 2 {
			t.Fatalf("round %d: %v, %+v", round, err, cs)
		}
		record, err := j.Record(ctx, v.Hash())
		stays := cs[0].State.Owed() || cs[1].State.Owed()
		if stays && !bytes.Equal(record, v.Record()) || !stays && err == nil {
			t.Fatalf("round %d: event %d has %d bytes, owed is %v (%v)", round, seed, len(record), stays, err)
		}
	}
	if !all {
		return uint64(len(es))
	}
	for _, e := range es { // the acknowledged and the others
		_, cs, err := j.Get(ctx, e.Hash)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			if c.State.Owed() {
				backlog[c.Replica]++
			}
		}
	}
	if got, _ := j.Backlog(ctx); fmt.Sprint(got) != fmt.Sprint(backlog) {
		t.Fatalf("round %d: Backlog is %v, counted %v", round, got, backlog)
	}
	return uint64(len(es))
}

// What is admitted and stored meanwhile comes back from a child that was
// killed at a random moment.
func TestKilled(t *testing.T) {
	if path := os.Getenv("EVENTSEAL_JOURNAL_CHILD"); path != "" {
		child(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "j.db")
	acknowledged := map[uint64]uint64{} // seed → sequence
	checked := uint64(0)
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "EVENTSEAL_JOURNAL_CHILD="+path)
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100*time.Millisecond + time.Duration(time.Now().UnixNano()%200)*time.Millisecond)
		_ = cmd.Process.Kill() // ended by itself: then the output says why
		_ = cmd.Wait()
		checked = checkKilled(t, path, out.Name(), acknowledged, round, checked)
	}
	if len(acknowledged) < 100 {
		t.Fatalf("only %d events were acknowledged: the test proves nothing", len(acknowledged))
	}
	t.Logf("%d acknowledged", len(acknowledged))
}
