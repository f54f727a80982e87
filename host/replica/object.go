package replica

import (
	"bytes"
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
	// number; what comes again in os under a name goes with the first. Equal bytes
	// again are fine; where other bytes are stored under the name, the error is
	// ErrConflict and they stay, unless they are damaged.
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

// CheckObject returns an error unless name is one that every kind can keep: two
// segments or more of a-z, 0-9, '.', '-' and '_', joined by single slashes, none
// of which is "." or "..", at most MaxObjectName bytes in all. What kinds keep of
// events and of themselves has other names.
func CheckObject(name string) error {
	good := strings.Contains(name, "/") && len(name) <= MaxObjectName
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

// PutObjects stores os with put, which is given those that pass Check, each
// name once; the errors of the others are Check's, or follow from those that
// put returns. It is what the methods of the name begin with.
func PutObjects(os []Object, put func(os []Object) []error) []error {
	errs := make([]error, len(os))
	var good []Object
	first := map[string]int{} // of good, by name
	for i, o := range os {
		if errs[i] = o.Check(); errs[i] != nil {
			continue
		}
		if _, again := first[o.Name]; !again {
			first[o.Name] = len(good)
			good = append(good, o)
		}
	}
	if len(good) == 0 {
		return errs
	}
	done := put(good)
	for i, o := range os {
		if errs[i] != nil {
			continue
		}
		k := first[o.Name]
		if errs[i] = done[k]; errs[i] == nil && !bytes.Equal(o.Data, good[k].Data) {
			errs[i] = fmt.Errorf("replica: %s twice: %w", o.Name, ErrConflict)
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
