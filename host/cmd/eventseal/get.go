package main

import (
	"context"
	"fmt"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

type getCommand struct {
	Hash  []hash      `arg:"" help:"Hashes of the events."`
	Types []eventType `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	remoteFlags
}

// Run writes a record a line, in the order of the arguments. Where one cannot
// be had the others are written still, and the exit status is the worst one's.
func (c *getCommand) Run(ctx context.Context, s *stdio) error {
	// The host may admit larger events than the default; their hash and
	// signature are what counts here.
	flags := moduleFlags{Types: c.Types, MaxBytes: module.MaxRecordBytes}
	p, err := flags.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	cl, err := c.connect(p)
	if err != nil {
		return err
	}
	if len(c.Hash) == 1 {
		v, err := cl.Retrieve(ctx, c.Hash[0].Hash)
		if err != nil {
			return err
		}
		return s.line(v.Record())
	}
	var hs []digest.Hash
	for _, h := range c.Hash {
		hs = append(hs, h.Hash)
	}
	worst := statusOK
	err = cl.RetrieveMany(ctx, hs, func(i int, v module.Verified, err error) error {
		if err == nil {
			return s.line(v.Record())
		}
		s.complain(fmt.Errorf("%s: %w", hs[i], err))
		if status(err) > worst {
			worst = status(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if worst != statusOK {
		return saidError(worst)
	}
	return nil
}
