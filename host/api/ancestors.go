package api

import (
	"encoding/json"
	"net/http"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// ancestors serves GET /v1/events/{hash}/ancestors: the events that an event
// descends from, those nearest to it first, each once. A hash that the journal
// does not know is named as missing: a parent may live at another host.
func (s *Server) ancestors(w *response, r *http.Request) error {
	h, err := pathHash(r)
	if err != nil {
		return err
	}
	p := parametersOf(r)
	limit, err := p.number("limit", 100, 1, journal.MaxPage)
	if err != nil {
		return err
	}
	include, err := p.choice("include", "records", "hashes")
	if err != nil {
		return err
	}
	start, err := s.o.Journal.Entries(r.Context(), []digest.Hash{h})
	if err != nil {
		return err
	}
	if start[0] == nil {
		return journal.ErrNotFound
	}
	found, truncated, err := s.climb(r, start[0], int(limit))
	if err != nil {
		return err
	}

	var hs []digest.Hash // of those whose records are wanted
	if include == "records" {
		for _, a := range found {
			if a.entry != nil {
				hs = append(hs, a.hash)
			}
		}
	}
	out := s.array(w, s.o.Journal.Epoch())
	write := func(a ancestor, with func(*eventLine)) error {
		l := eventLine{Hash: a.hash.String(), Missing: true}
		if a.entry != nil {
			l = lineOf(a.entry)
		}
		l.Depth = a.depth
		with(&l)
		return out.add(l)
	}
	i := 0
	missing := func() error { // up to the next one that is there
		for i < len(found) && (found[i].entry == nil || include == "hashes") {
			a := found[i]
			i++
			if err := write(a, func(l *eventLine) {
				if a.entry != nil {
					l.describe(a.entry)
				}
			}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := missing(); err != nil {
		return s.gone(w, err)
	}
	for v, err := range s.o.Reader.Events(r.Context(), hs) {
		if err != nil && r.Context().Err() != nil {
			return err
		}
		werr := write(found[i], func(l *eventLine) {
			if err != nil {
				s.failed(l, err)
			} else {
				l.Event = v.Record()
			}
		})
		i++
		if werr == nil {
			werr = missing()
		}
		if werr != nil {
			return s.gone(w, werr)
		}
		if out.size > pageBytes && i < len(found) {
			truncated = true
			break
		}
	}
	flag, _ := json.Marshal(truncated) // a bool
	return s.gone(w, out.end("truncated", flag, nil))
}

// An ancestor is one hash of a thread.
type ancestor struct {
	hash  digest.Hash
	depth int            // 1 for a parent
	entry *journal.Entry // nil: unknown here
}

// climb walks up from e, level by level, until it has limit ancestors.
func (s *Server) climb(r *http.Request, e *journal.Entry, limit int) (found []ancestor, truncated bool, err error) {
	seen := map[digest.Hash]bool{e.Hash: true}
	level := []*journal.Entry{e}
	for depth := 1; len(level) > 0; depth++ {
		var hs []digest.Hash
		for _, e := range level {
			for _, p := range e.Parents {
				if seen[p] {
					continue
				}
				if len(found)+len(hs) == limit {
					truncated = true
					break
				}
				seen[p] = true
				hs = append(hs, p)
			}
		}
		if len(hs) == 0 {
			return found, truncated, nil
		}
		entries, err := s.o.Journal.Entries(r.Context(), hs)
		if err != nil {
			return nil, false, err
		}
		level = level[:0:0]
		for i, e := range entries {
			found = append(found, ancestor{hs[i], depth, e})
			if e != nil {
				level = append(level, e)
			}
		}
	}
	return found, truncated, nil
}
