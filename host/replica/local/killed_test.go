package local

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

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

const killings = 12

var killedOptions = Options{SegmentBytes: 60_000, CompactRate: 1 << 30}

// child stores from several goroutines until it is killed, singly and in
// batches, deletes some of it again, and says each answer on its standard
// output, one write a line.
func child(t *testing.T, path string, round uint64) {
	r := open(t, path, killedOptions)
	ctx := context.Background()
	var wg sync.WaitGroup
	for g := range uint64(6) {
		wg.Go(func() {
			for from := round<<48 | g<<40; ; from += 16 {
				n := uint64(1)
				if g < 3 {
					n = 16
				}
				var vs []module.Verified
				for s := from; s < from+n; s++ {
					vs = append(vs, replicatest.Event(s, 400, 0))
				}
				var line strings.Builder
				for i, out := range r.PutBatch(ctx, vs) {
					if out.Err != nil {
						t.Error(out.Err)
						return
					}
					fmt.Fprintf(&line, "put %d\n", from+uint64(i))
				}
				fmt.Print(line.String())
				if g%2 == 0 {
					for i, v := range vs[1:] {
						fmt.Printf("deleting %d\n", from+1+uint64(i))
						if err := r.Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
							t.Error(err)
							return
						}
						fmt.Printf("deleted %d\n", from+1+uint64(i))
					}
				}
			}
		})
	}
	wg.Wait()
}

// What was answered is so after the process was killed at a random moment,
// while it wrote, sealed and compacted.
func TestKilled(t *testing.T) {
	if path := os.Getenv("EVENTSEAL_LOCAL_CHILD"); path != "" {
		var round uint64
		if _, err := fmt.Sscan(os.Getenv("EVENTSEAL_LOCAL_ROUND"), &round); err != nil {
			t.Fatal(err)
		}
		child(t, path, round)
		return
	}
	path := filepath.Join(t.TempDir(), "r")
	want := map[uint64]int{}
	for round := range killings {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "EVENTSEAL_LOCAL_CHILD="+path, fmt.Sprintf("EVENTSEAL_LOCAL_ROUND=%d", round))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100*time.Millisecond + time.Duration(time.Now().UnixNano()%100)*time.Millisecond)
		_ = cmd.Process.Kill() // ended by itself: then the output says why
		_ = cmd.Wait()
		for line := range strings.Lines(out.String()) {
			var what string
			var seed uint64
			if !strings.HasSuffix(line, "\n") {
				break // cut by the kill
			}
			if _, err := fmt.Sscanf(line, "%s %d\n", &what, &seed); err != nil {
				t.Fatalf("the child said %q", line)
			}
			state, ok := map[string]int{"put": present, "deleting": undecided, "deleted": absent}[what]
			if !ok {
				t.Fatalf("the child said %q", line)
			}
			want[seed] = state
		}
		r := open(t, path, killedOptions)
		checkAll(t, r, want, 400)
		if n := r.Suffered(); n != 0 { // what a kill cuts short is no damage
			t.Fatalf("%d suffered", n)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) < 500 {
		t.Fatalf("only %d events were answered: the test proves nothing", len(want))
	}
	t.Logf("%d answered", len(want))
}
