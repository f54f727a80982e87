package replica

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
)

// Unusable stands for a place that must not be used as it is: every call fails
// with err, which says why.
func Unusable(err error) Replica { return unusable{err} }

type unusable struct{ err error }

var _ Identified = unusable{}

func (u unusable) Put(context.Context, module.Verified) (string, error) { return "", u.err }
func (u unusable) Get(context.Context, Ref) ([]byte, error)             { return nil, u.err }
func (u unusable) Delete(context.Context, Ref) error                    { return u.err }
func (u unusable) Check(context.Context) error                          { return u.err }
func (u unusable) Close() error                                         { return nil }
func (u unusable) Identify(context.Context, string) error               { return u.err }

// Identity says that it is not known which place this is.
func (u unusable) Identity(context.Context, []string) (string, error) { return "", u.err }
