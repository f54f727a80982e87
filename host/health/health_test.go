package health_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/replica/memory"
)

// switched is a replica that can be turned off.
type switched struct {
	*memory.Replica
	off     atomic.Bool
	checks  atomic.Int64
	refuse  atomic.Pointer[error]
	watched replica.Replica // it behind its breaker
}

func (s *switched) Put(ctx context.Context, v module.Verified) (string, error) {
	if err := s.refuse.Load(); err != nil {
		return "", *err
	}
	return s.Replica.Put(ctx, v)
}

func (s *switched) Check(ctx context.Context) error {
	s.checks.Add(1)
	if s.off.Load() {
		return errors.New("switched off")
	}
	return s.Replica.Check(ctx)
}

func setup(t *testing.T, disagreements uint64, folders map[string]string, change ...func(*health.Options)) (*health.Monitor, []*switched, *sqlite.Journal) {
	t.Helper()
	j, err := sqlite.Open(filepath.Join(t.TempDir(), "journal.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	var raw []*switched
	var places []replica.Place
	for _, name := range []string{"a", "b", "cache"} {
		s := &switched{Replica: memory.New()}
		r := breaker.New(s, breaker.Options{Name: name, Failures: 1, Log: slog.New(slog.DiscardHandler)})
		t.Cleanup(func() { r.(interface{ Close() error }).Close() })
		s.watched = r
		raw = append(raw, s)
		places = append(places, replica.Place{Name: name, Kind: "local", Counts: name != "cache", Replica: r})
	}
	o := health.Options{
		Places: places, Journal: j, Module: moduletest.Open(t), MinRedundancy: 2, Disagreements: func() uint64 { return disagreements },
		Folders: folders, Version: "test", Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&o)
	}
	return health.New(o), raw, j
}

func until(t *testing.T, m *health.Monitor, what string, ok func(health.Health) bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		h := m.Health(t.Context())
		if ok(h) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not show: %+v", what, h)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestPlacesComeAndGo(t *testing.T) {
	m, raw, j := setup(t, 0, nil)
	h := m.Health(t.Context())
	if !h.Healthy || h.Status != health.OK || h.Working != 2 || len(h.Replicas) != 3 || !h.Journal.OK || h.Warnings == nil {
		t.Fatalf("%+v", h)
	}
	// A place that does not count is missed, and needed by nobody.
	raw[2].off.Store(true)
	until(t, m, "a cache that is off", func(h health.Health) bool { return h.Healthy && h.Status == health.Degraded && !h.Replicas[2].Up })
	raw[1].off.Store(true)
	until(t, m, "a counting place that is off", func(h health.Health) bool {
		return !h.Healthy && h.Status == health.Failing && h.Working == 1 && strings.Contains(h.Replicas[1].LastError, "switched off") && h.Replicas[1].LastErrorAt != nil
	})
	raw[1].off.Store(false)
	raw[2].off.Store(false)
	until(t, m, "that they are back", func(h health.Health) bool { return h.Healthy && h.Status == health.OK })

	v := moduletest.Event(t, 1)
	if _, err := j.Admit(t.Context(), []module.Verified{v}, []string{"a", "gone"}); err != nil {
		t.Fatal(err)
	}
	until(t, m, "the backlog", func(h health.Health) bool {
		return h.Journal.Sequence == 1 && h.Journal.Pending == 2 && h.Replicas[0].Backlog == 1 && slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.Contains(w, "gone") })
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, m, "a closed journal", func(h health.Health) bool { return !h.Healthy && !h.Journal.OK && h.Journal.Error != "" })
}

// A place that is full or read-only keeps its breaker closed, because it can be
// read, and does not work for anybody who wants to store.
func TestPlaceThatStoresNothing(t *testing.T) {
	m, raw, _ := setup(t, 0, nil)
	for _, refusal := range []error{replica.ErrFull, replica.ErrReadOnly} {
		raw[1].refuse.Store(&refusal)
		if _, err := raw[1].watched.Put(t.Context(), moduletest.Event(t, 1)); !errors.Is(err, refusal) {
			t.Fatal(err)
		}
		until(t, m, refusal.Error(), func(h health.Health) bool {
			_, _ = raw[1].watched.Get(t.Context(), replica.Ref{Hash: moduletest.Event(t, 2).Hash()}) // reads go on
			r := h.Replicas[1]
			return !h.Healthy && h.Working == 1 && !r.Up && r.Breaker == breaker.Closed && strings.Contains(r.LastError, refusal.Error()) &&
				slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "b stores nothing") })
		})
		raw[1].refuse.Store(nil)
		if _, err := raw[1].watched.Put(t.Context(), moduletest.Event(t, 1)); err != nil {
			t.Fatal(err)
		}
		until(t, m, "that it stores again", func(h health.Health) bool { return h.Healthy && h.Status == health.OK && len(h.Warnings) == 0 })
	}
}

func TestAskingOftenCostsNothing(t *testing.T) {
	m, raw, _ := setup(t, 0, nil)
	for range 1000 {
		m.Health(t.Context())
	}
	if n := raw[0].checks.Load(); n > 3 {
		t.Errorf("the place was asked %d times", n)
	}
}

func TestDisagreementIsNotHealthy(t *testing.T) {
	m, _, _ := setup(t, 3, nil)
	if h := m.Health(t.Context()); h.Healthy || h.Disagreements != 3 || len(h.Warnings) == 0 {
		t.Errorf("%+v", h)
	}
}

func TestSharedDiskIsTold(t *testing.T) {
	folders := map[string]string{"a": t.TempDir(), "b": t.TempDir(), "cache": t.TempDir()}
	m, _, _ := setup(t, 0, folders)
	if h := m.Health(t.Context()); !h.Healthy || !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.HasPrefix(w, "a and b are on one disk") }) {
		t.Errorf("%q", h.Warnings)
	}
	folders["b"] = filepath.Join(folders["a"], "is not there")
	m, _, _ = setup(t, 0, folders)
	if h := m.Health(t.Context()); len(h.Warnings) != 0 {
		t.Errorf("%q", h.Warnings)
	}
}

// What scrubs found is told, and an event that is lost is a warning.
func TestScrubIsTold(t *testing.T) {
	m, _, _ := setup(t, 0, nil)
	if h := m.Health(t.Context()); h.Scrub.Running || h.Scrub.Last != nil {
		t.Errorf("before any: %+v", h.Scrub)
	}
	m, _, _ = setup(t, 0, nil, func(o *health.Options) {
		o.Scrub = func() health.Scrub {
			return health.Scrub{Running: true, Sequence: 7, Target: 9, Last: &health.Scrubbed{Finished: time.Unix(1_700_000_000, 0).UTC(), Events: 5, Lost: 2, Repaired: 3}}
		}
	})
	h := m.Health(t.Context())
	if !h.Healthy || !h.Scrub.Running || !slices.ContainsFunc(h.Warnings, func(w string) bool { return strings.Contains(w, "scrub of 2023-11-14T22:13:20Z found 2 events") }) {
		t.Errorf("%+v", h)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(m)
	want := `# HELP eventseal_scrub_events Events that the last complete scrub looked at, by what it found: all, lost, unread, invalid.
# TYPE eventseal_scrub_events gauge
eventseal_scrub_events{found="all"} 5
eventseal_scrub_events{found="invalid"} 0
eventseal_scrub_events{found="lost"} 2
eventseal_scrub_events{found="unread"} 0
# HELP eventseal_scrub_finished_timestamp_seconds When the last complete scrub ended, in Unix time.
# TYPE eventseal_scrub_finished_timestamp_seconds gauge
eventseal_scrub_finished_timestamp_seconds 1.7e+09
# HELP eventseal_scrub_sequence Number of the event that the scrub under way has come to.
# TYPE eventseal_scrub_sequence gauge
eventseal_scrub_sequence 7
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "eventseal_scrub_events", "eventseal_scrub_finished_timestamp_seconds", "eventseal_scrub_sequence"); err != nil {
		t.Error(err)
	}
}

// What is anchored is a figure where anything is.
func TestAnchorCollected(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	m, _, _ := setup(t, 0, nil, func(o *health.Options) {
		o.Anchor = func(context.Context) anchor.State {
			return anchor.State{State: anchor.Anchoring, Heads: anchor.Kind{Backlog: 3}, Events: &anchor.Kind{Backlog: 2}, LastFinalAt: &at}
		}
	})
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(m)
	want := `# HELP eventseal_anchor_backlog Events that no final post of the kind covers.
# TYPE eventseal_anchor_backlog gauge
eventseal_anchor_backlog{kind="events"} 2
eventseal_anchor_backlog{kind="head"} 3
# HELP eventseal_anchor_last_final_timestamp_seconds When a post was last found to be final, in Unix time; 0: never.
# TYPE eventseal_anchor_last_final_timestamp_seconds gauge
eventseal_anchor_last_final_timestamp_seconds 1.7e+09
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "eventseal_anchor_backlog", "eventseal_anchor_last_final_timestamp_seconds"); err != nil {
		t.Error(err)
	}
	m, _, _ = setup(t, 0, nil)
	r = prometheus.NewPedanticRegistry()
	r.MustRegister(m)
	if err := testutil.GatherAndCompare(r, strings.NewReader(""), "eventseal_anchor_backlog", "eventseal_anchor_last_final_timestamp_seconds"); err != nil {
		t.Error(err)
	}
}

func TestCollector(t *testing.T) {
	m, _, _ := setup(t, 0, nil)
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 12 {
		t.Errorf("%d families", len(families))
	}
}
