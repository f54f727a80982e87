package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/module"
)

// BenchmarkAdmit reports events of 1 KB per second, fsynced; with "stored"
// both replicas report each event, so that its bytes leave again.
func BenchmarkAdmit(b *testing.B) {
	for _, c := range []struct {
		callers, batch int
		stored         bool
	}{{1, 1, false}, {32, 1, false}, {32, 1, true}, {1, 64, false}, {4, 64, false}, {4, 64, true}, {2, 1024, false}} {
		b.Run(fmt.Sprintf("callers=%d/batch=%d/stored=%v", c.callers, c.batch, c.stored), func(b *testing.B) {
			j := open(b, filepath.Join(b.TempDir(), "j.db"), Options{})
			n := uint64((b.N + c.batch - 1) / c.batch)
			vs := make([][]module.Verified, n) // their making is not the journal's time
			for i := range vs {
				vs[i] = journaltest.Events(uint64(i*c.batch), uint64((i+1)*c.batch), 1000)
			}
			var next atomic.Uint64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range c.callers {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
						as, err := j.Admit(context.Background(), vs[i], both)
						if err != nil {
							b.Error(err)
							return
						}
						if c.stored {
							for _, a := range as {
								j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "segment 12:345678", State: custody.Held})
								j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Location: "segment 12:345678", State: custody.Held})
							}
						}
					}
				})
			}
			wg.Wait()
			if c.stored {
				if err := j.Flush(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			s := j.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(s.Events)/float64(s.Commits), "events/commit")
			b.ReportMetric(s.CheckTime.Seconds()/b.Elapsed().Seconds()*100, "%checkpoint")
		})
	}
}

// large is a journal of a million events (EVENTSEAL_BENCH_EVENTS), made once.
var large = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "j.db")
	j, err := Open(path, Options{})
	if err != nil {
		return "", err
	}
	defer j.Close()
	begun := time.Now()
	for from := uint64(0); from < largeEvents(); from += 4000 {
		var rs []journal.Restored
		for seed := from; seed < from+4000; seed++ {
			m := *journaltest.Event(seed, 0, 0).Meta()
			if seed%50_000 == 0 {
				m.Type, m.TypeCode = "SPLIT_NODE", 61 // rare
			}
			m.CreatedAt += (seed * 7919) % 500_000 // no order of time
			if seed%4 == 0 {
				m.Parents = append(m.Parents, journaltest.Hash(1)) // a crowded thread
			}
			rs = append(rs, journal.Restored{Meta: m, Copies: []journal.Copy{{Replica: "a", Location: "segment 12:345678"}}})
		}
		if _, err := j.Restore(context.Background(), rs); err != nil {
			return "", err
		}
	}
	fmt.Printf("%d events restored in %v\n", largeEvents(), time.Since(begun))
	return path, nil
})

func largeEvents() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("EVENTSEAL_BENCH_EVENTS"), 10, 64); err == nil {
		return n
	}
	return 1_000_000
}

// BenchmarkQuery reports a page of 100 in a million events, at the start, in
// the middle, and where nothing is left to find, against a full scan.
func BenchmarkQuery(b *testing.B) {
	path, err := large()
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	j := open(b, path, Options{})
	b.Logf("opened in %v", time.Since(begun))
	ctx := context.Background()
	at := func(x uint64) *uint64 { return &x }
	common, few := journaltest.Authors[0], journaltest.Authors[39]
	half := largeEvents() / 2
	var slowest time.Duration
	for _, c := range []struct {
		name string
		f    journal.Filter
	}{
		{"all", journal.Filter{}},
		{"type", journal.Filter{Types: []string{"VOTE"}}},
		{"rare type", journal.Filter{Types: []string{"SPLIT_NODE"}}},
		{"author", journal.Filter{Authors: [][34]byte{common}}},
		{"rare author", journal.Filter{Authors: [][34]byte{few}}},
		{"children", journal.Filter{Parents: hashes(424242)}},
		{"crowded children", journal.Filter{Parents: hashes(1)}},
		{"time", journal.Filter{Since: at(1758390021 + 300_000), Until: at(1758390021 + 300_003)}},
		{"no time", journal.Filter{Until: at(5)}},
		{"rare type, common author", journal.Filter{Types: []string{"SPLIT_NODE"}, Authors: [][34]byte{common}}},
		{"common type, rare author", journal.Filter{Types: []string{"VOTE"}, Authors: [][34]byte{few}}},
		{"crowded children, rare author", journal.Filter{Parents: hashes(1), Authors: [][34]byte{few}}},
		{"crowded children, author, type, rare time", journal.Filter{Parents: hashes(1), Authors: [][34]byte{common}, Types: []string{"LIKE"}, Since: at(1758390021 + 300_000), Until: at(1758390021 + 300_001)}},
	} {
		for _, down := range []bool{false, true} {
			for _, from := range []uint64{0, half} {
				f := c.f
				f.Limit, f.Descending = 100, down
				name := c.name + "/first"
				if from > 0 {
					name = c.name + "/later"
					if down {
						f.Before = from
					} else {
						f.After = from
					}
				}
				if down {
					name += " newest"
				}
				b.Run(name, func(b *testing.B) {
					n := 0
					for b.Loop() {
						es, err := j.Query(ctx, f)
						if err != nil {
							b.Fatal(err)
						}
						n = len(es)
					}
					b.ReportMetric(float64(n), "entries")
					slowest = max(slowest, b.Elapsed()/time.Duration(b.N))
				})
			}
		}
		b.Run(c.name+"/count", func(b *testing.B) {
			for b.Loop() {
				if _, err := j.Count(ctx, c.f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("full scan", func(b *testing.B) {
		for b.Loop() {
			var n int
			err := j.queryRow(ctx, nil, `SELECT count(*) FROM events NOT INDEXED WHERE key = ? AND type = ? AND created BETWEEN ? AND ?`,
				[]any{common[:], 1, 5, 1758390021 + 300_000}, &n)
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed()/time.Duration(b.N))/float64(slowest), "x-of-slowest-page")
	})
}
