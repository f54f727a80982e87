package replica

import (
	"context"
	"iter"

	"github.com/eventseal/eventseal/host/module"
)

// Unusable stands for a place that must not be used as it is: every call fails
// with err, which says why.
func Unusable(err error) Replica { return unusable{err} }

type unusable struct{ err error }

var (
	_ Identified = unusable{}
	_ Objects    = unusable{}
)

func (u unusable) Put(context.Context, module.Verified) (string, error) { return "", u.err }
func (u unusable) Get(context.Context, Ref) ([]byte, error)             { return nil, u.err }
func (u unusable) Delete(context.Context, Ref) error                    { return u.err }
func (u unusable) Check(context.Context) error                          { return u.err }
func (u unusable) Close() error                                         { return nil }
func (u unusable) Identify(context.Context, string) error               { return u.err }
func (u unusable) GetObject(context.Context, string) ([]byte, error)    { return nil, u.err }
func (u unusable) DeleteObjects(context.Context, []string) error        { return u.err }

// Identity says that it is not known which place this is.
func (u unusable) Identity(context.Context, []string) (string, error) { return "", u.err }

func (u unusable) PutObjects(_ context.Context, os []Object) []error {
	return EachError(len(os), u.err)
}

func (u unusable) SwapObject(context.Context, string, []byte, []byte) error { return u.err }

func (u unusable) ListObjects(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", u.err) }
}
