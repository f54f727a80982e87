package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// A problem is a problem document (RFC 9457). In a line of an NDJSON answer it
// carries the line's number or the hash, too.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Pointer   string         `json:"pointer,omitempty"`
	Detail    string         `json:"detail,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Replicas  []replicaError `json:"replicas,omitempty"`
	Line      int            `json:"line,omitempty"`   // from 1, of a batch
	Hash      string         `json:"hash,omitempty"`   // of a retrieval
	Passed    uint64         `json:"passed,omitempty"` // of an export that came to its end: events that it does not have
	Resume    string         `json:"resume,omitempty"` // of a place in another order: what to go on after
}

type replicaError struct {
	Replica string `json:"replica"`
	Error   string `json:"error"`
}

const problemType = "https://eventseal.dev/problems/"

// statusGone is what the log says of a client that left before the answer.
const statusGone = 499

// hostErrors gives the errors of the packages below their codes. What is
// neither in it nor a *code.Error is the host's own fault.
var hostErrors = []struct {
	err  error
	code code.Code
}{
	{journal.ErrNotFound, code.NotFound},
	{journal.ErrFull, code.StorageFull},
	{journal.ErrFailed, code.JournalUnavailable},
	{journal.ErrBusy, code.JournalUnavailable},
	{journal.ErrReserved, code.NotFound}, // it is damaged, too
	{journal.ErrDamaged, code.JournalUnavailable},
	{journal.ErrClosed, code.ShuttingDown},
	{module.ErrTimeout, code.Timeout},
	{module.ErrTrapped, code.Internal},
	{module.ErrClosed, code.ShuttingDown},
	{context.DeadlineExceeded, code.Timeout},
	{context.Canceled, code.ShuttingDown}, // by the host; a client that left reads nothing
	{os.ErrDeadlineExceeded, code.RequestTimeout},
}

// refusal returns err as the refusal that it is answered with.
func refusal(err error) *code.Error {
	var insufficient *intake.InsufficientError
	if errors.As(err, &insufficient) {
		r := insufficient.Receipt
		return &code.Error{Code: code.InsufficientRedundancy, Detail: strconv.Itoa(r.Durable) + " of " + strconv.Itoa(r.Required) + " replicas hold event " + r.Hash.String()}
	}
	var refused *code.Error
	if errors.As(err, &refused) {
		return refused
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &code.Error{Code: code.TooLarge, Detail: "the limit is " + strconv.FormatInt(large.Limit, 10) + " bytes"}
	}
	for _, e := range hostErrors {
		if errors.Is(err, e.err) {
			return &code.Error{Code: e.code}
		}
	}
	return &code.Error{Code: code.Internal}
}

// problemOf returns the document for err.
func problemOf(err error) problem {
	e := refusal(err)
	p := problem{
		Type: problemType + e.Code.String(), Title: e.Code.Title(), Status: e.Code.Status(), Code: e.Code.String(),
		Pointer: e.Pointer, Detail: e.Detail,
	}
	var insufficient *intake.InsufficientError
	if errors.As(err, &insufficient) {
		for _, r := range insufficient.Replicas {
			if r.Err != nil {
				p.Replicas = append(p.Replicas, replicaError{r.Replica, short(r.Err.Error())})
			}
		}
	}
	var moved *movedError
	if errors.As(err, &moved) {
		p.Resume = moved.resume
	}
	return p
}

// short keeps an error's text from filling an answer.
func short(s string) string {
	const most = 300
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// Codes that pass after a while, and the seconds after which to come back.
var retryAfter = map[code.Code]string{
	code.Overloaded:             "1",
	code.InsufficientRedundancy: "1",
	code.RateLimited:            "1",
	code.JournalUnavailable:     "5",
	code.ShuttingDown:           "5",
	code.StorageFull:            "30",
	code.Unavailable:            "1",
	code.ProofPending:           "1",
	code.AnchorPending:          "5",
}

// fail answers with err's problem document, unless the answer has begun: then
// it is cut off, so that the client cannot take it for a whole one.
func (s *Server) fail(w *response, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		w.status, w.cause = statusGone, err
		return
	}
	p := problemOf(err)
	w.cause = err
	if w.wrote {
		panic(http.ErrAbortHandler)
	}
	p.RequestID = w.id
	c, _ := code.Parse(p.Code)
	h := w.Header()
	for name := range h {
		switch name {
		case "X-Request-Id", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Allow", "X-Content-Type-Options":
		default:
			delete(h, name)
		}
	}
	if after, ok := retryAfter[c]; ok {
		h["Retry-After"] = []string{after}
	}
	switch c {
	case code.Unauthorized:
		h["Www-Authenticate"] = []string{"Bearer"}
	case code.TooLarge, code.RequestTimeout, code.ShuttingDown:
		// What is left of the body is not worth reading.
		h["Connection"] = []string{"close"}
	}
	secure(h)
	h["Cache-Control"] = noStore
	body, _ := json.Marshal(p) // a struct of strings and numbers
	writeBody(w, "application/problem+json", p.Status, append(body, '\n'))
}
