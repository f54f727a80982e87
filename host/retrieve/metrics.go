package retrieve

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
)

// metrics are counted whether or not anyone collects them.
type metrics struct {
	reads  *prometheus.CounterVec
	took   *prometheus.HistogramVec
	bad    *prometheus.CounterVec
	fills  *prometheus.CounterVec
	hedges prometheus.Counter
	lost   prometheus.Counter
}

func newMetrics(r *Reader, reg prometheus.Registerer) *metrics {
	m := &metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_replica_reads_total", Help: "Reads of one event or a batch, by source and outcome (good, missing, bad, foreign, cancelled, failed).",
		}, []string{"replica", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventseal_replica_read_seconds", Help: "Duration of reads that were answered, by source.",
			Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}, []string{"replica"}),
		bad: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_replica_bad_copies_total", Help: "Copies that were read and are not the event.",
		}, []string{"replica"}),
		fills: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_replica_fills_total", Help: "Copies put into caches after a read from elsewhere.",
		}, []string{"replica"}),
		hedges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventseal_read_hedges_total", Help: "Times that a further source was asked because one was slow.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventseal_lost_reads_total", Help: "Reads of known events of which no good copy was found.",
		}),
	}
	if reg == nil {
		return m
	}
	cached := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f)
	}
	reg.MustRegister(m.reads, m.took, m.bad, m.fills, m.hedges, m.lost,
		cached("eventseal_cache_hits_total", "Reads answered from memory.", func() float64 {
			_, hits, _ := r.cache.stats()
			return float64(hits)
		}),
		cached("eventseal_cache_misses_total", "Reads that memory could not answer.", func() float64 {
			_, _, misses := r.cache.stats()
			return float64(misses)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "eventseal_cache_bytes", Help: "Memory that cached records take."}, func() float64 {
			bytes, _, _ := r.cache.stats()
			return float64(bytes)
		}))
	return m
}

// read counts one answer.
func (m *metrics) read(p *place, took time.Duration, err error) {
	name, outcome := "journal", "failed"
	if p != nil {
		name = p.Name
	}
	var refused *code.Error
	var o *otherError
	switch {
	case err == nil:
		outcome = "good"
	case errors.As(err, &o):
		outcome = "foreign"
	case errors.Is(err, replica.ErrNotFound), errors.Is(err, journal.ErrNotFound):
		outcome = "missing"
	case errors.Is(err, replica.ErrCorrupt), errors.As(err, &refused):
		outcome = "bad"
	case errors.Is(err, context.Canceled):
		outcome = "cancelled"
	}
	m.reads.WithLabelValues(name, outcome).Inc()
	if outcome != "cancelled" {
		m.took.WithLabelValues(name).Observe(took.Seconds())
	}
}
