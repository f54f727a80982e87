package health

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	placeLabels   = []string{"replica", "kind"}
	replicaUp     = prometheus.NewDesc("eventseal_replica_up", "Whether the place works, 0 or 1.", placeLabels, nil)
	breakerOpen   = prometheus.NewDesc("eventseal_replica_breaker_open", "Whether its circuit breaker lets no calls through, 0 or 1.", placeLabels, nil)
	latency       = prometheus.NewDesc("eventseal_replica_latency_seconds", "Time of its calls of late, smoothed.", placeLabels, nil)
	callsTotal    = prometheus.NewDesc("eventseal_replica_calls_total", "Calls of the place.", placeLabels, nil)
	failuresTotal = prometheus.NewDesc("eventseal_replica_failures_total", "Calls that failed by the place's fault.", placeLabels, nil)
	healthyNow    = prometheus.NewDesc("eventseal_healthy", "Whether the host can give acknowledgements, 0 or 1.", nil, nil)
	workingNow    = prometheus.NewDesc("eventseal_replicas_working", "Counting places that work.", nil, nil)
	requiredNow   = prometheus.NewDesc("eventseal_replicas_required", "Counting places that an acknowledgement needs.", nil, nil)
	scrubRunning  = prometheus.NewDesc("eventseal_scrub_running", "Whether a scrub is under way, 0 or 1.", nil, nil)
	scrubSequence = prometheus.NewDesc("eventseal_scrub_sequence", "Number of the event that the scrub under way has come to.", nil, nil)
	scrubFinished = prometheus.NewDesc("eventseal_scrub_finished_timestamp_seconds", "When the last complete scrub ended, in Unix time.", nil, nil)
	scrubEvents   = prometheus.NewDesc("eventseal_scrub_events", "Events that the last complete scrub looked at, by what it found: all, lost, unread, invalid.", []string{"found"}, nil)
	scrubCopies   = prometheus.NewDesc("eventseal_scrub_copies", "Copies that the last complete scrub put where there was no good one, by outcome: repaired, failed.", []string{"outcome"}, nil)
	sequenceNow   = prometheus.NewDesc("eventseal_journal_sequence", "Number of the event admitted last.", nil, nil)
	lostNow       = prometheus.NewDesc("eventseal_lost_events", "Events that the host took and of which nobody has a good copy any more.", nil, nil)
	anchorBacklog = prometheus.NewDesc("eventseal_anchor_backlog", "Events that no final post of the kind covers.", []string{"kind"}, nil)
	anchorFinal   = prometheus.NewDesc("eventseal_anchor_last_final_timestamp_seconds", "When a post was last found to be final, in Unix time; 0: never.", nil, nil)
	moduleBusy    = prometheus.NewDesc("eventseal_module_busy", "Instances of the module at work.", nil, nil)
	moduleSize    = prometheus.NewDesc("eventseal_module_instances", "Instances of the module.", nil, nil)
	moduleCalls   = prometheus.NewDesc("eventseal_module_calls_total", "Calls of the module.", nil, nil)
	moduleTraps   = prometheus.NewDesc("eventseal_module_traps_total", "Calls that trapped.", nil, nil)
	moduleLate    = prometheus.NewDesc("eventseal_module_timeouts_total", "Calls that were stopped at their deadline.", nil, nil)
)

var _ prometheus.Collector = (*Monitor)(nil)

// Describe implements prometheus.Collector.
func (m *Monitor) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		replicaUp, breakerOpen, latency, callsTotal, failuresTotal, healthyNow, workingNow, requiredNow, sequenceNow, lostNow,
		scrubRunning, scrubSequence, scrubFinished, scrubEvents, scrubCopies, anchorBacklog, anchorFinal, moduleBusy, moduleSize, moduleCalls, moduleTraps, moduleLate,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector with the figures of Health.
func (m *Monitor) Collect(ch chan<- prometheus.Metric) {
	h := m.Health(context.Background())
	set := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	for _, r := range h.Replicas {
		set(replicaUp, prometheus.GaugeValue, flag(r.Up), r.Name, r.Kind)
		set(breakerOpen, prometheus.GaugeValue, flag(r.Breaker != "closed"), r.Name, r.Kind)
		set(latency, prometheus.GaugeValue, r.LatencyMS/1000, r.Name, r.Kind)
		set(callsTotal, prometheus.CounterValue, float64(r.calls), r.Name, r.Kind)
		set(failuresTotal, prometheus.CounterValue, float64(r.failures), r.Name, r.Kind)
	}
	set(healthyNow, prometheus.GaugeValue, flag(h.Healthy))
	set(workingNow, prometheus.GaugeValue, float64(h.Working))
	set(requiredNow, prometheus.GaugeValue, float64(h.Required))
	set(sequenceNow, prometheus.GaugeValue, float64(h.Journal.Sequence))
	set(lostNow, prometheus.GaugeValue, float64(h.Lost.Events))
	set(scrubRunning, prometheus.GaugeValue, flag(h.Scrub.Running))
	set(scrubSequence, prometheus.GaugeValue, float64(h.Scrub.Sequence))
	if l := h.Scrub.Last; l != nil {
		set(scrubFinished, prometheus.GaugeValue, float64(l.Finished.UnixMilli())/1000)
		for found, n := range map[string]uint64{"all": l.Events, "lost": l.Lost, "unread": l.Unread, "invalid": l.Invalid} {
			set(scrubEvents, prometheus.GaugeValue, float64(n), found)
		}
		set(scrubCopies, prometheus.GaugeValue, float64(l.Repaired), "repaired")
		set(scrubCopies, prometheus.GaugeValue, float64(l.Failed), "failed")
	}
	if a := h.Anchor; a.State != Off {
		set(anchorBacklog, prometheus.GaugeValue, float64(a.Backlog), "head")
		set(anchorBacklog, prometheus.GaugeValue, float64(a.EventsBacklog), "events")
		var final float64
		if a.LastFinalAt != nil {
			final = float64(a.LastFinalAt.UnixMilli()) / 1000
		}
		set(anchorFinal, prometheus.GaugeValue, final)
	}
	s := h.Module.stats
	set(moduleBusy, prometheus.GaugeValue, float64(s.Busy))
	set(moduleSize, prometheus.GaugeValue, float64(s.Instances))
	set(moduleCalls, prometheus.CounterValue, float64(s.Calls))
	set(moduleTraps, prometheus.CounterValue, float64(s.Traps))
	set(moduleLate, prometheus.CounterValue, float64(s.Timeouts))
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
