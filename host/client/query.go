package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Query chooses events. Several values of one member are alternatives,
// different members must all hold, and an empty member holds always.
type Query struct {
	Types   []string
	Authors []string // public keys in any spelling
	Parents []string // hashes: events that name one of these as a parent
	Since   *uint64  // created_at not before, Unix seconds
	Until   *uint64  // created_at not after, Unix seconds

	Ascending bool   // oldest admission first
	Limit     int    // events of one page, 1 … 1000; 0: 100
	Cursor    string // Page.Next of the page before; "": the first page
	After     string // a place, without a Cursor: the first page begins behind it, in the order of the answer
}

// A Page is one answer to a query.
type Page struct {
	Events []Found
	// Damaged lists events between these that the host's journal cannot read;
	// whether they are what was asked for is not known.
	Damaged []Passed
	Next    string // cursor of the next page; "": there is none
	// Reordered: the place or cursor was of an order that the host does not have
	// any more. The page begins where nothing is missed, and events may be in it
	// that earlier pages had.
	Reordered bool
}

// Found is an event that a query found.
type Found struct {
	Hash       digest.Hash // zero where Err says that the journal itself cannot be read
	Sequence   uint64
	Position   string // of it in the host's order, a place to go on after
	AdmittedAt time.Time
	Event      module.Verified // where Err is nil
	Err        error           // why the host cannot serve the record now
}

// maxPage bounds a page that is read: the host ends one at 8 MiB and a record.
const maxPage = 16<<20 + maxLine

// A BatchVerifier is a Verifier that judges many records for less each;
// *module.Pool is one.
type BatchVerifier interface {
	VerifyBatch(ctx context.Context, events [][]byte) ([]module.Result, error)
}

func (q *Query) values() url.Values {
	v := url.Values{"type": q.Types, "author": q.Authors, "parent": q.Parents}
	for name, t := range map[string]*uint64{"since": q.Since, "until": q.Until} {
		if t != nil {
			v.Set(name, strconv.FormatUint(*t, 10))
		}
	}
	if q.Ascending {
		v.Set("order", "asc")
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Cursor != "" {
		v.Set("cursor", q.Cursor)
	}
	if q.After != "" {
		v.Set("after", q.After)
	}
	return v
}

// Query returns one page of events, each verified here. That the host left
// none out is its word. Paging misses no event and shows none twice, whatever
// is stored meanwhile, unless a page is Reordered.
func (cl *Client) Query(ctx context.Context, q Query) (Page, error) {
	page, err := cl.queryOnce(ctx, q)
	if resume := resumed(err); resume != "" {
		q.Cursor, q.After = "", resume
		page, err = cl.queryOnce(ctx, q)
		page.Reordered = err == nil
	}
	return page, err
}

func (cl *Client) queryOnce(ctx context.Context, q Query) (Page, error) {
	var page Page
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: q.values()}, func(resp *http.Response) error {
		b, err := bounded(resp.Body, maxPage)
		if err != nil {
			return err
		}
		page, err = cl.page(ctx, resp, b, func(*listed) bool { return false })
		return err
	})
	if err != nil {
		return Page{}, err
	}
	return page, nil
}

// listed is an event in an answer that names many.
type listed struct {
	Hash       string          `json:"hash"`
	Sequence   uint64          `json:"sequence"`
	AdmittedAt time.Time       `json:"admitted_at"`
	Missing    bool            `json:"missing"`
	Event      json.RawMessage `json:"event"`
	Problem    *Problem        `json:"problem"`
}

// page reads an answer and verifies what is in it, without events that may
// have no record.
func (cl *Client) page(ctx context.Context, resp *http.Response, b []byte, bare func(*listed) bool) (Page, error) {
	var answer struct {
		Epoch  string   `json:"epoch"`
		Events []listed `json:"events"`
		Bad    []Passed `json:"damaged"`
		Next   string   `json:"next_cursor"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return Page{}, fmt.Errorf("the answer is not what a host sends: %w", err)
	}
	page := Page{Events: make([]Found, len(answer.Events)), Damaged: answer.Bad, Next: answer.Next}
	for _, d := range answer.Bad {
		if err := d.usable(); err != nil {
			return Page{}, err
		}
	}
	var records [][]byte
	var whose []*Found
	for i, e := range answer.Events {
		f := &page.Events[i]
		f.Sequence, f.Position, f.AdmittedAt = e.Sequence, position(answer.Epoch, e.Sequence), e.AdmittedAt
		if err := goodHash(e.Hash); err != nil {
			return Page{}, err
		}
		f.Hash, _ = digest.ParseHash(e.Hash)
		if bare(&e) {
			continue
		}
		if e.Problem != nil && e.Problem.refusal() != nil {
			f.Err = &Error{Server: cl.base.Host, Status: e.Problem.Status, RequestID: requestID(resp), Replicas: e.Problem.Replicas, Err: e.Problem.refusal()}
			continue
		}
		records, whose = append(records, e.Event), append(whose, f)
	}
	return page, cl.checkAll(ctx, records, whose)
}

// checkAll is check for many. A record that is not what it should be is an
// error of the whole: a host that does that is not to be believed in anything.
func (cl *Client) checkAll(ctx context.Context, records [][]byte, whose []*Found) (err error) {
	batch, ok := cl.verifier.(BatchVerifier)
	if !ok {
		for i, f := range whose {
			if f.Event, err = cl.check(ctx, f.Hash, records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	results, err := batch.VerifyBatch(ctx, records)
	if err != nil {
		return err
	}
	for i, r := range results {
		f := whose[i]
		if f.Event, err = r.Verified, checked(f.Hash, records[i], r.Verified, r.Err); err != nil {
			return err
		}
	}
	return nil
}

// Count returns how many events q finds, on all pages.
func (cl *Client) Count(ctx context.Context, q Query) (uint64, error) {
	q.Limit, q.Cursor, q.After = 1, "", ""
	v := q.values()
	v.Set("count", "true")
	v.Set("include", "hashes")
	var answer struct {
		Count *uint64 `json:"count"`
	}
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: v}, document(&answer))
	if err == nil && answer.Count == nil {
		err = errors.New("the answer has no count")
	}
	if err != nil {
		return 0, err
	}
	return *answer.Count, nil
}
