package anchor

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
)

type metrics struct {
	posts  *prometheus.CounterVec
	rounds *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, a *Anchor) (*metrics, error) {
	m := &metrics{
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_anchor_posts_total", Help: "Changes of posts to the chain, by kind and the state that they came to.",
		}, []string{"kind", "state"}),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "eventseal_anchor_rounds_total", Help: "Looks at what is to be anchored, by how they ended: ok, error.",
		}, []string{"outcome"}),
	}
	if r == nil {
		return m, nil
	}
	cs := []prometheus.Collector{m.posts, m.rounds, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventseal_anchor_last_final_timestamp_seconds", Help: "When a post was last found to be final, in Unix time; 0: never.",
	}, func() float64 {
		if at := a.State(context.Background()).LastFinalAt; at != nil {
			return float64(at.UnixMilli()) / 1000
		}
		return 0
	})}
	for _, l := range a.lines() {
		cs = append(cs, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "eventseal_anchor_backlog", Help: "Events that no final post of the kind covers.", ConstLabels: prometheus.Labels{"kind": postKinds[l.kind]},
		}, func() float64 {
			s := a.State(context.Background())
			if l.kind == journal.PostHead {
				return float64(s.Heads.Backlog)
			}
			return float64(s.Events.Backlog)
		}))
	}
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
