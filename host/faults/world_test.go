package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	redisclient "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/placement"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/all"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
	"github.com/eventseal/eventseal/wasm/digest"
)

// required is how many counting places make an event durable: of the stack's
// four, any one may fail.
const required = 3

// The places of a world, in the order of the configuration.
const (
	localA = "local-a"
	localB = "local-b"
	cache  = "cache"
	bucket = "bucket"
	node   = "node"
)

var placeNames = []string{localA, localB, cache, bucket, node}

// A world is a host's stages in this process over the stack's five places,
// each of them behind something that can misbehave.
type world struct {
	t        testing.TB
	dir      string
	log      *slog.Logger
	said     *said    // what it was told; nil: that is not kept
	order    []string // of reading
	places   []replica.Place
	inner    map[string]replica.Replica // behind the breakers
	raws     map[string]raw
	proxies  map[string]*proxy.Proxy
	disks    map[string]*disk
	journal  *sqlite.Journal
	registry *prometheus.Registry
	intake   *intake.Intake
	reader   *retrieve.Reader
	health   *health.Monitor
	configs  []config.Replica
	keeper   *placement.Keeper // nil: nobody looks whether the places are the same ones
	kept     bool              // there is to be one

	acknowledged []module.Verified
}

var worlds atomic.Int32

// newWorld opens a world on the servers: a database, a bucket and roots of its
// own. Places are read in the order of names.
func newWorld(t testing.TB, s *stack, dir string, order ...string) *world {
	w := &world{
		t: t, dir: dir, order: order, inner: map[string]replica.Replica{}, raws: map[string]raw{}, proxies: map[string]*proxy.Proxy{}, disks: map[string]*disk{},
	}
	n := int(worlds.Add(1))
	bucketName := fmt.Sprintf("world-%d", n)
	w.must(s.s3.Bucket(bucketName))
	w.raws[cache] = rawRedis{redisclient.NewClient(&redisclient.Options{Addr: s.redis.Addr, DB: n})}
	w.raws[bucket] = newRawS3(s.s3, bucketName)
	w.raws[node] = rawIPFS{api: s.kubo.URL()}
	for name, server := range map[string]*servers.Server{cache: s.redis, bucket: s.s3, node: s.kubo} {
		p, err := proxy.New(server.Kind, server.Addr)
		w.must(err)
		w.proxies[name] = p
		t.Cleanup(func() { _ = p.Close() })
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	if os.Getenv("FAULTS_LOG") != "" {
		quiet = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("world", n)
	}
	w.log = quiet
	w.configs = []config.Replica{
		{Name: localA, Kind: config.Local, Counts: true, Timeout: 5 * time.Second},
		{Name: localB, Kind: config.Local, Counts: true, Timeout: 5 * time.Second},
		{Name: cache, Kind: config.Redis, Timeout: time.Second, Redis: config.RedisReplica{Addresses: []string{w.proxies[cache].Addr}, DB: n}},
		{Name: bucket, Kind: config.S3, Counts: true, Timeout: 10 * time.Second, S3: config.S3Replica{
			Endpoint: w.proxies[bucket].URL(), Bucket: bucketName, PathStyle: true, Region: servers.S3Region,
			AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
		}},
		{Name: node, Kind: config.IPFS, Counts: true, Timeout: 10 * time.Second, IPFS: config.IPFSReplica{API: w.proxies[node].URL()}},
	}
	w.openPlaces()
	w.openJournal()
	w.start()
	return w
}

// openPlaces opens what is configured.
func (w *world) openPlaces() {
	w.places = nil
	for _, c := range w.configs {
		var r replica.Replica
		if c.Kind == config.Local {
			folder := filepath.Join(w.dir, c.Name)
			opened, err := local.Open(folder, local.Options{Log: w.log})
			w.must(err)
			files := rawLocal{opened, folder}
			w.disks[c.Name] = &disk{Replica: opened, files: files}
			r, w.raws[c.Name] = w.disks[c.Name], files
		} else {
			opened, err := all.Open(ctx, c, false)
			w.must(err)
			r = opened
		}
		w.inner[c.Name] = r
		guarded := breaker.New(r, breaker.Options{Name: c.Name, Timeout: c.Timeout, Log: w.log})
		w.places = append(w.places, replica.Place{Name: c.Name, Kind: c.Kind, Counts: c.Counts, Replica: guarded})
	}
}

func (w *world) openJournal() {
	var err error
	w.journal, err = sqlite.Open(filepath.Join(w.dir, "journal.db"), sqlite.Options{Log: w.log})
	w.must(err)
}

// start starts the stages.
func (w *world) start() {
	w.registry = prometheus.NewRegistry()
	var notices func() []string
	if w.kept {
		var err error
		w.keeper, err = placement.Open(ctx, placement.Options{Journal: w.journal, Places: w.places, Log: w.log})
		w.must(err)
		notices = w.keeper.Warnings
	}
	w.reader = retrieve.New(retrieve.Options{
		Module: moduletest.Open(w.t), Journal: w.journal, Places: ordered(w.places, w.order), // no cache: every read is one of the places
		Found: func(sequence uint64, h digest.Hash, place string, state custody.State) {
			w.intake.Found(sequence, h, place, state)
		},
		Registerer: w.registry, Log: w.log,
	})
	var err error
	w.intake, err = intake.Open(intake.Options{
		Module: moduletest.Open(w.t), Journal: w.journal, Places: w.places, MinRedundancy: required, Registerer: w.registry, Log: w.log,
	})
	w.must(err)
	w.health = health.New(health.Options{
		Places: w.places, Journal: w.journal, Module: moduletest.Open(w.t), MinRedundancy: required, Disagreements: w.intake.Disagreements, Log: w.log,
		Findings: func(place string) health.Findings { return health.Findings(w.reader.Findings(place)) },
		Notices:  notices,
	})
}

// stop ends the stages and the journal, as a host's shutdown does.
func (w *world) stop() {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = w.intake.Close(ctx)
	_ = w.reader.Close()
	if w.keeper != nil {
		w.keeper.Close()
	}
	_ = w.journal.Close()
}

// ordered returns places in the order of names, those not named last.
func ordered(places []replica.Place, names []string) []replica.Place {
	out := slices.Clone(places)
	rank := func(p replica.Place) int {
		if i := slices.Index(names, p.Name); i >= 0 {
			return i
		}
		return len(names)
	}
	slices.SortStableFunc(out, func(a, b replica.Place) int { return rank(a) - rank(b) })
	return out
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// close ends the world.
func (w *world) close() {
	w.stop()
	w.closePlaces()
}

func (w *world) closePlaces() {
	for _, p := range w.places {
		_ = p.Replica.(io.Closer).Close()
	}
}

// set sets the fault of a place.
func (w *world) set(place string, f proxy.Fault) error {
	if d := w.disks[place]; d != nil {
		d.fault.Store(int32(f))
		return nil
	}
	return w.proxies[place].Set(f)
}

// incomplete returns what is missing for the places to hold every acknowledged
// event of vs and for the journal to owe nothing, "" when nothing is.
func (w *world) incomplete(vs []module.Verified, places ...string) string {
	backlog, err := w.journal.Backlog(ctx)
	if err != nil {
		return err.Error()
	}
	for name, n := range backlog {
		if n > 0 {
			return fmt.Sprintf("%s is owed %d events", name, n)
		}
	}
	for _, v := range vs {
		for _, name := range places {
			got, err := w.raws[name].get(v)
			if err != nil {
				return fmt.Sprintf("%s: %v", name, err)
			}
			if !bytes.Equal(got, v.Record()) {
				return fmt.Sprintf("%s has %d other bytes for %s", name, len(got), v.Hash())
			}
		}
	}
	return ""
}

// complete waits until nothing is incomplete.
func (w *world) complete(vs []module.Verified, places ...string) error {
	return w.completeByReads(vs, nil, places...)
}

// completeByReads does so while again is read every few seconds.
func (w *world) completeByReads(vs, again []module.Verified, places ...string) error {
	for end, next := time.Now().Add(patience), time.Now().Add(2*time.Second); ; time.Sleep(50 * time.Millisecond) {
		missing := w.incomplete(vs, places...)
		if missing == "" {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("not complete: " + missing)
		}
		if again != nil && time.Now().After(next) {
			if err := w.read(again); err != nil {
				return err
			}
			next = time.Now().Add(2 * time.Second)
		}
	}
}

// read reads events as one batch and wants each of them.
func (w *world) read(vs []module.Verified) error {
	hs := make([]digest.Hash, len(vs))
	for i, v := range vs {
		hs[i] = v.Hash()
	}
	i := 0
	for got, err := range w.reader.Events(ctx, hs) {
		if err != nil {
			return fmt.Errorf("event %s: %w", hs[i], err)
		}
		if !bytes.Equal(got.Record(), vs[i].Record()) {
			return fmt.Errorf("event %s: other bytes are served", hs[i])
		}
		i++
	}
	return nil
}

// scrub looks at every copy and has none left that is not good.
func (w *world) scrub() error {
	o := scrub.Options{Module: moduletest.Open(w.t), Journal: w.journal, Places: w.places, FillCaches: true, Log: w.log}
	report, err := scrub.Run(ctx, o)
	// Connections that the fault has ended may still have to be found out.
	for end := time.Now().Add(patience); err == nil && time.Now().Before(end) && slices.ContainsFunc(report.Places, func(p scrub.Place) bool { return p.Unreachable > 0 }); {
		report, err = scrub.Run(ctx, o)
	}
	if err == nil && (!report.Complete || report.Lost+report.Unread+report.Invalid > 0) {
		err = fmt.Errorf("the scrub reports %+v", report)
	}
	if err == nil {
		err = w.complete(w.acknowledged, placeNames...)
	}
	if err == nil {
		o.ReadOnly = true
		if report, err = scrub.Run(ctx, o); err == nil && !report.Clean() {
			err = fmt.Errorf("after a scrub the next one reports %+v", report)
		}
	}
	return err
}

// metrics returns every counter and gauge of a place by name and labels.
func (w *world) metrics(place string) map[string]float64 {
	families, err := w.registry.Gather()
	w.must(err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			mine := false
			for _, l := range m.Label {
				if l.GetName() == "replica" {
					mine = l.GetValue() == place
				} else {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
			}
			if len(m.Label) > 0 && !mine {
				continue
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				out[name] = m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				out[name] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}
