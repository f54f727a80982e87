// Package api is the host's HTTP interface: it turns requests into calls of
// intake, retrieve, journal and feed, and their answers and errors into
// documents. One file holds one group of endpoints; routes.go lists them all,
// openapi.json describes them for others.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/feed"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/limit"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An Intake stores events; *intake.Intake is one.
type Intake interface {
	Store(ctx context.Context, event []byte, wait intake.Wait) (intake.Receipt, error)
	StoreBatch(ctx context.Context, events [][]byte, wait intake.Wait) []intake.Stored
	Confirm(ctx context.Context, v module.Verified) (intake.Receipt, module.Verified, error)
}

// Receipts makes signed receipts; *receipt.Signer does.
type Receipts interface {
	Sign(ctx context.Context, r intake.Receipt) (json.RawMessage, error)
}

// A Prover shows that an event is in the log; *log.Log is one. What it returns
// is a C2SP tlog-proof.
type Prover interface {
	Prove(ctx context.Context, sequence uint64) ([]byte, error)
}

// A Reader finds events and checks them; *retrieve.Reader is one.
type Reader interface {
	Event(ctx context.Context, h digest.Hash) (module.Verified, error)
	Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error]
}

// A Transparency is the host's log; *log.Log is one.
type Transparency interface {
	Get(ctx context.Context, path string) (log.Document, error)
}

// A Journal is what is served of one.
type Journal interface {
	journal.Journal
	journal.Finder
	journal.Walker
	journal.Loser
}

// Options say what is served and how. Module, Intake, Reader, Journal and
// Health are needed; the others may be left zero.
type Options struct {
	Module        *module.Pool
	Intake        Intake
	Reader        Reader
	Journal       Journal
	Places        []replica.Place // that an event's status names
	MinRedundancy int
	Health        func(context.Context) health.Health
	Limits        Limits
	Addresses     *limit.Addresses // how many events are taken from one; nil: any number
	CORS          CORS
	Admin         Admin
	Receipts      Receipts             // of what is stored and of proofs; nil: none
	Unsigned      bool                 // stores are answered without, although there are Receipts
	Prover        Prover               // nil, or no Receipts: there are no proofs
	Transparency  Transparency         // behind /log/; nil: there is none
	Anchor        Anchor               // of that log; nil: there is none
	Page          fs.FS                // the web page, served at /; nil: none
	Registry      *prometheus.Registry // behind /metrics; nil: one of its own
	Version       string
	Log           *slog.Logger // nil: slog.Default()
}

// Limits bound what one client, and all of them, can take. Zero values take
// the defaults.
type Limits struct {
	InFlight     int           // requests at work at once, streams not counted; 1024
	Batches      int           // of them POST /v1/events:batch; 64
	Exports      int           // GET /v1/events:export; 16
	Subscribers  int           // of the stream; 4096
	Hashes       int           // of one retrieval; 10,000
	BodyTimeout  time.Duration // for a body to arrive; of a batch: for each of its lines; 1 minute
	WriteTimeout time.Duration // for the client to take an answer, or a part of a streamed one; 30 s
	WorkTimeout  time.Duration // for the host's work on a request that is not a stream; 1 minute
	Heartbeat    time.Duration // between signs of life on an idle stream; 15 s
	FeedEvents   int           // newest events that are held for subscribers; one that is further behind is dropped; 8192
	FeedBytes    int           // and their bytes; 32 MiB
}

func (l *Limits) fill() {
	l.InFlight = cmp.Or(l.InFlight, 1024)
	l.Batches = cmp.Or(l.Batches, 64)
	l.Exports = cmp.Or(l.Exports, 16)
	l.Subscribers = cmp.Or(l.Subscribers, 4096)
	l.Hashes = cmp.Or(l.Hashes, 10_000)
	l.BodyTimeout = cmp.Or(l.BodyTimeout, time.Minute)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 30*time.Second)
	l.WorkTimeout = cmp.Or(l.WorkTimeout, time.Minute)
	l.Heartbeat = cmp.Or(l.Heartbeat, 15*time.Second)
	l.FeedEvents = cmp.Or(l.FeedEvents, 8192)
	l.FeedBytes = cmp.Or(l.FeedBytes, 32<<20)
}

// A Server is an http.Handler. The http.Server around it bounds the header and
// the idle time of a connection; everything after the header is bounded here.
type Server struct {
	o           Options
	handler     http.Handler
	mux         *http.ServeMux
	metrics     *metrics
	ids         requestIDs
	types       document
	module      document
	openAPI     document
	page        *page
	feed        *feed.Feed
	inFlight    atomic.Int64
	batches     atomic.Int64
	exports     atomic.Int64
	subscribers atomic.Int64

	draining chan struct{}   // closed by Shutdown
	drained  context.Context // ends with it
	endWork  context.CancelFunc
	drain    sync.Once
	long     sync.WaitGroup // streams, batches, exports and scrubs
	mu       sync.Mutex     // held to begin one of long, so that none begins after draining closed
}

// New returns a server of o. The caller ends it with Shutdown.
func New(o Options) (*Server, error) {
	if o.Module == nil || o.Intake == nil || o.Reader == nil || o.Journal == nil || o.Health == nil {
		return nil, fmt.Errorf("api: Module, Intake, Reader, Journal and Health are needed")
	}
	o.Limits.fill()
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	s := &Server{o: o, mux: http.NewServeMux(), ids: newRequestIDs(), draining: make(chan struct{})}
	s.drained, s.endWork = context.WithCancel(context.Background())
	var err error
	if s.metrics, err = newMetrics(o.Registry, s); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if err := s.documents(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if o.Page != nil {
		if s.page, err = readPage(o.Page); err != nil {
			return nil, fmt.Errorf("api: the page: %w", err)
		}
	}
	if err := s.routes(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s.feed = feed.New(feed.Options{
		Journal: o.Journal, Reader: sweeper{o.Reader}, Encode: s.encodeMessage, Damaged: encodeDamage, Events: o.Limits.FeedEvents, Bytes: o.Limits.FeedBytes, Log: o.Log,
	})
	s.handler = o.CORS.wrap(http.HandlerFunc(s.serve))
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Shutdown refuses new work with code.ShuttingDown from now on, ends streams
// and batches with a last message, and waits for them until ctx ends. Requests
// that are short finish by themselves; http.Server.Shutdown waits for those.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.drain.Do(func() {
		close(s.draining)
		s.endWork()
	})
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.long.Wait()
		close(done)
	}()
	defer s.feed.Close()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin counts a stream or a batch in; false while draining. The caller calls
// s.long.Done when it ends.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing() {
		return false
	}
	s.long.Add(1)
	return true
}

func (s *Server) closing() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}
