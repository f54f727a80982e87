package main

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
)

type signCommand struct {
	File string `arg:"" optional:"" help:"The unsigned event (standard input)."`
	keyFlags
	moduleFlags
}

func (c *signCommand) Run(ctx context.Context, s *stdio) error {
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	event, err := s.read(c.File, module.MaxRecordBytes)
	if err != nil {
		return err
	}
	private, err := c.load(s)
	if err != nil {
		return err
	}
	defer clear(private)
	v, err := p.Sign(ctx, event, private)
	if err != nil {
		return refusedKey(err)
	}
	return s.line(v.Record())
}
