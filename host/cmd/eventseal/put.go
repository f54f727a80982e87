package main

import (
	"context"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
)

type putCommand struct {
	File  string      `arg:"" optional:"" help:"A signed event (standard input)."`
	Wait  string      `enum:"quorum,all,journal" default:"quorum" help:"Answer when enough replicas hold it (quorum), all do, or the journal does."`
	Types []eventType `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones; needed with --keys."`
	keysFlag
	remoteFlags
}

// Run writes the receipt, which is checked where it is known whose it must be.
func (c *putCommand) Run(ctx context.Context, s *stdio) error {
	var with []func(*client.Options)
	if c.Keys != "" {
		keys, p, err := c.open(ctx, s, c.Types)
		if err != nil {
			return err
		}
		defer p.Close(ctx)
		with = append(with, func(o *client.Options) { o.Notary, o.HostKeys = p, keys })
	}
	cl, err := c.connect(nil, with...)
	if err != nil {
		return err
	}
	event, err := s.read(c.File, module.MaxRecordBytes)
	if err != nil {
		return err
	}
	receipt, err := cl.Store(ctx, c.Wait, event)
	if err != nil {
		return err
	}
	return s.document(receipt)
}
