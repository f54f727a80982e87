package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A LostEvent is one that a host took and of which nobody has a good copy any
// more, as the host tells it.
type LostEvent struct {
	Hash       string    `json:"hash"`
	Sequence   uint64    `json:"sequence"`
	Type       string    `json:"type"`
	Author     string    `json:"author_pubkey"`
	CreatedAt  uint64    `json:"created_at"`
	AdmittedAt time.Time `json:"admitted_at"`
}

// A LostPage is a part of the list.
type LostPage struct {
	Events []LostEvent `json:"events"`
	Total  uint64      `json:"total"` // of all pages
	Next   uint64      `json:"next"`  // after of the next page; 0: there is none
}

// Lost returns lost events with a sequence number after the given one, up to
// limit, at most 1000. It needs Options.Token.
func (cl *Client) Lost(ctx context.Context, after uint64, limit int) (page LostPage, err error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "limit": {strconv.Itoa(limit)}}
	var doc json.RawMessage
	if err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/admin/lost", query: q}, document(&doc)); err != nil {
		return page, err
	}
	err = json.Unmarshal(doc, &page)
	if err == nil && page.Next != 0 && page.Next <= after {
		err = fmt.Errorf("the next page begins after %d", page.Next) // for ever
	}
	if err != nil {
		return LostPage{}, fmt.Errorf("the answer is not what a host sends: %w", err)
	}
	return page, nil
}
