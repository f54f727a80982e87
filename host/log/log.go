// Package log is the host's transparency log: one RFC 9162 tree over the order
// of its events, whose signed heads never contradict each other. Its tiles and
// entry bundles (C2SP tlog-tiles) are in the places before a head says so, the
// head in the journal before anybody sees it, and in enough places before it is
// served.
package log

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Journal is what a log needs of one.
type Journal interface {
	journal.Logged
	journal.Renewer
	Last(ctx context.Context) (uint64, error)
	Epoch() string
	Kept(ctx context.Context, epoch string) (uint64, error)
	Wait(ctx context.Context, after uint64) error
}

// A Cosigner asks a witness to cosign a head.
type Cosigner interface {
	// Cosign returns the witness's signature lines for a signed head, each with its
	// newline. consistency makes the proof (C2SP tlog-witness) from the size of an
	// earlier head to this one's.
	Cosign(ctx context.Context, note []byte, consistency func(old uint64) ([]digest.Hash, error)) (lines []byte, err error)
}

// Options say what is logged and where. Journal, Module, Key and Name are needed.
type Options struct {
	Journal       Journal
	Places        []replica.Place // those that count and keep objects get the log's
	MinRedundancy int             // how many of them must have everything before it is published; at least 1
	Module        *module.Pool
	Key           *Key
	Name          string        // the host's public name, which origins begin with
	Every         time.Duration // between two heads; 0: 1 s
	Cosigners     []Cosigner
	Quorum        int           // fewer cosignatures are told as a warning
	CosignTimeout time.Duration // for all of them together; 0: 2 s
	Chain         string        // "chain ID CONTRACT", the line of a trust text that says where heads are anchored; "": nowhere
	Registerer    prometheus.Registerer
	Log           *slog.Logger // nil: slog.Default()
}

// The states of a log.
const (
	Starting   = "starting"   // it is not known yet which heads there are
	Publishing = "publishing" // new events are covered by a new head
	Waiting    = "waiting"    // too few places are there to publish
	Stopped    = "stopped"    // publishing anything could contradict what was published
)

// A State says how a log is.
type State struct {
	State       string
	Why         string    // in words, with what to do; "" while all is well
	Note        string    // what is worth knowing and no fault: why a new log began
	Short       string    // what is short of the settings' wishes, in words: cosignatures
	Since       time.Time // of State
	Origin      string    // "" until it is known
	Size        uint64    // events that there are
	Published   uint64    // events that the head that is served covers
	PublishedAt time.Time // zero: nothing was in this process
	Cosigned    int       // witnesses that cosigned it
}

// A Log publishes until it is closed. Its methods are safe for concurrent use.
type Log struct {
	o       Options
	places  []*place
	metrics *metrics
	end     context.CancelFunc
	ended   chan struct{}
	tasks   sync.WaitGroup

	// Of the one goroutine that publishes.
	head    journal.Head
	tree    *tree     // of the head
	doubt   bool      // the journal and the places have to be read and judged before anything else
	offered time.Time // when the witnesses were asked last
	silent  []bool    // of each witness: it did not cosign when it was asked last

	mu      sync.Mutex
	state   State
	served  *served
	changed chan struct{} // closed at the next change of state or served
}

// served is the head that is served, and what goes with it.
type served struct {
	checkpoint.Checkpoint
	head     []byte // as the log signed it
	note     []byte // with cosignatures
	cosigned int
	edge     *tree // not to be changed
}

// Open starts a log. It waits a moment for the places to say which heads there
// are; with too few of them it goes on asking, and publishes nothing until then.
// The error is one of the options.
func Open(ctx context.Context, o Options) (*Log, error) {
	l, err := open(o)
	if err != nil {
		return nil, err
	}
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	l.end = end
	go func() {
		defer close(l.ended)
		l.run(work)
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		l.mu.Lock()
		state, changed := l.state.State, l.changed
		l.mu.Unlock()
		if state != Starting {
			return l, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			return l, nil
		case <-ctx.Done():
			return l, nil
		}
	}
}

// patience is how long a start waits for places that do not answer.
const patience = 2 * time.Second

// open is Open without the goroutine that publishes.
func open(o Options) (*Log, error) {
	if o.Journal == nil || o.Module == nil || o.Key == nil {
		return nil, errors.New("log: Journal, Module and Key are needed")
	}
	if !checkpoint.ValidName(o.Name + originPart + "0123456789abcdef") {
		return nil, errors.New("log: the host's public name cannot be that of a log")
	}
	o.MinRedundancy = max(1, o.MinRedundancy)
	o.Every = cmp.Or(o.Every, time.Second)
	o.CosignTimeout = cmp.Or(o.CosignTimeout, 2*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	l := &Log{
		o: o, end: func() {}, ended: make(chan struct{}), doubt: true, tree: &tree{}, silent: make([]bool, len(o.Cosigners)),
		state: State{State: Starting, Since: time.Now()}, changed: make(chan struct{}),
	}
	for _, p := range o.Places {
		if objects, ok := replica.As[replica.Objects](p.Replica); ok && p.Counts {
			l.places = append(l.places, &place{name: p.Name, objects: objects})
		}
	}
	var err error
	l.metrics, err = newMetrics(o.Registerer, l)
	return l, err
}

// Close ends publishing. What is on its way to a place may come there or not.
func (l *Log) Close() {
	l.end()
	<-l.ended
}

// Origin returns the origin of the log; "" until the first start has found out
// that there is no other log of this host.
func (l *Log) Origin() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Origin
}

// Key returns the Ed25519 key that signs the log's heads, as vkey; "" with Origin.
func (l *Log) Key() string {
	if origin := l.Origin(); origin != "" {
		return l.o.Key.Log(origin).String()
	}
	return ""
}

// K1 returns the key that signs heads and receipts, PUB_K1_….
func (l *Log) K1() string { return l.o.Key.Public() }

// HostKey returns the key that receipts are to be signed with.
func (l *Log) HostKey() *Key { return l.o.Key }

// Checkpoint returns the signed note that is served; nil: none yet.
func (l *Log) Checkpoint() []byte {
	if s := l.now(); s != nil {
		return s.note
	}
	return nil
}

// State returns how the log is.
func (l *Log) State(ctx context.Context) State {
	last, err := l.o.Journal.Last(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.state.Size = last
	}
	return l.state
}

func (l *Log) now() *served {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.served
}

// become notes a state and tells the operator of it once.
func (l *Log) become(state, why string) {
	l.mu.Lock()
	was := l.state
	if was.State == Stopped {
		l.mu.Unlock()
		return // for as long as this process runs: what it has seen stays seen
	}
	if was.State != state {
		l.state.Since = time.Now()
	}
	l.state.State, l.state.Why = state, why
	l.wake()
	l.mu.Unlock()
	if was.State == state && was.Why == why {
		return
	}
	switch state {
	case Stopped:
		l.o.Log.Error("the transparency log is stopped: "+why, "origin", was.Origin)
	case Waiting:
		l.o.Log.Warn("the transparency log waits: "+why, "origin", was.Origin)
	case Publishing:
		l.o.Log.Info("the transparency log publishes", "origin", was.Origin, "published", was.Published)
	}
}

// wake lets those who wait for a change look again. l.mu is held.
func (l *Log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}
