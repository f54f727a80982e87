package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	asked   = 9   // times that each page is asked for; the middle time counts
	strides = 200 // of 1000 events, to pages that are far from the first
	every   = 20  // of so many strides one is followed by a page that is timed
	maxPage = 20  // milliseconds that a page may take
)

// ask times the first page, the pages after it and the count of every filter,
// in both orders, over HTTP.
func (b *bulk) ask() error {
	common, rare := b.crowd.authors[0], b.crowd.authors[crowdAuthors-1]
	at := func(x int) string { return fmt.Sprint(crowdStart + x) }
	for _, f := range []struct {
		name   string
		filter url.Values
	}{
		{"no filter", url.Values{}},
		{"type", url.Values{"type": {"VOTE"}}},
		{"two types", url.Values{"type": {"VOTE", "LIKE"}}},
		{"rare type", url.Values{"type": {rareType}}},
		{"author", url.Values{"author": {common}}},
		{"rare author", url.Values{"author": {rare}}},
		{"children of one with many", url.Values{"parent": {b.crowd.first.String()}}},
		{"since and until, few", url.Values{"since": {at(300_000)}, "until": {at(300_100)}}},
		{"since, most", url.Values{"since": {at(100_000)}}},
		{"until, most", url.Values{"until": {at(900_000)}}},
		{"rare type and common author", url.Values{"type": {rareType}, "author": {common}}},
		{"type, author, parent and time", url.Values{"type": {"VOTE"}, "author": {common}, "parent": {b.crowd.first.String()}, "since": {at(500_000)}}},
	} {
		for _, include := range []string{"hashes", "records"} {
			first, later, quick, found := 0.0, 0.0, 0.0, 0
			for _, order := range []string{"asc", "desc"} {
				q := url.Values{"include": {include}, "order": {order}}
				for k, v := range f.filter {
					q[k] = v
				}
				w, err := b.walk(q)
				if err != nil {
					return fmt.Errorf("%s: %w", f.name, err)
				}
				first, later, quick, found = max(first, w.first), max(later, w.later), max(quick, w.quick), max(found, w.found)
			}
			b.add(fmt.Sprintf("%s, page of 100 %s, the slower order", f.name, include), max(first, later), milliseconds,
				fmt.Sprintf("first %.1f, slowest of the later ones %.1f, slowest where the quickest of %d counts %.1f; up to event %d of it", first, later, asked, quick, found), bar{value: maxPage})
		}
		q := url.Values{"count": {"true"}, "include": {"hashes"}, "limit": {"1"}}
		for k, v := range f.filter {
			q[k] = v
		}
		took, _, p, err := b.page(q, asked)
		if err != nil {
			return err
		}
		b.add(f.name+", count", took, milliseconds, fmt.Sprintf("%d events", *p.Count))
	}
	return nil
}

type answeredPage struct {
	Events []struct{ Sequence uint64 }
	Next   string `json:"next_cursor"`
	Count  *uint64
}

// A walk is the times of the pages of one query, in milliseconds.
type walk struct {
	first, later float64 // later: the slowest
	quick        float64 // the slowest page, of each the quickest time
	found        int
}

// walk times the first page of 100 and one of many later ones.
func (b *bulk) walk(q url.Values) (w walk, err error) {
	include := q.Get("include")
	took, best, p, err := b.page(q, asked)
	w.first, w.quick, w.found = took, best, len(p.Events)
	for i := 1; err == nil && i <= strides && p.Next != ""; i++ {
		q.Set("cursor", p.Next)
		if i%every == 1 {
			if took, best, p, err = b.page(q, asked); err == nil {
				w.later, w.quick, w.found = max(w.later, took), max(w.quick, best), w.found+len(p.Events)
			}
			continue
		}
		q.Set("include", "hashes")
		q.Set("limit", "1000")
		_, _, p, err = b.page(q, 1)
		w.found += len(p.Events)
		q.Set("include", include)
		q.Del("limit")
	}
	return w, err
}

// page asks for a page some times and returns the middle and the least time in
// milliseconds.
func (b *bulk) page(q url.Values, times int) (middle, least float64, p answeredPage, err error) {
	var took []time.Duration
	for range times {
		began := time.Now()
		resp, err := http.Get(b.url() + "/v1/events?" + q.Encode())
		if err != nil {
			return 0, 0, p, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(began))
		if err != nil || resp.StatusCode != http.StatusOK {
			return 0, 0, p, fmt.Errorf("%s: %v, %.300s", resp.Status, err, body)
		}
		p = answeredPage{}
		if err := json.Unmarshal(body, &p); err != nil {
			return 0, 0, p, err
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return ms(took[len(took)/2]), ms(took[0]), p, nil
}
