package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/eventseal/eventseal/host/limit"
	"github.com/eventseal/eventseal/host/module"
)

// permit returns what refuses authors' events, nil where the settings say
// nothing of authors. The module reads their keys, as it reads those of events.
func (h *host) permit(ctx context.Context) (func(context.Context, module.Verified) error, error) {
	s := h.settings.Limits
	keys := func(setting string, texts []string) (map[limit.Key]bool, error) {
		set := map[limit.Key]bool{}
		for _, text := range texts {
			key, _, err := h.module.ParsePublic(ctx, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %.120q: %w", setting, text, err)
			}
			set[key] = true
		}
		return set, nil
	}
	allow, err := keys("limits.allow_authors", s.AllowAuthors)
	if err != nil {
		return nil, err
	}
	deny, err := keys("limits.deny_authors", s.DenyAuthors)
	if err != nil {
		return nil, err
	}
	if len(allow)+len(deny)+s.AuthorRate == 0 {
		return nil, nil
	}
	a := &limit.Authors{Allow: allow, Deny: deny, Rate: limit.New[limit.Key](s.AuthorRate, s.Burst), Known: limit.Known(h.journal)}
	return a.Permit, nil
}

// addresses returns what refuses clients' events, nil where nothing does.
func (h *host) addresses() *limit.Addresses {
	s := h.settings.Limits
	if s.AddressRate == 0 {
		return nil
	}
	a := &limit.Addresses{Rate: limit.New[netip.Prefix](s.AddressRate, s.Burst)}
	for _, p := range s.Proxies {
		a.Proxies = append(a.Proxies, netip.MustParsePrefix(p).Masked()) // config has checked it
	}
	return a
}
