package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/scrub"
)

type reindexCommand struct {
	settingsFlags
	From string `required:"" placeholder:"NAME" help:"Name of the replica; run it for one after the other where none has everything."`
}

// Run ends with statusNo where a copy could not be read or was not the event
// that it is stored as.
func (c *reindexCommand) Run(ctx context.Context, s *stdio) error {
	return c.offline(ctx, s, "end that one first: a journal cannot be rebuilt while a host writes it", nil, func(ctx context.Context, h *host) error {
		from, err := find(h.places, c.From)
		if err != nil {
			return err
		}
		if err := h.bindPlaces(ctx); err != nil {
			return err
		}
		bar := s.progress("reindex")
		done, err := scrub.Reindex(ctx, scrub.ReindexOptions{
			Module: h.module, Journal: h.journal, From: from, Places: h.places,
			Progress: func(r scrub.Reindexed) { bar.show(r.Listed, 0) }, Log: h.log,
		})
		bar.end()
		if err := errors.Join(err, s.document(done)); err != nil {
			return err
		}
		if done.Refused+done.Unread+done.Conflicting > 0 {
			return errNo
		}
		return nil
	})
}

func find(places []replica.Place, name string) (replica.Place, error) {
	var names []string
	for _, p := range places {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return replica.Place{}, &usageError{fmt.Errorf("--from: there is no replica %q; there are %s", name, strings.Join(names, ", "))}
}
