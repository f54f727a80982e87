package main

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
)

type hashCommand struct {
	File string `arg:"" optional:"" help:"An event, signed or not, in any JSON spelling (standard input)."`
	moduleFlags
}

// Run writes the hash alone, for use in other commands. Neither key nor
// signature is looked at: verify does that.
func (c *hashCommand) Run(ctx context.Context, s *stdio) error {
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	event, err := s.read(c.File, module.MaxRecordBytes)
	if err != nil {
		return err
	}
	_, h, err := p.Hash(ctx, event)
	if err != nil {
		return err
	}
	return s.line([]byte(h.String()))
}
