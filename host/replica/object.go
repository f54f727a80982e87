package replica

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// An Object is a piece of bytes that a place keeps under a name, beside events.
type Object struct {
	Name string // see CheckObject
	Data []byte // at most MaxObject bytes
}

// MaxObject and MaxObjectName bound an object, in bytes.
const (
	MaxObject     = 64 << 10
	MaxObjectName = 200
)

// Objects is an optional power of places that keep objects: what a host makes
// of its events and has to find again when it has lost everything else. What is
// acknowledged is as durable as an event, and, at kinds that let events
// expire, does not expire.
type Objects interface {
	// PutObjects stores objects. The errors are in the order of os and of the same
	// number. Equal bytes again are fine; where other bytes are stored under the
	// name, the error is ErrConflict and they stay, unless they are damaged.
	PutObjects(ctx context.Context, os []Object) []error

	// GetObject returns the bytes under a name. Errors: ErrNotFound, ErrCorrupt.
	GetObject(ctx context.Context, name string) ([]byte, error)

	// SwapObject stores now where was is stored; a was of nil means that nothing
	// is. Where anything else is, it fails with ErrConflict and changes nothing.
	// Of two callers with one was, one at most succeeds, as far as the kind can
	// tell: callers of one process always.
	SwapObject(ctx context.Context, name string, was, now []byte) error

	// DeleteObjects removes objects; removing what is not there succeeds.
	DeleteObjects(ctx context.Context, names []string) error

	// ListObjects yields the names that begin with prefix, each once, in no order.
	// An error ends it.
	ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// CheckObject returns an error unless name is one that every kind can keep:
// segments of a-z, 0-9, '.', '-' and '_', joined by single slashes, none of
// which is "." or "..", at most MaxObjectName bytes in all.
func CheckObject(name string) error {
	good := name != "" && len(name) <= MaxObjectName
	for _, segment := range strings.Split(name, "/") {
		good = good && segment != "" && segment != "." && segment != ".."
		for i := 0; i < len(segment); i++ {
			c := segment[i]
			good = good && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_')
		}
	}
	if !good {
		return fmt.Errorf("replica: %.40q is no name of an object", name)
	}
	return nil
}
