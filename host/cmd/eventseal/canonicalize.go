package main

import "context"

// maxText bounds what canonicalize reads: the module's own limit is 8 MiB.
const maxText = 8 << 20

type canonicalizeCommand struct {
	File string `arg:"" optional:"" help:"Any JSON text (standard input)."`
}

// Run writes exactly the canonical bytes, so that their hash can be taken;
// only at a terminal a line end follows.
func (c *canonicalizeCommand) Run(ctx context.Context, s *stdio) error {
	p, err := (&moduleFlags{MaxBytes: 1 << 10}).open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	text, err := s.read(c.File, maxText)
	if err != nil {
		return err
	}
	canonical, err := p.Canonicalize(ctx, text)
	if err != nil {
		return err
	}
	if terminal(s.out) {
		return s.line(canonical)
	}
	_, err = s.out.Write(canonical)
	return err
}
