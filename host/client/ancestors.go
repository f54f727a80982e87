package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/eventseal/eventseal/wasm/digest"
)

// An Ancestor is an event that another one descends from.
type Ancestor struct {
	Found
	Depth   int  // 1 for a parent
	Missing bool // the host does not know it: only Hash and Depth mean anything
}

// Ancestors returns what an event descends from, the nearest first, each
// verified here, at most limit of them (1 … 1000; 0: 100). more says that
// there are others. code.NotFound where the host does not know the event. That
// an ancestor belongs to the thread is the host's word, unless the caller
// follows Event's parents.
func (cl *Client) Ancestors(ctx context.Context, h digest.Hash, limit int) (found []Ancestor, more bool, err error) {
	q := url.Values{}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	err = cl.do(ctx, call{method: http.MethodGet, path: "/v1/events/" + h.String() + "/ancestors", query: q}, func(resp *http.Response) error {
		b, err := bounded(resp.Body, maxPage)
		if err != nil {
			return err
		}
		page, err := cl.page(ctx, resp, b, func(e *listed) bool { return e.Missing })
		if err != nil {
			return err
		}
		var thread struct {
			Events []struct {
				Depth   int  `json:"depth"`
				Missing bool `json:"missing"`
			} `json:"events"`
			Truncated bool `json:"truncated"`
		}
		if err := json.Unmarshal(b, &thread); err != nil {
			return fmt.Errorf("the answer is not what a host sends: %w", err)
		}
		found, more = make([]Ancestor, len(page.Events)), thread.Truncated
		for i, f := range page.Events {
			found[i] = Ancestor{f, thread.Events[i].Depth, thread.Events[i].Missing}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return found, more, nil
}
