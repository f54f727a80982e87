package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Status returns what the host knows of an event and its copies, as it says
// it. code.NotFound where it knows nothing.
func (cl *Client) Status(ctx context.Context, h digest.Hash) (json.RawMessage, error) {
	var doc json.RawMessage
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events/" + h.String() + "/status"}, document(&doc))
	return doc, err
}

// Health returns the host's health document and whether it says that all is
// well. A host that answers that it is not healthy is no error.
func (cl *Client) Health(ctx context.Context) (doc json.RawMessage, healthy bool, err error) {
	err = cl.do(ctx, call{method: http.MethodGet, path: "/v1/health", accept: []int{http.StatusServiceUnavailable}}, func(resp *http.Response) error {
		healthy = resp.StatusCode == http.StatusOK
		return document(&doc)(resp)
	})
	return doc, healthy && err == nil, err
}

// Anchor returns what the host has put on its chain, and what is to come, as it
// says it. code.NotFound where it anchors nothing.
func (cl *Client) Anchor(ctx context.Context) (json.RawMessage, error) {
	var doc json.RawMessage
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/anchor"}, document(&doc))
	return doc, err
}
