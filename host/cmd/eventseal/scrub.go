package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/eventseal/eventseal/host/scrub"
)

type scrubCommand struct {
	settingsFlags
	Rate       float64 `placeholder:"N" help:"Look at so many events per second at most."`
	ReadOnly   bool    `help:"Report, and repair nothing."`
	FillCaches bool    `help:"Put events into caches that do not have them, too."`
}

// Run ends with statusNo where an event is not as it should be in every place,
// now that the scrub is over. Interrupted, it goes on the next time.
func (c *scrubCommand) Run(ctx context.Context, s *stdio) error {
	if c.Rate < 0 {
		return usage("--rate: want a number of events per second")
	}
	return c.offline(ctx, s, func(ctx context.Context, h *host) error {
		// Where an event is looked at anyway, both implementations look.
		opinion, err := secondOpinion(h.settings, "all")
		if err != nil {
			return err
		}
		bar := s.progress("scrub")
		report, err := scrub.Run(ctx, scrub.Options{
			Module: h.module, Journal: h.journal, Places: h.places, SecondOpinion: opinion,
			State: filepath.Join(h.settings.Data, "scrub.json"), Rate: c.Rate, ReadOnly: c.ReadOnly, FillCaches: c.FillCaches,
			Progress: func(r scrub.Report) { bar.show(r.Sequence, r.Last) }, Log: h.log,
		})
		bar.end()
		if err := errors.Join(err, s.document(report)); err != nil {
			return err
		}
		if !sound(report, c.ReadOnly) {
			return errNo
		}
		return nil
	})
}

// sound reports whether a complete scrub left every event whole everywhere, or
// in read-only mode found it so. What a cache lacks is no fault.
func sound(r scrub.Report, readOnly bool) bool {
	if r.Lost+r.Unread+r.Invalid+r.Disagreements > 0 {
		return false
	}
	for _, p := range r.Places {
		if p.Failed+p.Unreachable > 0 {
			return false
		}
	}
	return !readOnly || r.Clean()
}

// offline runs f with what holds events, while no host has it. A signal ends
// f's context.
func (f *settingsFlags) offline(ctx context.Context, s *stdio, run func(context.Context, *host) error) error {
	settings, log, err := f.load(s, map[string]string{})
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	h, err := open(ctx, settings, log, false)
	if err != nil {
		return err
	}
	err = run(ctx, h)
	return errors.Join(err, h.close())
}
