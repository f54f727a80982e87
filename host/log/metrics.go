package log

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	seconds  prometheus.Histogram
	cosigned prometheus.Counter
}

func newMetrics(r prometheus.Registerer, l *Log) (*metrics, error) {
	m := &metrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "eventseal_log_publish_seconds", Help: "Time from reading new events to the head that covers them being served.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}),
		cosigned: prometheus.NewCounter(prometheus.CounterOpts{Name: "eventseal_log_cosignatures_total", Help: "Cosignatures that witnesses gave."}),
	}
	if r == nil {
		return m, nil
	}
	state := func() State { return l.State(context.Background()) }
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	for _, c := range []prometheus.Collector{
		m.seconds, m.cosigned,
		gauge("eventseal_log_published", "Events that the published head of the transparency log covers.", func() float64 { return float64(state().Published) }),
		gauge("eventseal_log_published_timestamp_seconds", "When the head was published, in Unix time; 0: none was since the start.", func() float64 {
			if at := state().PublishedAt; !at.IsZero() {
				return float64(at.UnixMilli()) / 1000
			}
			return 0
		}),
		gauge("eventseal_log_publishing", "Whether the transparency log publishes, 0 or 1.", func() float64 {
			if state().State == Publishing {
				return 1
			}
			return 0
		}),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
