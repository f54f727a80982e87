package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Wait says when a store is answered.
type Wait string

const (
	Quorum    Wait = "quorum"  // when MinRedundancy counting places hold the event
	All       Wait = "all"     // when every place holds it, too
	Journaled Wait = "journal" // when the journal has it: it will be stored
)

// A Receipt says where an event is. Durable counts the counting places that
// said so for this very answer, Required how many it takes for the quorum.
type Receipt struct {
	Hash      digest.Hash `json:"-"`     // "hash", in hexadecimal
	Epoch     string      `json:"epoch"` // of the order in which the event has its Sequence
	Sequence  uint64      `json:"sequence"`
	Created   bool        `json:"created"` // false: it was in the journal before this call
	Durable   int         `json:"durable"`
	Required  int         `json:"required"`
	Locations []Location  `json:"locations"` // every configured place, in the order of the configuration

	// What a statement about the event names beside that.
	RecordDigest digest.Hash `json:"-"` // of the record that the journal keeps; what was stored may bear another valid signature
	AdmittedAt   time.Time   `json:"-"` // UTC, milliseconds
	Holders      []string    `json:"-"` // the names of the Durable places
}

// MarshalJSON writes the members under the names of the HTTP interface.
func (r Receipt) MarshalJSON() ([]byte, error) {
	type plain Receipt
	return json.Marshal(struct {
		Hash string `json:"hash"`
		plain
	}{r.Hash.String(), plain(r)})
}

// A Location is what is known of one place when the answer goes out: a
// Location where it holds the event, an Error where the last attempt failed, and
// neither while the first is under way.
type Location struct {
	Replica  string `json:"replica"`
	Kind     string `json:"kind"`
	Counts   bool   `json:"counts"`
	Location string `json:"location,omitempty"`
	Error    string `json:"error,omitempty"`
}

// A Stored is the outcome of one event of a batch.
type Stored struct {
	Receipt Receipt
	Err     error // as Store's
}

// A ReplicaError says why one place does not hold an event.
type ReplicaError struct {
	Replica string
	Err     error
}

// MarshalJSON writes {"replica":…,"error":…}, as problem documents have it.
func (e ReplicaError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Replica string `json:"replica"`
		Error   string `json:"error"`
	}{e.Replica, e.Err.Error()})
}

// An InsufficientError: too few places said that they hold the event, in time
// or at all. It is journaled, the outbox goes on trying, and the caller may store
// it again.
// errors.As finds a *code.Error of code.InsufficientRedundancy in it, and
// errors.Is what the places said. HTTP 503.
type InsufficientError struct {
	Receipt  Receipt
	Replicas []ReplicaError // every place that did not say that it holds it
	nowhere  bool           // its record could not be read anywhere
}

// Error names the places and what they said.
func (e *InsufficientError) Error() string {
	var b strings.Builder
	b.WriteString(e.refusal().Error())
	for _, r := range e.Replicas {
		fmt.Fprintf(&b, "; %s: %v", r.Replica, r.Err)
	}
	return b.String()
}

func (e *InsufficientError) refusal() *code.Error {
	why := "which is journaled and on its way"
	if e.nowhere {
		why = "whose record cannot be read anywhere now"
	}
	return &code.Error{Code: code.InsufficientRedundancy, Detail: fmt.Sprintf("%d of %d counting replicas hold the event, %s", e.Receipt.Durable, e.Receipt.Required, why)}
}

// Unwrap returns the refusal, then every place's error.
func (e *InsufficientError) Unwrap() []error {
	errs := make([]error, 0, 1+len(e.Replicas))
	errs = append(errs, e.refusal())
	for _, r := range e.Replicas {
		errs = append(errs, r.Err)
	}
	return errs
}
