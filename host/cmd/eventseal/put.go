package main

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
)

type putCommand struct {
	File string `arg:"" optional:"" help:"A signed event (standard input)."`
	Wait string `enum:"quorum,all,journal" default:"quorum" help:"Answer when enough replicas hold it (quorum), all do, or the journal does."`
	remoteFlags
}

func (c *putCommand) Run(ctx context.Context, s *stdio) error {
	cl, err := c.connect(nil)
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
