// Package placement sees to it that the places behind the host's names are
// those that the journal knows. What the journal knows of copies is known of a
// place, which an id tells from every other one: a folder that was emptied or
// swapped, a disk that is not mounted, a bucket that was restored from an older
// copy is noticed here, at the start and while the host runs, told, and owed
// what it does not hold.
package placement

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
)

// A Journal is what the places are compared with. SQLite is one.
type Journal interface {
	journal.Journal
	journal.Walker
	journal.Placer
	journal.Renewer
}

// Options say what is looked after. Journal and Places are required.
type Options struct {
	Journal Journal
	Places  []replica.Place
	// Every is the pause between looks while the host runs. 0: 5 s.
	Every time.Duration
	// Mounted says of a place whether it is a folder that is a disk of its own.
	// nil: none is.
	Mounted func(place string) bool
	// Patience bounds what one look may take. 0: 5 s.
	Patience time.Duration
	Log      *slog.Logger // nil: slog.Default()
}

// A Keeper looks after the places of one host. Its methods are safe for
// concurrent use. Caches are none of its business: what they forget is their right.
type Keeper struct {
	o     Options
	spots []*spot

	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex // held while places are looked at, one look at a time
	markedAt time.Time
	journal  string // why the journal is not to be taken for the places' own; "": it is
}

// A spot is a name of the configuration and what was seen behind it.
type spot struct {
	replica.Place
	kick chan struct{} // for who goes through the arrears; holds one

	// Under Keeper.mu.
	identity string // "": none was seen yet
	unseen   bool   // it did not answer
	suffered uint64 // as of the last look
	sampled  time.Time
	marked   mark // that it keeps

	noteMu sync.Mutex
	note   string // what is to be told of it, while it lasts
}

// sampleEvery is the pause between looks for what the place should hold.
const sampleEvery = time.Minute

// Bind looks at every place once, which takes no longer than Patience, and
// binds what it finds to the places' names in the journal. A place that does not
// answer stays bound as it was. With an error two names have one place behind
// them. It is for who needs the places once; whoever runs them opens a Keeper.
func Bind(ctx context.Context, o Options) error {
	return newKeeper(o).look(ctx)
}

// Open does what Bind does, compares the journal with what the places hold, and
// goes on looking until the Keeper is closed, which the caller must do. What the
// places are in arrears with is gone through.
func Open(ctx context.Context, o Options) (*Keeper, error) {
	k := newKeeper(o)
	if err := k.compare(ctx); err != nil {
		return nil, err
	}
	if err := k.look(ctx); err != nil {
		return nil, err
	}
	k.mark(ctx)
	run, stop := context.WithCancel(context.Background())
	k.stop = stop
	for _, s := range k.spots {
		s.nudge()
		k.running.Go(func() { k.settle(run, s) })
	}
	k.running.Go(func() { k.watch(run) })
	return k, nil
}

func newKeeper(o Options) *Keeper {
	if o.Every <= 0 {
		o.Every = 5 * time.Second
	}
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	k := &Keeper{o: o}
	for _, p := range o.Places {
		if !p.Cache() {
			k.spots = append(k.spots, &spot{Place: p, kick: make(chan struct{}, 1)})
		}
	}
	return k
}

// Close ends what goes on in the background, and has the places keep how far
// the journal is. Nothing must be admitted any more.
func (k *Keeper) Close() {
	k.stop()
	k.running.Wait()
	k.mark(context.Background())
}

// Warnings returns what an operator should know of the places now.
func (k *Keeper) Warnings() []string {
	var ws []string
	if k.journal != "" { // of Open, and never changed
		ws = append(ws, k.journal)
	}
	for _, s := range k.spots {
		s.noteMu.Lock()
		if s.note != "" {
			ws = append(ws, s.note)
		}
		s.noteMu.Unlock()
	}
	return ws
}

func (s *spot) tell(note string) {
	s.noteMu.Lock()
	s.note = note
	s.noteMu.Unlock()
}

func (s *spot) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// noticeAfter is how soon a loss is noticed that a place itself has found.
const noticeAfter = 200 * time.Millisecond

// watch looks again and again until ctx ends.
func (k *Keeper) watch(ctx context.Context) {
	t := time.NewTicker(min(k.o.Every, noticeAfter))
	defer t.Stop()
	looked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if time.Since(looked) < k.o.Every && !k.suffering() {
			continue
		}
		looked = time.Now()
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.o.Log.Error("the places cannot be told apart", "error", err)
		}
		if time.Since(k.markedAt) >= sampleEvery {
			k.mark(ctx)
		}
	}
}

// suffering reports whether a place has found losses of its own since the last look.
func (k *Keeper) suffering() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.spots, func(s *spot) bool {
		p, ok := replica.As[replica.Suffered](s.Replica)
		return ok && p.Suffered() != s.suffered
	})
}

// A sight is what one look at a place showed.
type sight struct {
	identity string
	doubt    string // why nothing that is known of it is to be believed
	mounted  bool
	err      error // it could not be looked at
}

// look looks at every place, and binds those of which something has changed.
func (k *Keeper) look(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	known, err := k.o.Journal.Standing(ctx)
	if err != nil {
		return err
	}
	sights := make([]sight, len(k.spots))
	var wg sync.WaitGroup
	for i, s := range k.spots {
		wg.Go(func() {
			look, cancel := context.WithTimeout(ctx, k.o.Patience)
			defer cancel()
			sights[i] = k.see(look, s, known)
		})
	}
	wg.Wait()
	if err := k.apart(ctx, sights, known); err != nil {
		return err
	}
	var bs []journal.Binding
	var whose []*spot
	for i, s := range k.spots {
		before, bound := known[s.Name]
		v := sights[i]
		switch {
		case v.err != nil:
			if ctx.Err() == nil && s.identity == "" && !s.unseen {
				s.unseen = true // told once
				k.o.Log.Warn("it is not known yet which place this is; the host goes on and looks again", "replica", s.Name, "error", v.err)
			}
			continue
		case bound && v.identity == before.Identity && v.mounted == before.Mounted && v.doubt == "":
			s.identity = v.identity
			continue
		}
		bs = append(bs, journal.Binding{Replica: s.Name, Identity: v.identity, Doubt: v.doubt, Mounted: v.mounted})
		whose = append(whose, s)
	}
	if len(bs) == 0 {
		return nil
	}
	bounds, err := k.o.Journal.Bind(ctx, bs)
	if err != nil {
		return err
	}
	for i, b := range bounds {
		whose[i].identity = bs[i].Identity
		k.report(whose[i], bs[i], b)
		whose[i].nudge()
	}
	return nil
}

// report tells what a binding changed.
func (k *Keeper) report(s *spot, b journal.Binding, r journal.Bound) {
	switch {
	case b.Doubt != "":
		k.o.Log.Warn("what was known of a replica's copies is not believed any more; they are looked for, and owed where they are missing", "replica", s.Name, "why", b.Doubt, "events", r.Arrears)
	case r.Former != "":
		k.o.Log.Warn("a replica was known under another name; what is known of it goes with it", "replica", s.Name, "former", r.Former)
	case r.Replaced:
		k.o.Log.Warn("another place is behind a replica's name than the one that the journal knows: emptied, replaced, or not mounted. It counts for what it is found to hold, and is owed everything else",
			"replica", s.Name, "events", r.Arrears)
	case r.New && r.Arrears > 0:
		k.o.Log.Info("a replica is new; it is owed what was stored before", "replica", s.Name, "events", r.Arrears)
	}
	if r.Arrears > 0 && !r.New {
		why := "another place is behind its name than the one that the journal knows"
		if b.Doubt != "" {
			why = b.Doubt
		}
		s.tell(fmt.Sprintf("%s: %s; its copies are being looked for, and stored where they are missing", s.Name, why))
	}
}

// see looks at one place.
func (k *Keeper) see(ctx context.Context, s *spot, known map[string]journal.Standing) (v sight) {
	before := known[s.Name].Identity
	v.mounted = k.o.Mounted != nil && k.o.Mounted(s.Name)
	if p, ok := replica.As[replica.Suffered](s.Replica); ok {
		if n := p.Suffered(); n != s.suffered {
			s.suffered, v.doubt = n, "copies that it held were found gone or damaged there"
		}
	}
	if p, ok := replica.As[replica.Identified](s.Replica); ok {
		v.identity, v.err = identify(ctx, p, slices.Collect(others(known)))
	}
	if errors.Is(v.err, replica.ErrNoIdentity) || errors.Is(v.err, errors.ErrUnsupported) {
		v.identity, v.err = before, nil
	}
	if v.err != nil || v.identity != before || v.doubt != "" {
		return v
	}
	// The same place, it says. It may be an older state of it.
	if s.sampled.IsZero() || time.Since(s.sampled) >= sampleEvery {
		n := newestSample
		if s.sampled.IsZero() {
			n = firstSample
		}
		lacks, err := k.sample(ctx, s, n)
		switch {
		case err != nil:
			v.err = err
		case lacks:
			v.doubt = "it lacks events that it held: it is older than the journal, or was emptied"
		default:
			s.sampled = time.Now()
		}
	}
	return v
}

func others(known map[string]journal.Standing) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, s := range known {
			if s.Identity != "" && !yield(s.Identity) {
				return
			}
		}
	}
}

// identify returns the id of a place; one that has none is given one.
func identify(ctx context.Context, p replica.Identified, known []string) (string, error) {
	for range 3 {
		id, err := p.Identity(ctx, known)
		switch {
		case id != "" || err != nil && !errors.Is(err, replica.ErrCorrupt):
			return id, err
		}
		id = newIdentity()
		if err := p.Identify(ctx, id); err != nil && !errors.Is(err, replica.ErrConflict) {
			return "", err
		}
		known = append(known, id) // and who was first is asked again
	}
	return "", errors.New("the place does not keep its id")
}

func newIdentity() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// apart refuses two names for one place, and gives an id of its own to a place
// that was copied from another, id included.
func (k *Keeper) apart(ctx context.Context, sights []sight, known map[string]journal.Standing) error {
	for i := range sights {
		for n := range i {
			a, b := i, n // a is to get another one
			if sights[a].err != nil || sights[b].err != nil || sights[a].identity == "" || sights[a].identity != sights[b].identity {
				continue
			}
			if known[k.spots[a].Name].Identity == sights[a].identity {
				a, b = b, a
			}
			p, _ := replica.As[replica.Identified](k.spots[a].Replica)
			first, _ := replica.As[replica.Identified](k.spots[b].Replica)
			if p == nil || first == nil {
				continue
			}
			id := newIdentity()
			if err := p.Identify(ctx, id); err != nil {
				return fmt.Errorf("replicas %s and %s have one id: %w", k.spots[b].Name, k.spots[a].Name, err)
			}
			again, err := first.Identity(ctx, append(slices.Collect(others(known)), id))
			if err != nil {
				return err
			}
			if again == id {
				return fmt.Errorf("replicas %s and %s are one place: what is stored there would count twice; give one of them a place of its own", k.spots[b].Name, k.spots[a].Name)
			}
			k.o.Log.Warn("a replica is a copy of another one, id included; it gets an id of its own", "replica", k.spots[a].Name, "of", k.spots[b].Name)
			sights[a].identity = id
		}
	}
	return nil
}
