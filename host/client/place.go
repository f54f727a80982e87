package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/wasm/code"
)

// Places are where an answer begins: Beginning, an event's hash, or a position
// that the host gave out, which names the host's order by its epoch. A host
// whose order is another one by now (its journal was rebuilt, restored or rolled
// back) refuses a position of the one before with code.EpochChanged and says
// from where on nothing is missed; every call here goes on there by itself.

// Beginning is the place before the first event.
const Beginning = "0"

// Epoch returns the name of the order that the host has now.
func (cl *Client) Epoch(ctx context.Context) (string, error) {
	var answer struct {
		Epoch string `json:"epoch"`
	}
	q := url.Values{"limit": {"1"}, "include": {"hashes"}}
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: q}, document(&answer))
	if err == nil && answer.Epoch == "" {
		err = errors.New("the answer names no epoch")
	}
	return answer.Epoch, err
}

// position returns the text of a place in a host's order.
func position(epoch string, sequence uint64) string {
	return epoch + "-" + strconv.FormatUint(sequence, 10)
}

// parsePosition undoes position.
func parsePosition(text string) (epoch string, sequence uint64, ok bool) {
	epoch, number, _ := strings.Cut(text, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	return epoch, n, err == nil && epoch != "" && position(epoch, n) == text
}

// resumed returns the place that a host names in place of one of an order that
// it does not have any more, "" where err is none such.
func resumed(err error) string {
	var e *Error
	if errors.As(err, &e) && errors.Is(e.Err, &code.Error{Code: code.EpochChanged}) {
		return e.Resume
	}
	return ""
}

// samePlace reports whether a host that has another order kept the very place.
func samePlace(before, now string) bool {
	_, a, _ := strings.Cut(before, "-")
	_, b, _ := strings.Cut(now, "-")
	return a == b && a != ""
}
