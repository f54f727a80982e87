package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	translog "github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/placement"
	"github.com/eventseal/eventseal/host/receipt"
	"github.com/eventseal/eventseal/host/reference"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/all"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/web"
)

// A host is everything that serve runs. What is opened is in the order in
// which it is opened; close goes the other way.
type host struct {
	settings config.Config
	log      *slog.Logger
	registry *prometheus.Registry

	lock    *os.File
	lost    *health.LostLog
	module  *module.Pool
	journal *sqlite.Journal
	places  []replica.Place // each a breaker around the replica, which it closes
	keeper  *placement.Keeper
	reader  *retrieve.Reader
	intake  *intake.Intake
	tlog    *translog.Log
	anchor  *anchor.Anchor // nil: nothing is anchored
	health  *health.Monitor
	api     *api.Server

	disagreed  atomic.Uint64      // events that the second opinion refused in a scrub
	endScrubs  context.CancelFunc // of those that nobody asked for; nil: there are none
	background sync.WaitGroup
}

// errInUse follows the data folder's name; whoever tells it adds what to do.
var errInUse = errors.New("is in use by another eventseal")

// open opens everything, or nothing; without whole, what holds events and not
// what takes and serves them. Its errors say what to do about them.
func open(ctx context.Context, settings config.Config, log *slog.Logger, whole bool) (h *host, err error) {
	h = &host{settings: settings, log: log, registry: prometheus.NewRegistry(), lost: &health.LostLog{Log: log}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if h.lock, err = lockData(settings.Data); err != nil {
		if whole && errors.Is(err, errInUse) {
			err = fmt.Errorf("%w; end that one or give --data another folder", err)
		}
		return h, &usageError{err}
	}
	steps := []func(context.Context) error{h.openBase, h.openPlaces}
	if whole {
		steps = []func(context.Context) error{h.openBase, h.openPlaces, h.keepPlaces, h.openStages, h.openLog, h.openAnchor, h.openDoor}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return h, &usageError{err}
		}
	}
	return h, nil
}

// openBase starts the module while the journal is read.
func (h *host) openBase(ctx context.Context) error {
	var wg sync.WaitGroup
	var moduleErr, journalErr error
	wg.Go(func() {
		c := module.Config{
			Instances: h.settings.Module.Instances, MaxEvent: int(h.settings.Event.MaxBytes),
			CallTimeout: h.settings.Module.CallTimeout, CacheDir: h.settings.Module.Cache,
		}
		if c.CacheDir == "off" {
			c.CacheDir = ""
		} else if moduleErr = os.MkdirAll(c.CacheDir, 0o700); moduleErr != nil {
			moduleErr = fmt.Errorf("module.cache: %w", moduleErr)
			return
		}
		for _, t := range h.settings.Event.Types {
			c.Types = append(c.Types, module.Type(t))
		}
		if h.module, moduleErr = module.Open(ctx, c); moduleErr != nil && len(c.Types) > 0 {
			moduleErr = fmt.Errorf("%w; event.types (EVENTSEAL_EVENT_TYPES) registers %s", moduleErr, typeNames(c.Types))
		}
	})
	wg.Go(func() {
		var commits func(time.Duration, int)
		if commits, journalErr = api.CommitMetrics(h.registry); journalErr != nil {
			return
		}
		h.journal, journalErr = sqlite.Open(filepath.Join(h.settings.Data, journalFile), sqlite.Options{OnCommit: commits, OnLost: h.lost.Tell, Log: h.log})
		if errors.Is(journalErr, journal.ErrDamaged) {
			journalErr = fmt.Errorf("%w; where that cannot help, %s", journalErr, moveAway)
		}
	})
	wg.Wait()
	return errors.Join(moduleErr, journalErr)
}

func typeNames(types []module.Type) string {
	var names []string
	for _, t := range types {
		names = append(names, fmt.Sprintf("%s=%d", t.Name, t.Code))
	}
	return strings.Join(names, ", ")
}

// journalFile is the journal's name in the data folder.
const journalFile = "journal.db"

// openPlaces opens the replicas, all at once.
func (h *host) openPlaces(ctx context.Context) error {
	before, err := h.journal.Standing(ctx)
	if err != nil {
		return err
	}
	h.places = make([]replica.Place, len(h.settings.Replicas))
	errs := make([]error, len(h.places))
	var wg sync.WaitGroup
	for i, c := range h.settings.Replicas {
		wg.Go(func() {
			var r replica.Replica
			r, err := all.Open(ctx, c, before[c.Name].Mounted)
			switch {
			case errors.Is(err, all.ErrUnmounted):
				// What was written there would be hidden when the disk is back.
				h.log.Error("a replica is not used until the next start", "replica", c.Name, "error", err)
				r = replica.Unusable(err)
			case err != nil:
				errs[i] = err
				return
			}
			h.places[i] = replica.Place{
				Name: c.Name, Kind: c.Kind, Counts: c.Counts,
				Replica: breaker.New(r, breaker.Options{
					Name: c.Name, Timeout: c.Timeout, Failures: c.Breaker.Failures, Cooldown: c.Breaker.Cooldown, Log: h.log,
				}),
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// keepPlaces finds out whether the places are those that the journal knows,
// before anything rests on what it knows of them, and goes on looking.
func (h *host) keepPlaces(ctx context.Context) (err error) {
	h.keeper, err = placement.Open(ctx, h.placement())
	return err
}

// bindPlaces finds it out once.
func (h *host) bindPlaces(ctx context.Context) error {
	return placement.Bind(ctx, h.placement())
}

// placementPatience is how long a start waits for places that do not answer.
const placementPatience = 2 * time.Second

func (h *host) placement() placement.Options {
	mounted := func(place string) bool {
		i := slices.IndexFunc(h.settings.Replicas, func(c config.Replica) bool { return c.Name == place })
		return i >= 0 && all.Mounted(h.settings.Replicas[i])
	}
	return placement.Options{Journal: h.journal, Places: h.places, Mounted: mounted, Patience: placementPatience, Log: h.log}
}

// openStages joins the way in and the way out.
func (h *host) openStages(ctx context.Context) error {
	opinion, err := secondOpinion(h.settings, h.settings.SecondOpinion)
	if err != nil {
		return err
	}
	permit, err := h.permit(ctx)
	if err != nil {
		return err
	}
	h.reader = retrieve.New(retrieve.Options{
		Module: h.module, Journal: h.journal, Places: readingOrder(h.places, h.settings.Read.Order),
		HedgeAfter: h.settings.Read.HedgeAfter, CacheBytes: int(h.settings.Read.Cache),
		// Nobody reads before open returns.
		Found: func(sequence uint64, e digest.Hash, place string, state custody.State) {
			h.intake.Found(sequence, e, place, state)
		},
		Registerer: h.registry, Log: h.log,
	})
	h.intake, err = intake.Open(intake.Options{
		Module: h.module, Journal: h.journal, Places: h.places,
		MinRedundancy: h.settings.MinRedundancy, Timeout: h.settings.Store.Timeout,
		SecondOpinion: opinion, Permit: permit, Admitted: func(vs []module.Verified) { h.reader.Add(vs...) },
		Registerer: h.registry, Log: h.log,
	})
	return err
}

// openDoor makes what answers requests.
func (h *host) openDoor(ctx context.Context) (err error) {
	folders := map[string]string{}
	for _, c := range h.settings.Replicas {
		if c.Kind == config.Local {
			folders[c.Name] = c.Local.Path
		}
	}
	scrubbing, err := h.scrubbing()
	if err != nil {
		return err
	}
	runner := scrub.NewRunner(scrubbing)
	watched := health.Options{
		Places: h.places, Journal: h.journal, Module: h.module, MinRedundancy: h.settings.MinRedundancy,
		Disagreements: func() uint64 { return h.intake.Disagreements() + h.disagreed.Load() }, Findings: func(place string) health.Findings { return health.Findings(h.reader.Findings(place)) },
		Scrub: func() health.Scrub { return scrubs(runner) }, Notices: h.keeper.Warnings, Transparency: h.tlog.State, Folders: folders, Version: version(), Log: h.log,
	}
	options := api.Options{
		Module: h.module, Intake: h.intake, Reader: h.reader, Journal: h.journal,
		Places: h.places, MinRedundancy: h.settings.MinRedundancy,
		Limits: api.Limits{
			InFlight: h.settings.HTTP.InFlight, Hashes: h.settings.HTTP.BatchEvents, BodyTimeout: h.settings.HTTP.BodyTimeout,
		},
		Addresses:    h.addresses(),
		CORS:         api.CORS{Origins: h.settings.CORS.Origins, MaxAge: h.settings.CORS.MaxAge},
		Admin:        api.Admin{Token: string(h.settings.Admin.Token), Scrubber: runner, ScrubRate: float64(h.settings.Scrub.Rate)},
		Transparency: h.tlog, Prover: h.tlog,
		Receipts: receipt.NewSigner(h.module, h.tlog, h.tlog.HostKey().Private()), Unsigned: !h.settings.Transparency.Receipts,
		Page:     web.Page(),
		Registry: h.registry, Version: version(), Log: h.log,
	}
	if h.anchor != nil {
		watched.Anchor, watched.AnchorEvery, options.Anchor = h.anchor.State, h.settings.Anchor.Every, h.anchor
	}
	h.health = health.New(watched)
	options.Health = h.health.Health
	log := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "eventseal_journal_log_bytes", Help: "Length of the journal's write-ahead log at its last checkpoint.",
	}, func() float64 { return float64(h.journal.Stats().LogBytes) })
	collect := []prometheus.Collector{h.health, log, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, c := range collect {
		if err := h.registry.Register(c); err != nil {
			return err
		}
	}
	h.api, err = api.New(options)
	if err == nil && h.settings.Scrub.Every > 0 {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		h.endScrubs = cancel
		h.background.Go(func() {
			runner.Every(ctx, h.settings.Scrub.Every, scrub.Request{Rate: float64(h.settings.Scrub.Rate)})
		})
	}
	return err
}

// tellUnreachable warns of places that do not answer. The host serves without
// them, and their breakers notice when they come.
func (h *host) tellUnreachable(ctx context.Context) {
	for _, p := range h.places {
		go func() {
			if err := p.Replica.Check(ctx); err != nil && ctx.Err() == nil {
				h.log.Warn("a replica does not answer; the host goes on without it and tries again", "replica", p.Name, "kind", p.Kind, "error", err)
			}
		}()
	}
}

// secondOpinion returns what asks the independent implementation about a
// sample. Which events that are is decided by a salt of this process, so that
// nobody can make an event that it is known to pass over.
func secondOpinion(c config.Config, sample string) (func(context.Context, module.Verified) error, error) {
	sampler, err := reference.ParseSampler(sample)
	if err != nil {
		return nil, err
	}
	sampler = sampler.Salted([]byte(rand.Text()))
	o := reference.Options{MaxBytes: int(c.Event.MaxBytes), Types: map[string]uint32{}}
	for _, t := range c.Event.Types {
		o.Types[t.Name] = t.Code
	}
	return func(_ context.Context, v module.Verified) error {
		if !sampler.Take(v.Hash()) {
			return nil
		}
		return reference.CrossCheck(v.Record(), o, v.Hash(), v.Meta().RecordDigest, nil)
	}, nil
}

// byDistance is the order in which kinds are read unless configured: what is
// likely to answer first.
var byDistance = []string{config.Redis, config.Local, config.S3, config.IPFS}

// readingOrder puts the named places first, in the order of their names.
func readingOrder(places []replica.Place, names []string) []replica.Place {
	rank := func(p replica.Place) int {
		if i := slices.Index(names, p.Name); i >= 0 {
			return i
		}
		return len(names) + slices.Index(byDistance, p.Kind)
	}
	ordered := slices.Clone(places)
	slices.SortStableFunc(ordered, func(a, b replica.Place) int { return cmp.Compare(rank(a), rank(b)) })
	return ordered
}

// tell logs what an operator wants to know of a start.
func (h *host) tell(addr string, took time.Duration) {
	var names []string
	for _, p := range h.places {
		name := p.Name + " (" + p.Kind + ")"
		if !p.Counts {
			name = p.Name + " (" + p.Kind + ", does not count)"
		}
		names = append(names, name)
	}
	h.log.Info("ready", "url", "http://"+addr, "version", version(), "module_sha256", wasm.Digest, "data", h.settings.Data,
		"replicas", strings.Join(names, ", "), "min_redundancy", h.settings.MinRedundancy, "took", took.Round(time.Millisecond).String())
}

// close ends what is open, from the door inwards. What the outbox still owes
// stays in the journal.
func (h *host) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), h.settings.HTTP.ShutdownTimeout)
	defer cancel()
	var errs []error
	if h.endScrubs != nil {
		h.endScrubs()
		h.background.Wait()
	}
	if h.anchor != nil {
		h.anchor.Close()
	}
	if h.tlog != nil {
		h.tlog.Close()
	}
	if h.intake != nil {
		errs = append(errs, h.intake.Close(ctx))
	}
	if h.reader != nil {
		errs = append(errs, h.reader.Close())
	}
	if h.keeper != nil {
		h.keeper.Close()
	}
	if h.journal != nil {
		errs = append(errs, h.journal.Close())
	}
	h.lost.Close()
	for _, p := range h.places {
		if c, ok := p.Replica.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	if h.module != nil {
		errs = append(errs, h.module.Close(ctx))
	}
	if h.lock != nil {
		errs = append(errs, h.lock.Close())
	}
	return errors.Join(errs...)
}
