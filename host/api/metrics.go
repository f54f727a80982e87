package api

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"net/http"
)

// metrics are the figures of the HTTP side; the packages below have their own
// in the same registry.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	lines    *prometheus.CounterVec
	dropped  prometheus.Counter
	unsigned *prometheus.CounterVec
	handler  http.Handler

	nowhere *endpoint // requests that met no endpoint
	pages   *endpoint // and those for the page
}

// endpointMetrics are one endpoint's, looked up once.
type endpointMetrics struct {
	seconds  prometheus.Observer
	byStatus sync.Map // status → prometheus.Counter
	count    func(status int) prometheus.Counter
}

func (m *endpointMetrics) observe(status int, took time.Duration) {
	m.seconds.Observe(took.Seconds())
	c, ok := m.byStatus.Load(status)
	if !ok {
		c, _ = m.byStatus.LoadOrStore(status, m.count(status))
	}
	c.(prometheus.Counter).Inc()
}

func newMetrics(r *prometheus.Registry, s *Server) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_http_requests_total", Help: "Requests that are over, by route, method and status; 499 left before the answer.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "eventseal_http_request_seconds", Help: "Time from a request's header to the end of its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route", "method"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventseal_http_panics_total", Help: "Handlers that panicked.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "eventseal_stream_dropped_total", Help: "Subscribers that were dropped because they were too slow.",
		}),
		unsigned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_unsigned_receipts_total", Help: "Stored events that were answered without a signed receipt, by the code of why.",
		}, []string{"code"}),
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_http_lines_total", Help: "Lines of batches, retrievals and exports that were answered, by route and code; ok for no problem.",
		}, []string{"route", "code"}),
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.seconds, m.panics, m.lines, m.unsigned,
		gauge("eventseal_http_in_flight", "Requests at work now, streams not counted.", func() float64 { return float64(s.inFlight.Load()) }),
		m.dropped,
		gauge("eventseal_stream_subscribers", "Subscribers of the stream.", func() float64 { return float64(s.subscribers.Load()) }),
		gauge("eventseal_http_batches", "Batches among the requests at work.", func() float64 { return float64(s.batches.Load()) }),
		gauge("eventseal_http_exports", "Exports among the requests at work.", func() float64 { return float64(s.exports.Load()) }),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{DisableCompression: true})
	m.nowhere = &endpoint{method: "any", path: "none"}
	m.pages = &endpoint{method: "GET", path: "page", quiet: true}
	m.of(m.nowhere)
	m.of(m.pages)
	return m, nil
}

// of gives an endpoint its figures.
func (m *metrics) of(e *endpoint) {
	e.metrics.seconds = m.seconds.WithLabelValues(e.path, e.method)
	e.metrics.count = func(status int) prometheus.Counter {
		return m.requests.WithLabelValues(e.path, e.method, strconv.Itoa(status))
	}
}

// CommitMetrics registers the journal's figures and returns what the journal
// calls after each commit (sqlite.Options.OnCommit).
func CommitMetrics(r prometheus.Registerer) (func(took time.Duration, events int), error) {
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "eventseal_journal_commit_seconds", Help: "Time of one commit of the journal with its fsync.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
	})
	events := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "eventseal_journal_events_total", Help: "Events that commits of the journal admitted.",
	})
	for _, c := range []prometheus.Collector{seconds, events} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return func(took time.Duration, n int) {
		seconds.Observe(took.Seconds())
		events.Add(float64(n))
	}, nil
}

func (s *Server) serveMetrics(w *response, r *http.Request) error {
	secure(w.Header())
	w.Header()["Cache-Control"] = noStore
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}
