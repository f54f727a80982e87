package main

import (
	"context"
	"encoding/json"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal"
)

// list writes the lost events, one a line, and ends with statusNo where there
// are any.
func (c *scrubCommand) list(ctx context.Context, s *stdio) error {
	if c.Rate != 0 || c.ReadOnly || c.FillCaches {
		return usage("--lost lists what is known and looks at nothing: --rate, --read-only and --fill-caches do not go with it")
	}
	var total uint64
	pages := func(page func(after uint64) (client.LostPage, error)) error {
		for after := uint64(0); ; {
			p, err := page(after)
			if err != nil {
				return err
			}
			for _, e := range p.Events {
				line, err := json.Marshal(e)
				if err != nil {
					return err
				}
				if err := s.line(line); err != nil {
					return err
				}
			}
			total = max(total, p.Total)
			if after = p.Next; after == 0 {
				return nil
			}
		}
	}
	var err error
	if c.Server != "" {
		var cl *client.Client
		if cl, err = c.connect(); err != nil {
			return err
		}
		err = pages(func(after uint64) (client.LostPage, error) { return cl.Lost(ctx, after, journal.MaxPage) })
	} else {
		err = c.offline(ctx, s, "end that one, or ask it: --server URL", hasJournal, func(ctx context.Context, h *host) error {
			return pages(func(after uint64) (p client.LostPage, err error) {
				es, total, err := h.journal.Lost(ctx, after, journal.MaxPage)
				for _, e := range es {
					p.Events = append(p.Events, client.LostEvent{
						Hash: e.Hash.String(), Sequence: e.Sequence, Type: e.Type, Author: e.Author, CreatedAt: e.CreatedAt, AdmittedAt: e.AdmittedAt,
					})
					p.Next = e.Sequence // the last page is empty
				}
				p.Total = total
				return p, err
			})
		})
	}
	if err != nil {
		return err
	}
	if total > 0 {
		s.say("%d events are lost; importing an export that has them, or storing them again, heals them", total)
		return errNo
	}
	return nil
}
