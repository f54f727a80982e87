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

func setup(t *testing.T, disagreements uint64, folders map[string]string) (*health.Monitor, []*switched, *sqlite.Journal) {
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
	m := health.New(health.Options{
		Places: places, Journal: j, Module: moduletest.Open(t), MinRedundancy: 2, Disagreements: func() uint64 { return disagreements },
		Folders: folders, Version: "test", Log: slog.New(slog.DiscardHandler),
	})
	return m, raw, j
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
