package anchor

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	posts  *prometheus.CounterVec
	rounds *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
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
	return m, errors.Join(r.Register(m.posts), r.Register(m.rounds))
}
