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
// expire, does not expire. No name may be the folder of another one, as a is of
// a/b.
type Objects interface {
	// PutObjects stores objects. The errors are in the order of os and of the same
	// number. Equal bytes again are fine; where other bytes are stored under the
	// name, the error is ErrConflict and they stay, unless they are damaged.
	PutObjects(ctx context.Context, os []Object) []error

	// GetObject returns the bytes under a name. Errors: ErrNotFound, ErrCorrupt.
	GetObject(ctx context.Context, name string) ([]byte, error)

	// SwapObject stores now where was is stored; a was of nil means that nothing
	// is. Where anything else is, a damaged object included, it fails with
	// ErrConflict and changes nothing.
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

// Check returns an error unless every kind can keep the object.
func (o Object) Check() error {
	if err := CheckObject(o.Name); err != nil {
		return err
	}
	if len(o.Data) > MaxObject {
		return fmt.Errorf("replica: %s: %d bytes are more than an object has", o.Name, len(o.Data))
	}
	return nil
}

// PutObjects stores os with put, which is given those that pass Check; the
// others' errors are Check's. It stands in a kind's method of the name.
func PutObjects(os []Object, put func(os []Object) []error) []error {
	errs := make([]error, len(os))
	var good []Object
	var at []int
	for i, o := range os {
		if errs[i] = o.Check(); errs[i] == nil {
			good, at = append(good, o), append(at, i)
		}
	}
	if len(good) > 0 {
		for k, err := range put(good) {
			errs[at[k]] = err
		}
	}
	return errs
}

// EachError returns n times err.
func EachError(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// CheckObjectNames returns the error of the first name that has one.
func CheckObjectNames(names []string) error {
	for _, name := range names {
		if err := CheckObject(name); err != nil {
			return err
		}
	}
	return nil
}
