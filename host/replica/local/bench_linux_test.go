package local

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/digest"
)

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

// BenchmarkPut stores events of 1 KB from several goroutines at a time.
func BenchmarkPut(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			r := open(b, filepath.Join(b.TempDir(), "r"), Options{})
			vs := make(chan module.Verified, b.N)
			for i := range b.N {
				vs <- replicatest.Event(uint64(i), 1000, 0)
			}
			close(vs)
			b.ResetTimer()
			before := cpu()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for v := range vs {
						if _, err := r.Put(context.Background(), v); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkPutBatch stores events of 1 KB in batches from one goroutine.
func BenchmarkPutBatch(b *testing.B) {
	for _, size := range []int{16, 64, 256} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			r := open(b, filepath.Join(b.TempDir(), "r"), Options{})
			vs := events(0, uint64(b.N), 1000)
			b.ResetTimer()
			before := cpu()
			for from := 0; from < len(vs); from += size {
				for _, o := range r.PutBatch(context.Background(), vs[from:min(from+size, len(vs))]) {
					if o.Err != nil {
						b.Fatal(o.Err)
					}
				}
			}
			b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkPutAgain stores what is stored, which reads it and writes nothing.
func BenchmarkPutAgain(b *testing.B) {
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			r := open(b, filepath.Join(b.TempDir(), "r"), Options{})
			vs := events(0, uint64(size), 1000)
			put(b, r, vs...)
			b.ResetTimer()
			before := cpu()
			for n := 0; n < b.N; n += size {
				put(b, r, vs...)
			}
			b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	r := open(b, filepath.Join(b.TempDir(), "r"), Options{})
	const n = 20_000
	hs := make([]digest.Hash, n)
	for from := uint64(0); from < n; from += 1000 {
		vs := events(from, from+1000, 1000)
		put(b, r, vs...)
		for i, v := range vs {
			hs[from+uint64(i)] = v.Hash()
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := r.Get(context.Background(), replica.Ref{Hash: hs[i*7919%n]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
