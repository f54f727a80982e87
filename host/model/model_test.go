package model

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/module/moduletest"
)

// Seeds are the worlds of every run: some, and each in which a fault was found.
var seeds = []struct {
	seed  uint64
	steps int
	why   string // what was found in it; "": nothing
}{
	{1, 900, ""},
	{2, 900, "a journal was rolled back, and numbers of its epoch stood for other events"},
	{3, 900, ""},
	{4, 1100, "a copy whose signature text was damaged was taken for another host's"},
	{7, 900, "an event that nobody had was not said to be lost"},
	{8, 600, "a folder was replaced while the host ran, and its copies were acknowledged"},
	{9, 600, "a record left the journal because a place had the event under another signature"},
	{11, 600, "a store of a known event was acknowledged from memory"},
	{14, 600, "a place with another signature was believed to have the journal's record"},
	{26, 600, "a scrub dropped a record that one place alone had"},
	{31, 1500, "a journal was rolled back behind repairs of what it knew"},
	{41, 600, ""},
}

// worldSteps is how long a world of a soak lasts.
const worldSteps = 1500

func TestModel(t *testing.T) {
	steps := number(t, "MODEL_STEPS", 0)
	switch seed := number(t, "MODEL_SEED", 0); {
	case seed > 0:
		run(t, seed, int(max(steps, 1)), true)
	case steps > 0:
		soak(t, int(steps))
	default:
		for _, s := range seeds {
			t.Run(fmt.Sprint(s.seed), func(t *testing.T) {
				t.Parallel()
				run(t, s.seed, s.steps, false)
			})
		}
	}
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// soak plays new worlds, one on each core, until so many steps were taken.
func soak(t *testing.T, steps int) {
	first, begun := uint64(time.Now().UnixNano()>>10), time.Now()
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for done.Load() < int64(steps) && !t.Failed() {
				run(t, first+uint64(next.Add(1)), worldSteps, false)
				if n := done.Add(worldSteps); n/worldSteps%20 == 0 {
					t.Logf("%d of %d steps, %.0f a second", n, steps, float64(n)/time.Since(begun).Seconds())
				}
			}
		})
	}
	wg.Wait()
}

// run plays one world.
func run(t *testing.T, seed uint64, steps int, tell bool) {
	es := signed()(t)
	pool := moduletest.Open(t)
	base := folderOf(t)
	defer os.RemoveAll(base)
	var told []string
	var err error
	synctest.Test(t, func(*testing.T) {
		time.Sleep(26 * 365 * 24 * time.Hour) // a bubble begins in the year 2000
		r := rand.New(rand.NewPCG(seed, 0))
		w := &world{pool: pool, base: base, data: filepath.Join(base, "data"), tail: &tail{}}
		w.log = slog.New(slog.NewTextHandler(w.tail, nil))
		w.furnish(r)
		m := newModel(w, es)
		told, err = m.play(seed, steps)
		if err != nil {
			told = append(told, "the log ends with:")
			for _, line := range w.tail.last(25) {
				told = append(told, strings.TrimSuffix(line, "\n"))
			}
		}
		if w.host != nil {
			w.host.gate.kill()
		}
		err = errors.Join(err, w.close())
		time.Sleep(time.Hour) // what was killed in the middle ends by its deadlines
	})
	if err != nil {
		t.Errorf("MODEL_SEED=%d MODEL_STEPS=%d: %v\n%s\n%s", seed, steps, err, told[0], strings.Join(told[max(1, len(told)-70):], "\n"))
	} else if tell {
		t.Log(strings.Join(told, "\n"))
	}
}

// folderOf is a folder in memory where there is one: what is synced is not
// what is measured here.
func folderOf(t *testing.T) string {
	at, err := os.MkdirTemp("/dev/shm", "eventseal-model-")
	if err != nil {
		return t.TempDir()
	}
	return at
}

// furnish chooses the places.
func (w *world) furnish(r *rand.Rand) {
	w.required = 1 + r.IntN(3)
	w.cache = int64(r.IntN(2)) << 20
	all := []*site{
		newSite("local-a", "local", true), newSite("local-b", "local", true), newSite("bucket", "s3", true),
		newSite("node", "ipfs", true), newSite("cache", "redis", false), newSite("store", "redis", true), newSite("bucket-2", "s3", true),
	}
	n := max(2, w.required) + r.IntN(3)
	counting := 0
	for _, k := range r.Perm(len(all)) {
		s := all[k]
		if s.counts && counting == n || !s.counts && r.IntN(2) == 0 {
			continue
		}
		if s.counts {
			counting++
		}
		if s.kind == "local" {
			s.folder = &folder{path: filepath.Join(w.data, s.name), synced: map[string]int64{}}
		}
		w.sites = append(w.sites, s)
	}
}

// play takes the steps, each by random numbers of its own, so that what one
// finds changes nothing for the next.
func (m *model) play(seed uint64, steps int) (told []string, err error) {
	var names []string
	for _, s := range m.sites {
		names = append(names, s.name)
	}
	told = append(told, fmt.Sprintf("%d of %s, cache %d", m.required, strings.Join(names, ", "), m.cache))
	if err := os.MkdirAll(m.data, 0o700); err != nil {
		return told, err
	}
	if err := m.start(); err != nil {
		return told, err
	}
	for n := range steps {
		r := rand.New(rand.NewPCG(seed, uint64(n)+1))
		s := choose(steps_, r)
		if n%150 == 149 || n == steps-1 {
			s = step{0, "settle", (*model).settle}
		}
		m.begun = time.Now()
		text, err := s.run(m, r)
		told = append(told, fmt.Sprintf("%5d %s  %s: %s", n, time.Now().Format("15:04:05.000"), s.name, text))
		if err == nil && m.host != nil && m.host.journal.Failure() != nil && s.name != "failed commit" {
			told = append(told, "      the journal has failed")
			text, err = m.restart(r)
			told = append(told, "      restart: "+text)
		}
		if err != nil {
			return told, fmt.Errorf("step %d, %s: %w", n, s.name, err)
		}
	}
	return told, nil
}
