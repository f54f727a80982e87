package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// A Scrub says how the host is to scrub. Zero values leave it to the host.
type Scrub struct {
	Rate       uint64 // events per second
	ReadOnly   bool
	FillCaches bool
}

// Scrub has the host scrub and calls report with each report as it comes,
// valid during the call alone; the last one is complete. It needs Options.Token.
// Where the connection breaks the host stops, and the next attempt goes on from
// there. Options.Timeout bounds the time between two reports, not the whole.
func (cl *Client) Scrub(ctx context.Context, s Scrub, report func(json.RawMessage) error) error {
	q := url.Values{}
	if s.Rate > 0 {
		q.Set("rate", strconv.FormatUint(s.Rate, 10))
	}
	if s.ReadOnly {
		q.Set("read_only", "true")
	}
	if s.FillCaches {
		q.Set("fill_caches", "true")
	}
	return cl.do(ctx, call{method: http.MethodPost, path: "/v1/admin/scrub", query: q, idle: true}, func(resp *http.Response) error {
		lines := newLines(resp.Body)
		for {
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				return &brokenError{io.ErrUnexpectedEOF}
			}
			if err != nil {
				return err
			}
			var l struct {
				Problem
				Complete bool `json:"complete"`
			}
			if err := json.Unmarshal(line, &l); err != nil {
				return fmt.Errorf("the answer is not what a host sends: %w", err)
			}
			if refusal := l.refusal(); refusal != nil {
				return &Error{Server: cl.base.Host, Status: l.Status, RequestID: requestID(resp), Err: refusal, passing: passingCode(refusal.Code)}
			}
			if err := report(slices.Clone(line)); err != nil || l.Complete {
				return err
			}
		}
	})
}
