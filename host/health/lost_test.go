package health_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// records keeps what is logged.
type records struct {
	mu   sync.Mutex
	seen []slog.Record
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }
func (r *records) Handle(_ context.Context, x slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, x)
	return nil
}

func (r *records) all() []slog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

func attributes(x slog.Record) map[string]any {
	out := map[string]any{}
	x.Attrs(func(a slog.Attr) bool {
		out[a.Key] = a.Value.Any()
		return true
	})
	return out
}

// A host that has lost events says so until it has them again, and is sent requests meanwhile.
func TestLostIsTold(t *testing.T) {
	var log records
	var options health.Options
	m, _, j := setup(t, 0, nil, func(o *health.Options) {
		o.Log = slog.New(&log)
		options = *o
	})
	h := m.Health(t.Context())
	if !h.Healthy || h.Lost.Events != 0 || h.Lost.First == nil || len(log.all()) > 0 {
		t.Fatalf("%+v", h)
	}
	var vs []module.Verified
	for i := range 12 {
		vs = append(vs, moduletest.Event(t, i))
	}
	if _, err := j.Admit(t.Context(), vs, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	learn := func(state custody.State) {
		t.Helper()
		for i := range vs {
			j.Update(journal.Update{Sequence: uint64(i + 1), Replica: "a", State: state, Location: "x"})
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	learn(custody.Held)
	learn(custody.Missing)
	until(t, m, "that events are lost", func(h health.Health) bool { return h.Lost.Events == 12 })
	h = m.Health(t.Context())
	if h.Healthy || !h.Ready || h.Status != health.Failing || len(h.Lost.First) != 10 || h.Lost.First[9] != vs[9].Hash().String() {
		t.Errorf("%+v", h)
	}
	if !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "12 events are lost") }) {
		t.Errorf("%q", h.Warnings)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(m)
	want := "# HELP eventseal_lost_events Events that the host took and of which nobody has a good copy any more.\n# TYPE eventseal_lost_events gauge\neventseal_lost_events 12\n"
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "eventseal_lost_events"); err != nil {
		t.Error(err)
	}
	health.New(options) // as the next process
	if seen := log.all(); len(seen) != 1 || seen[0].Level != slog.LevelError || attributes(seen[0])["total"] != uint64(12) {
		t.Errorf("a start says %v", seen)
	}
	learn(custody.Held)
	until(t, m, "that they are there again", func(h health.Health) bool { return h.Healthy && h.Lost.Events == 0 && len(h.Warnings) == 0 })
}

// The first loss is told at once, those that follow together, and nothing is kept back at the end.
func TestLostLog(t *testing.T) {
	var log records
	l := &health.LostLog{Log: slog.New(&log), Pause: time.Hour}
	losing := func(n int) (ls []journal.Losing) {
		for i := range n {
			ls = append(ls, journal.Losing{Sequence: uint64(i + 1), Hash: moduletest.Event(t, i).Hash()})
		}
		return ls
	}
	l.Tell(losing(1), 1)
	for len(log.all()) == 0 {
		time.Sleep(time.Millisecond)
	}
	l.Tell(losing(8), 9)
	l.Tell(losing(8), 17)
	if n := len(log.all()); n != 1 {
		t.Fatalf("%d lines", n)
	}
	l.Close()
	l.Close()
	seen := log.all()
	if len(seen) != 2 || seen[0].Level != slog.LevelError || !strings.Contains(seen[1].Message, "eventseal scrub --lost") {
		t.Fatalf("%v", seen)
	}
	if a := attributes(seen[0]); a["newly"] != int64(1) || a["total"] != uint64(1) {
		t.Errorf("%v", a)
	}
	a := attributes(seen[1])
	if first, ok := a["first"].([]string); !ok || len(first) != 10 || first[8] != moduletest.Event(t, 0).Hash().String() || a["newly"] != int64(16) || a["total"] != uint64(17) {
		t.Errorf("%v", a)
	}
}

// Numbers whose events are nowhere are told of until these come.
func TestReservedIsTold(t *testing.T) {
	var options health.Options
	m, _, j := setup(t, 0, nil, func(o *health.Options) { options = *o })
	v := moduletest.Event(t, 1)
	if h := m.Health(t.Context()); h.Status != health.OK {
		t.Fatalf("%+v", h)
	}
	if err := j.Reserve(t.Context(), 0, []digest.Hash{v.Hash()}); err != nil {
		t.Fatal(err)
	}
	h := health.New(options).Health(t.Context())
	if h.Status != health.Degraded || !h.Ready || !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "1 events of the log are not here") }) {
		t.Fatalf("%+v", h)
	}
	if _, err := j.Admit(t.Context(), []module.Verified{v}, nil); err != nil {
		t.Fatal(err)
	}
	if h := health.New(options).Health(t.Context()); h.Status != health.OK || len(h.Warnings) > 0 {
		t.Fatalf("%+v", h)
	}
}
