package local

import (
	"bytes"
	"context"
	"errors"
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
	wg.Go(func() { childObjects(t, r, round) })
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

// head is the text under the name "o/checkpoint" after so many swaps.
func head(n uint64) []byte {
	if n == 0 {
		return nil
	}
	return fmt.Appendf(nil, "head %d", n)
}

// childObjects does the same with objects, and swaps one from head to head.
func childObjects(t *testing.T, r *Replica, round uint64) {
	ctx, last := context.Background(), uint64(0)
	if b, err := r.GetObject(ctx, "o/checkpoint"); err == nil {
		_, _ = fmt.Sscanf(string(b), "head %d", &last)
	}
	for n := round << 32; ; n++ {
		name := fmt.Sprint("o/", n)
		if err := r.PutObjects(ctx, []replica.Object{replicatest.Object(name, n, 700)})[0]; err != nil {
			t.Error(err)
			return
		}
		fmt.Printf("object %d\nswapping %d\n", n, last+1)
		if err := r.SwapObject(ctx, "o/checkpoint", head(last), head(last+1)); err != nil {
			t.Error(err)
			return
		}
		last++
		fmt.Printf("swapped %d\n", last)
		if n%3 > 0 {
			fmt.Printf("dropping %d\n", n)
			if err := r.DeleteObjects(ctx, []string{name}); err != nil {
				t.Error(err)
				return
			}
			fmt.Printf("dropped %d\n", n)
		}
	}
}

// checkObjects compares what is held with what the child said.
func checkObjects(t *testing.T, r *Replica, want map[uint64]int, swapping, swapped uint64) {
	t.Helper()
	ctx := context.Background()
	b, err := r.GetObject(ctx, "o/checkpoint")
	if swapped > 0 && err != nil || err == nil && !bytes.Equal(b, head(swapped)) && !bytes.Equal(b, head(swapping)) {
		t.Fatalf("the checkpoint is %q, %v, after %d", b, err, swapped)
	}
	for n, state := range want {
		o := replicatest.Object(fmt.Sprint("o/", n), n, 700)
		b, err := r.GetObject(ctx, o.Name)
		if held := err == nil && bytes.Equal(b, o.Data); state != undecided && held != (state == present) || err != nil && !errors.Is(err, replica.ErrNotFound) {
			t.Fatalf("object %d: %d bytes, %v", n, len(b), err)
		}
	}
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
	want, objects := map[uint64]int{}, map[uint64]int{}
	var swapping, swapped uint64
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
			switch what {
			case "swapping":
				swapping = seed
				continue
			case "swapped":
				swapped = seed
				continue
			}
			if state, ok := map[string]int{"object": present, "dropping": undecided, "dropped": absent}[what]; ok {
				objects[seed] = state
				continue
			}
			state, ok := map[string]int{"put": present, "deleting": undecided, "deleted": absent}[what]
			if !ok {
				t.Fatalf("the child said %q", line)
			}
			want[seed] = state
		}
		r := open(t, path, killedOptions)
		checkAll(t, r, want, 400)
		checkObjects(t, r, objects, swapping, swapped)
		if n := r.Suffered(); n != 0 { // what a kill cuts short is no damage
			t.Fatalf("%d suffered", n)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) < 500 || len(objects) < 100 || swapped < 100 {
		t.Fatalf("only %d events, %d objects and %d swaps were answered: the test proves nothing", len(want), len(objects), swapped)
	}
	t.Logf("%d events, %d objects, %d swaps answered", len(want), len(objects), swapped)
}
