// Package intake is the way in: verify, second opinion, journal, replicas in
// parallel, receipt.
package intake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Options say what an Intake works with. Module, Journal and Places are required.
type Options struct {
	Module  *module.Pool
	Journal journal.Journal
	Places  []replica.Place // names are distinct; each with its own deadline and breaker
	// MinRedundancy is how many counting places must hold an event for the quorum.
	MinRedundancy int
	// Timeout is how long Store waits for the quorum. 0: 10 s.
	Timeout time.Duration
	// SecondOpinion is asked about every event that the module accepts; it
	// decides itself which to look at. An error refuses the event. nil: nobody is asked.
	SecondOpinion func(ctx context.Context, v module.Verified) error
	// Admitted is told of events once the journal has them. It must be quick. nil: nobody.
	Admitted func(vs []module.Verified)
	// Registerer takes the metrics. nil: there are none.
	Registerer prometheus.Registerer
	Log        *slog.Logger // nil: slog.Default()
}

// An Intake stores events. Its methods are safe for concurrent use.
type Intake struct{}

var errUnbuilt = errors.New("intake: not built yet")

// Open starts the outbox. The caller must Close what it returns.
func Open(o Options) (*Intake, error) { return nil, errUnbuilt }

// Store admits one signed event, in any JSON spelling.
func (in *Intake) Store(ctx context.Context, event []byte, wait Wait) (Receipt, error) {
	return Receipt{}, errUnbuilt
}

// StoreBatch is Store for many events, in their order, for less each.
func (in *Intake) StoreBatch(ctx context.Context, events [][]byte, wait Wait) []Stored {
	out := make([]Stored, len(events))
	for i := range out {
		out[i].Err = errUnbuilt
	}
	return out
}

// Repair owes a place its copy of an event again, which was found missing or
// damaged there. It never blocks and may be called as often as one likes.
func (in *Intake) Repair(sequence uint64, h digest.Hash, place string) {}

// Disagreements returns how many events the second opinion has refused.
func (in *Intake) Disagreements() uint64 { return 0 }

// Close lets what is in flight finish until ctx ends. What is not stored then
// stays owed in the journal, which the caller closes afterwards.
func (in *Intake) Close(ctx context.Context) error { return nil }
