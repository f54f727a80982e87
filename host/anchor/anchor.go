package anchor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
)

// Options say what is anchored and where. Journal, Log, Module, Client, Contract
// and Permission are needed.
type Options struct {
	Journal    Journal
	Log        Log
	Module     Module
	Client     *antelope.Client
	Contract   antelope.Name // the account
	Permission antelope.Name // of the account, linked to the contract's actions
	Key        []byte        // PVT_…, the anchor's own from now on; nil: a wallet signs, and nothing is sent

	Every         time.Duration   // between two heads at least; 0: a minute
	Patience      time.Duration   // how long an event that is not in enough places holds others back; 0: ten minutes
	Events        []string        // types whose events are anchored one by one, too; "*": all
	Places        []replica.Place // those that count are where events have to be
	MinRedundancy int             // in how many of them; at least 1

	Poll   time.Duration // between two looks at the chain while there is something to be seen; 0: 1 s
	Resend time.Duration // until the same bytes are sent again, and twice as long each time; 0: 1 s
	Batch  int           // events in a transaction; 0: 48
	Window int           // numbers of a kind that are not final, at most; 0: 512

	Registerer prometheus.Registerer
	Logger     *slog.Logger // nil: slog.Default()

	now func() time.Time // the wall clock, which paces and decides nothing
}

// node is what is asked of one node of the chain.
type node interface {
	Info(ctx context.Context) (antelope.Info, error)
	Rows(ctx context.Context, q antelope.RowsQuery) (rows []json.RawMessage, more bool, err error)
	BlockInfo(ctx context.Context, num uint32) (antelope.BlockInfo, error)
	Block(ctx context.Context, num uint32) (antelope.Block, error)
	Send(ctx context.Context, packed []byte, signatures []string) error
	// Blame makes an error the node's fault: the next one is asked.
	Blame(err error) error
}

// An Anchor works until it is closed. Its methods are safe for concurrent use.
type Anchor struct {
	o        Options
	counting []string // names of the places that count
	metrics  *metrics
	end      context.CancelFunc
	ended    chan struct{}

	// Of the one goroutine that works. What must not be lost is in the journal.
	heads  *line
	events *line // nil: single events are not anchored
	trail  trail
	due    dueHead
	pick   pick
	stuck  stuck     // found of it under mu
	seen   time.Time // when the chain was seen last
	begun  bool      // there is a cursor
	rounds uint64
	head   struct { // the newest block that was seen, and when it was first
		block, seen time.Time
	}

	mu      sync.Mutex
	state   State         // without what State adds
	changed chan struct{} // closed at the next change
}

// Open starts an anchor. It waits for nothing but the journal; the error is one
// of the options. Events that are admitted after it returned are anchored on their
// own, where that is wanted.
func Open(ctx context.Context, o Options) (*Anchor, error) {
	a, err := open(o)
	if err != nil {
		return nil, err
	}
	if err := a.begin(ctx); err != nil {
		a.o.Logger.Warn("it is not noted yet from which event on events are anchored on their own", "error", err)
	}
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	a.end = end
	go func() {
		defer close(a.ended)
		a.run(work)
	}()
	return a, nil
}

// open is Open without the goroutine that works.
func open(o Options) (*Anchor, error) {
	if o.Journal == nil || o.Log == nil || o.Module == nil || o.Client == nil {
		return nil, errors.New("anchor: Journal, Log, Module and Client are needed")
	}
	if o.Contract == 0 || o.Permission == 0 {
		return nil, errors.New("anchor: the contract's account and its permission are needed")
	}
	o.MinRedundancy = max(1, o.MinRedundancy)
	o.Every = cmp.Or(o.Every, time.Minute)
	o.Patience = cmp.Or(o.Patience, 10*time.Minute)
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Resend = cmp.Or(o.Resend, time.Second)
	o.Batch = cmp.Or(o.Batch, 48)
	o.Window = cmp.Or(o.Window, 512)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.now == nil {
		o.now = time.Now
	}
	a := &Anchor{
		o: o, end: func() {}, ended: make(chan struct{}), changed: make(chan struct{}),
		heads: newLine(journal.PostHead),
		state: State{
			State: Starting, Since: o.now(), Contract: o.Contract.String(), Permission: o.Permission.String(), Signer: "key",
			Heads: Kind{State: Starting},
		},
	}
	if o.Key == nil {
		a.state.Signer = "wallet"
	}
	if len(o.Events) > 0 {
		a.events = newLine(journal.PostEvents)
		a.state.Events = &Kind{State: Starting}
	}
	for _, p := range o.Places {
		if p.Counts {
			a.counting = append(a.counting, p.Name)
		}
	}
	var err error
	a.metrics, err = newMetrics(o.Registerer)
	return a, err
}

// Close ends the work at once. What was sent may get onto the chain or not; the
// next process sees which.
func (a *Anchor) Close() {
	a.end()
	<-a.ended
	clear(a.o.Key)
}

// run works until ctx ends.
func (a *Anchor) run(ctx context.Context) {
	for ctx.Err() == nil {
		a.round(ctx)
		t := time.NewTimer(a.o.Poll)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}
