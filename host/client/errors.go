package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
)

// An Error is a call that failed: by the host's refusal, and then Err is a
// *code.Error that errors.As and errors.Is find, or on the way to it.
type Error struct {
	Server     string // host and port
	Status     int    // HTTP status, 0 without an answer
	RequestID  string // under which the host logged it, may be ""
	Replicas   []ReplicaError
	RetryAfter time.Duration // what the host asked for, 0 for nothing
	Resume     string        // of code.EpochChanged: the place to go on after, without missing an event
	Err        error

	passing bool // worth another attempt
}

// A ReplicaError says why one replica does not hold an event.
type ReplicaError struct {
	Replica string `json:"replica"`
	Error   string `json:"error"`
}

// Error names the server, the refusal, what its replicas said and the request.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v", e.Server, e.Err)
	for _, r := range e.Replicas {
		fmt.Fprintf(&b, "; %s: %s", r.Replica, r.Error)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

func passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.passing
}

// Final reports whether the refusal of a store is the event's fault, so that it
// would be refused again.
func Final(c code.Code) bool {
	switch c {
	case code.ImplementationsDisagree:
		return true
	case code.Unauthorized, code.RateLimited, code.RequestTimeout:
		return false
	}
	return c.Status() < 500
}

// A Problem is a problem document (RFC 9457) as the host writes it.
type Problem struct {
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Pointer   string         `json:"pointer"`
	Detail    string         `json:"detail"`
	RequestID string         `json:"request_id"`
	Replicas  []ReplicaError `json:"replicas"`
	Resume    string         `json:"resume"`
}

// refusal returns the problem as the error that it stands for; nil for a code
// that this client does not know, or none.
func (p *Problem) refusal() *code.Error {
	c, ok := code.Parse(p.Code)
	if !ok {
		return nil
	}
	return &code.Error{Code: c, Pointer: p.Pointer, Detail: p.Detail}
}
