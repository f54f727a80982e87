package intake

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/replica/local"
)

// signed are events that a benchmark has not stored yet: signing them takes
// longer than storing them.
var signed struct {
	sync.Mutex
	events [][]byte
}

func sign(b *testing.B, n int) [][]byte {
	signed.Lock()
	defer signed.Unlock()
	from := len(signed.events)
	if n > from {
		signed.events = append(signed.events, make([][]byte, n-from)...)
		var next atomic.Int64
		next.Store(int64(from))
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					signed.events[i] = moduletest.Event(b, i).Record()
				}
			})
		}
		wg.Wait()
	}
	return signed.events[:n]
}

// processor is the processor time that this process has taken.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkStore reports events per second through the whole of the embedded
// default but for HTTP: verified, journaled with fsync, in two local replicas
// with theirs; and of events that are known and held, which are put again. Run
// it with -benchtime=20000x or so.
func BenchmarkStore(b *testing.B) {
	for _, c := range []struct {
		callers, batch int
		known          bool
	}{{1, 1, false}, {32, 1, false}, {1, 512, false}, {4, 512, false}, {1, 1, true}, {32, 1, true}, {4, 512, true}} {
		b.Run(fmt.Sprintf("callers=%d/batch=%d/known=%v", c.callers, c.batch, c.known), func(b *testing.B) {
			events := sign(b, b.N)
			dir := b.TempDir()
			j, err := sqlite.Open(filepath.Join(dir, "j.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			o := Options{Module: moduletest.Open(b), Journal: j, MinRedundancy: 2, Log: slog.New(slog.DiscardHandler)}
			for _, name := range []string{"a", "b"} {
				r, err := local.Open(filepath.Join(dir, name), local.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer r.Close()
				o.Places = append(o.Places, replica.Place{Name: name, Kind: "local", Counts: true, Replica: breaker.New(r, breaker.Options{Name: name})})
			}
			in, err := Open(o)
			if err != nil {
				b.Fatal(err)
			}
			defer in.Close(context.Background())
			if c.known {
				for _, s := range in.StoreBatch(context.Background(), events, All) {
					if s.Err != nil {
						b.Fatal(s.Err)
					}
				}
				if err := j.Flush(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			took := make([]time.Duration, 0, b.N)
			var mu sync.Mutex
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			before := processor(b)
			b.ResetTimer()
			for range c.callers {
				wg.Go(func() {
					var mine []time.Duration
					for {
						from := int(next.Add(int64(c.batch))) - c.batch
						if from >= len(events) {
							break
						}
						begun := time.Now()
						for _, s := range in.StoreBatch(context.Background(), events[from:min(from+c.batch, len(events))], Quorum) {
							if s.Err != nil {
								b.Error(s.Err)
								return
							}
						}
						mine = append(mine, time.Since(begun))
					}
					mu.Lock()
					defer mu.Unlock()
					took = append(took, mine...)
				})
			}
			wg.Wait()
			b.StopTimer()
			// Less than the time that passed depends on what else the machine does.
			b.ReportMetric(float64((processor(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			s := j.Stats()
			b.ReportMetric(float64(s.Events)/float64(s.Commits), "events/commit")
		})
	}
}
