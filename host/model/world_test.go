package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/placement"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm/digest"
)

var ctx = context.Background()

// A world is what is there beside the hosts, which come and go in it: the
// places, the data folder, and the machine's clock.
type world struct {
	pool     *module.Pool
	base     string // of all folders
	data     string // of the host; another one after every kill
	kills    int
	sites    []*site
	required int
	cache    int64 // bytes that the reader may keep
	skew     time.Duration
	log      *slog.Logger
	tail     *tail

	host *host // nil: none runs
}

// A host is one process.
type host struct {
	gate    *gate
	lost    *health.LostLog
	journal *sqlite.Journal
	keeper  *placement.Keeper
	places  []replica.Place
	reader  *retrieve.Reader
	intake  *intake.Intake
	health  *health.Monitor
	runner  *scrub.Runner
	failing bool // a commit of its journal is to fail
	mu      sync.Mutex
}

// wall is the machine's clock, which somebody may have set.
func (w *world) wall() time.Time { return time.Now().Add(w.skew) }

// open opens what serve opens, as it does (cmd/eventseal/host.go), or without
// whole what the commands open that work while no host runs.
func (w *world) open(whole bool) (err error) {
	h := &host{gate: newGate(), lost: &health.LostLog{Log: w.log}}
	w.host = h
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	o := sqlite.Options{CacheBytes: 1 << 20, BlockBytes: 1 << 20, OnLost: h.lost.Tell, Log: w.log}.WithWall(w.wall).WithFault(h.step)
	if h.journal, err = sqlite.Open(w.journal(), o); err != nil {
		return err
	}
	for _, s := range w.sites {
		var r replica.Replica
		if s.folder == nil {
			r = s.connect(h.gate)
		} else if r, err = s.mount(h.gate, w.log); err != nil {
			return err
		}
		h.places = append(h.places, replica.Place{
			Name: s.name, Kind: s.kind, Counts: s.counts, Replica: breaker.New(r, breaker.Options{Name: s.name, Log: w.log}),
		})
	}
	if !whole {
		return nil
	}
	if h.keeper, err = placement.Open(ctx, w.placing()); err != nil {
		return err
	}
	h.reader = retrieve.New(retrieve.Options{
		Module: w.pool, Journal: h.journal, Places: h.places, CacheBytes: int(w.cache),
		Found: func(sequence uint64, e digest.Hash, place string, state custody.State) {
			h.intake.Found(sequence, e, place, state)
		},
		Log: w.log,
	})
	h.intake, err = intake.Open(intake.Options{
		Module: w.pool, Journal: h.journal, Places: h.places, MinRedundancy: w.required,
		Admitted: func(vs []module.Verified) { h.reader.Add(vs...) }, Log: w.log,
	})
	if err != nil {
		return err
	}
	h.runner = scrub.NewRunner(w.scrubbing())
	h.health = health.New(health.Options{
		Places: h.places, Journal: h.journal, Module: w.pool, MinRedundancy: w.required, Log: w.log,
		Disagreements: h.intake.Disagreements, Findings: func(place string) health.Findings { return health.Findings(h.reader.Findings(place)) },
		Notices: h.keeper.Warnings,
	})
	return nil
}

func (w *world) placing() placement.Options {
	return placement.Options{Journal: w.host.journal, Places: w.host.places, Patience: 2 * time.Second, Log: w.log}
}

func (w *world) scrubbing() scrub.Options {
	return scrub.Options{
		Module: w.pool, Journal: w.host.journal, Places: w.host.places, MinRedundancy: w.required, Log: w.log,
		State: filepath.Join(w.data, "scrub.json"), Last: filepath.Join(w.data, "scrubbed.json"),
	}
}

func (w *world) journal() string { return filepath.Join(w.data, "journal.db") }

// step is asked by the journal's writer.
func (h *host) step(name string) (bool, error) {
	if err := h.gate.pass(); err != nil {
		return false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing && name == "commit" {
		h.failing = false
		return false, errors.New("model: the sync failed")
	}
	return true, nil
}

// close ends the host as serve ends.
func (w *world) close() error {
	h := w.host
	if h == nil {
		return nil
	}
	w.host = nil
	for _, s := range w.sites {
		s.marking = h.keeper != nil && !h.gate.ended() && s.kind != "ipfs" && !s.cache() && s.now() == well && !s.broken &&
			time.Since(s.changed) > 2*time.Minute && time.Since(s.touched) > 2*time.Minute
	}
	end, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var errs []error
	if h.intake != nil {
		if err := h.intake.Close(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	}
	if h.reader != nil {
		errs = append(errs, h.reader.Close())
	}
	if h.keeper != nil {
		h.keeper.Close()
	}
	if h.journal != nil {
		failed := h.journal.Failure() != nil
		if err := h.journal.Close(); !failed {
			errs = append(errs, err)
		}
	}
	h.lost.Close()
	for i, p := range h.places {
		if c, ok := p.Replica.(io.Closer); ok {
			_ = c.Close() // a failed one says so again
		}
		if f := w.sites[i].folder; f != nil {
			f.live, f.estranged, f.seen = nil, false, nil
		}
	}
	for _, s := range w.sites[len(h.places):] {
		if s.folder != nil && s.folder.live != nil { // what follows could not be opened
			_ = s.folder.live.Close()
			s.folder.live = nil
		}
	}
	return errors.Join(errs...)
}

// kill ends the host where it stands. What it wrote stays; with power cut,
// what it did not sync in local places does not. Everything must stand still:
// what the old host does afterwards is done to files that nobody sees.
func (w *world) kill(power bool) error {
	if w.host == nil {
		return nil
	}
	w.kills++
	next := filepath.Join(w.base, fmt.Sprintf("data-%d", w.kills))
	if err := copyTree(next, w.data); err != nil {
		return err
	}
	old := w.data
	w.host.gate.kill()
	w.close() //nolint:errcheck // its journal and places were failed by the gate
	w.data = next
	for _, s := range w.sites {
		if s.folder == nil {
			continue
		}
		s.folder.path, s.folder.seen = filepath.Join(next, s.name), nil
		if power {
			if err := s.folder.cut(); err != nil {
				return err
			}
		}
	}
	_ = os.RemoveAll(old) // who still writes there makes files anew, and all of it goes with base
	return nil
}

// call runs f and returns when it has, or false when the gate shut before.
func (w *world) call(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-w.host.gate.hit:
		return false
	}
}

// site returns the one of a name.
func (w *world) site(name string) *site {
	return w.sites[slices.IndexFunc(w.sites, func(s *site) bool { return s.name == name })]
}

// A tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines = append(t.lines, string(b)); len(t.lines) > 400 {
		t.lines = slices.Clone(t.lines[200:])
	}
	return len(b), nil
}

func (t *tail) last(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines[max(0, len(t.lines)-n):])
}
