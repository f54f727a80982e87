package intake

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/wasm/code"
)

// metrics are counted whether or not anyone collects them.
type metrics struct {
	stores     *prometheus.CounterVec
	created    prometheus.Counter
	verify     prometheus.Observer
	journal    prometheus.Observer
	quorum     prometheus.Observer
	repairs    *prometheus.CounterVec
	unreadable prometheus.Counter
}

type placeMetrics struct {
	stored prometheus.Counter
	errors *prometheus.CounterVec // by kind
	took   prometheus.Observer
	batch  prometheus.Observer
}

var seconds = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}

func newMetrics(in *Intake, r prometheus.Registerer) (*metrics, error) {
	stages := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "eventseal_store_stage_seconds", Buckets: seconds,
		Help: "From the arrival of an event to its verdict (verify) and to its quorum, and the duration of its journal commit.",
	}, []string{"stage"})
	stores := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventseal_stores_total", Help: "Events that were to be stored, by outcome (created, known, refused, failed) and code.",
	}, []string{"outcome", "code"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "eventseal_replica_put_seconds", Buckets: seconds, Help: "Duration of a batch put to a replica.",
	}, []string{"replica"})
	batch := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "eventseal_replica_put_batch_events", Buckets: prometheus.ExponentialBuckets(1, 2, 10), Help: "Events in a batch put to a replica.",
	}, []string{"replica"})
	stored := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventseal_replica_stored_total", Help: "Copies stored at a replica.",
	}, []string{"replica"})
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventseal_replica_put_errors_total", Help: "Copies that a replica did not store, by kind of error.",
	}, []string{"replica", "error"})
	repairs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "eventseal_replica_repairs_total", Help: "Copies that were found missing or damaged and are owed again.",
	}, []string{"replica"})
	m := &metrics{
		stores: stores, created: stores.WithLabelValues("created", ""), repairs: repairs,
		verify: stages.WithLabelValues("verify"), journal: stages.WithLabelValues("journal"), quorum: stages.WithLabelValues("quorum"),
		unreadable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventseal_unreadable_events_total", Help: "Times that the outbox found no good copy of an owed event anywhere.",
		}),
	}
	for _, p := range in.places {
		p.m = placeMetrics{
			stored: stored.WithLabelValues(p.Name), errors: failures.MustCurryWith(prometheus.Labels{"replica": p.Name}),
			took: took.WithLabelValues(p.Name), batch: batch.WithLabelValues(p.Name),
		}
	}
	if r == nil {
		return m, nil
	}
	disagreements := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "eventseal_disagreements_total", Help: "Events that the second opinion refused and the module accepted.",
	}, func() float64 { return float64(in.Disagreements()) })
	under := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventseal_store_events_in_flight", Help: "Events whose callers wait.",
	}, func() float64 {
		in.mu.Lock()
		defer in.mu.Unlock()
		return float64(in.held)
	})
	for _, c := range []prometheus.Collector{stages, stores, took, batch, stored, failures, repairs, m.unreadable, disagreements, under, backlog{in}} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// stored counts the outcomes of a call.
func (m *metrics) stored(items []*item) {
	created := 0
	for _, it := range items {
		if it.out.Err == nil && it.out.Receipt.Created {
			created++
			continue
		}
		m.stores.WithLabelValues(outcome(it.out)).Inc()
	}
	m.created.Add(float64(created))
}

func outcome(s Stored) (outcome, text string) {
	var c *code.Error
	switch {
	case s.Err == nil:
		return "known", ""
	case !errors.As(s.Err, &c):
		return "failed", "cancelled"
	case c.Code < code.NotFound || c.Code == code.ImplementationsDisagree:
		return "refused", c.Code.String()
	}
	return "failed", c.Code.String()
}

// failed counts one copy that was not stored.
func (m *placeMetrics) failed(err error) {
	kind := "other"
	for _, k := range []struct {
		err  error
		name string
	}{
		{replica.ErrConflict, "conflict"}, {replica.ErrRefused, "refused"}, {replica.ErrFull, "full"}, {replica.ErrClosed, "closed"},
		{breaker.ErrOpen, "breaker open"}, {replica.ErrReadOnly, "read-only"}, {context.DeadlineExceeded, "timeout"}, {context.Canceled, "cancelled"},
	} {
		if errors.Is(err, k.err) {
			kind = k.name
			break
		}
	}
	m.errors.WithLabelValues(kind).Inc()
}

// backlog collects what the journal owes.
type backlog struct{ in *Intake }

var backlogDesc = prometheus.NewDesc("eventseal_replica_backlog_events", "Events that the journal owes a replica.", []string{"replica"}, nil)

func (b backlog) Describe(c chan<- *prometheus.Desc) { c <- backlogDesc }

func (b backlog) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	owed, err := b.in.o.Journal.Backlog(ctx)
	if err != nil {
		c <- prometheus.NewInvalidMetric(backlogDesc, err)
		return
	}
	for _, name := range b.in.names {
		c <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, float64(owed[name]), name)
	}
}
