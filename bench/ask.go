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
	asked   = 15 // times that each page is asked for; the middle time counts
	pages   = 20 // that are walked from the first one on
	maxPage = 20 // milliseconds that a page may take
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
			first, later, found := 0.0, 0.0, 0
			for _, order := range []string{"asc", "desc"} {
				q := url.Values{"include": {include}, "order": {order}}
				for k, v := range f.filter {
					q[k] = v
				}
				a, l, n, err := b.walk(q)
				if err != nil {
					return fmt.Errorf("%s: %w", f.name, err)
				}
				first, later, found = max(first, a), max(later, l), max(found, n)
			}
			b.add(fmt.Sprintf("%s, page of 100 %s, the slower order", f.name, include), max(first, later), milliseconds,
				fmt.Sprintf("first %.1f, slowest of the later ones %.1f; %d events on the pages", first, later, found), bar{value: maxPage})
		}
		q := url.Values{"count": {"true"}, "include": {"hashes"}, "limit": {"1"}}
		for k, v := range f.filter {
			q[k] = v
		}
		took, p, err := b.page(q)
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

// walk times the first page and those behind it, and one in the middle.
func (b *bulk) walk(q url.Values) (first, later float64, found int, err error) {
	first, p, err := b.page(q)
	found = len(p.Events)
	for i := 0; err == nil && i < pages && p.Next != ""; i++ {
		q.Set("cursor", p.Next)
		took := 0.0
		if took, p, err = b.page(q); err == nil {
			later, found = max(later, took), found+len(p.Events)
		}
	}
	return first, later, found, err
}

// page asks for a page a few times and returns the middle time in milliseconds.
func (b *bulk) page(q url.Values) (ms float64, p answeredPage, err error) {
	var took []time.Duration
	for range asked {
		began := time.Now()
		resp, err := http.Get(b.url() + "/v1/events?" + q.Encode())
		if err != nil {
			return 0, p, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		took = append(took, time.Since(began))
		if err != nil || resp.StatusCode != http.StatusOK {
			return 0, p, fmt.Errorf("%s: %v, %.300s", resp.Status, err, body)
		}
		p = answeredPage{}
		if err := json.Unmarshal(body, &p); err != nil {
			return 0, p, err
		}
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Microseconds()) / 1000, p, nil
}
