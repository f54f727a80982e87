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
	wg.Wait()
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
	lines := strings.SplitAfter(string(b), "\n")
	for _, line := range lines {
		if !strings.HasSuffix(line, "\n") {
			break // cut by the kill
		}
		var seed, seq uint64
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
