package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/eventseal/eventseal/wasm/code"
)

// suspects bounds the events that may be refused alone, for no reason that is
// told, before one passes: then it is the way to the host that refuses all.
const suspects = 8

// storeAll sends the events whose numbers are in todo, in their order, in
// requests of what was seen to pass, and fills their outcomes in.
func (cl *Client) storeAll(ctx context.Context, wait string, events [][]byte, todo []int, out []Stored) error {
	passed, silent := false, 0
	var suspected error // the first of those without a reason
	refused := 0
	for len(todo) > 0 {
		n, bytes := cl.size.Take(len(todo), func(i int) int { return len(events[todo[i]]) })
		err := cl.storeBatch(ctx, wait, events, todo[:n], out)
		switch {
		case err == nil:
			cl.size.Passed(n, bytes)
			passed, silent = true, 0
			todo = todo[n:]
		case ctx.Err() != nil || !tooMuch(err) || n == 1 && silence(err):
			return err
		case n > 1:
			cl.size.Failed(n, bytes)
			if silence(err) {
				// Each attempt costs a timeout, so after two the answer is sought with one event.
				if silent++; silent == 2 {
					cl.size.Failed(2, 2*len(events[todo[0]]))
				}
			}
		default:
			cl.size.Blame()
			var reason bool
			if out[todo[0]].Err, reason = refusedAlone(err); !reason {
				if suspected == nil {
					suspected = err
				}
				if refused++; refused == suspects && !passed {
					return suspected
				}
			}
			todo = todo[1:]
		}
	}
	if !passed && suspected != nil {
		return suspected
	}
	return nil
}

// refusedAlone makes the refusal of an event of a request of its own that was
// refused; reason is false where the answer does not tell why.
func refusedAlone(err error) (refusal error, reason bool) {
	var e *Error
	var coded *code.Error
	if !errors.As(err, &e) || errors.As(err, &coded) {
		return err, true
	}
	own := *e
	c := code.Forbidden
	if reason = e.Status == http.StatusRequestEntityTooLarge; reason {
		c = code.TooLarge
	}
	own.Err = &code.Error{Code: c, Detail: fmt.Sprintf("on the way to the host, which %v", e.Err)}
	return &own, reason
}

// tooMuch reports whether a request of several events may have failed because
// of how many they are, or because of one of them.
func tooMuch(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	var coded *code.Error
	if errors.As(err, &coded) {
		return coded.Code == code.TooLarge || coded.Code == code.Timeout || coded.Code == code.RequestTimeout
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return silence(err)
}

// silence reports whether nothing was said of a request, or not to its end. That
// nobody was there is another matter.
func silence(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	var coded *code.Error
	if errors.As(err, &coded) {
		return coded.Code == code.Timeout || coded.Code == code.RequestTimeout
	}
	if e.Status == http.StatusRequestTimeout || e.Status == http.StatusGatewayTimeout {
		return true
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return e.Status == 0 || broken(err) || errors.Is(err, io.ErrUnexpectedEOF)
}
