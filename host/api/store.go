package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/wasm/code"
)

// A receipt is the answer to a stored event.
type receipt struct {
	Hash      string     `json:"hash"`
	Epoch     string     `json:"epoch"` // of the order in which the event has its Sequence
	Sequence  uint64     `json:"sequence"`
	Created   bool       `json:"created"`
	Durable   int        `json:"durable"`
	Required  int        `json:"required"`
	Locations []location `json:"locations"`
	Status    int        `json:"status,omitempty"` // in a batch

	// Where the host signs receipts, one of the two.
	Signed   json.RawMessage `json:"signed,omitempty"`
	Unsigned string          `json:"unsigned,omitempty"` // the code of why there is no signature
}

// A location is one place's outcome: held there, failed, or neither yet.
type location struct {
	Replica  string `json:"replica"`
	Kind     string `json:"kind"`
	Counts   bool   `json:"counts"`
	Location string `json:"location,omitempty"`
	Error    string `json:"error,omitempty"`
}

func receiptOf(r intake.Receipt) receipt {
	out := receipt{
		Hash: r.Hash.String(), Epoch: r.Epoch, Sequence: r.Sequence, Created: r.Created, Durable: r.Durable, Required: r.Required,
		Locations: make([]location, 0, len(r.Locations)),
	}
	for _, l := range r.Locations {
		out.Locations = append(out.Locations, location{l.Replica, l.Kind, l.Counts, l.Location, short(l.Error)})
	}
	return out
}

// storedStatus is 200 for an event that was there, 201 for a new one, 202 for
// a new one that only the journal is known to hold.
func storedStatus(r intake.Receipt, wait intake.Wait) int {
	switch {
	case !r.Created:
		return http.StatusOK
	case wait == intake.Journaled:
		return http.StatusAccepted
	default:
		return http.StatusCreated
	}
}

func (s *Server) wait(r *http.Request) (intake.Wait, error) {
	w, err := parametersOf(r).choice("wait", string(intake.Quorum), string(intake.All), string(intake.Journaled))
	return intake.Wait(w), err
}

// store serves POST /v1/events.
func (s *Server) store(w *response, r *http.Request) error {
	wait, err := s.wait(r)
	if err != nil {
		return err
	}
	signed, err := s.signs(r)
	if err != nil {
		return err
	}
	if err := contentType(r, "application/json"); err != nil {
		return err
	}
	if err := s.o.Addresses.Permit(r); err != nil {
		return err
	}
	event, err := s.body(w, r, s.o.Module.MaxEvent())
	if err != nil {
		return err
	}
	got, err := s.o.Intake.Store(r.Context(), event, wait)
	if err != nil {
		return err
	}
	status := storedStatus(got, wait)
	if status != http.StatusOK {
		w.Header()["Location"] = []string{"/v1/events/" + got.Hash.String()}
	}
	if !signed {
		return writeJSON(w, status, receiptOf(got))
	}
	return writeJSON(w, status, s.answer(r.Context(), got))
}

// answer tells of a stored event, with the host's signature. An event that
// is stored is stored without one, too: it is no refusal when none can be made,
// since whoever stores the event again asks the places again, and gets nothing
// else as long as it cannot. But the answer says so, instead of leaving the
// member out, and a client that knows the host's key takes it for no receipt.
func (s *Server) answer(ctx context.Context, r intake.Receipt) receipt {
	out := receiptOf(r)
	// An instance of the module is thrown away with a call that is cut short.
	signed, err := s.o.Receipts.Sign(context.WithoutCancel(ctx), r)
	if err != nil {
		refused := refusal(err)
		out.Unsigned = refused.Code.String()
		s.metrics.unsigned.WithLabelValues(out.Unsigned).Inc()
		if refused.Code == code.Internal {
			s.o.Log.Error("a receipt could not be signed", "hash", r.Hash, "error", err)
		}
		return out
	}
	out.Signed = signed
	return out
}

// signs reports whether a store is answered with signed receipts: where the host
// signs any, and the client does not say that it keeps none. A signature costs
// about what it costs to verify the event.
func (s *Server) signs(r *http.Request) (bool, error) {
	wanted, err := parametersOf(r).choice("receipt", "signed", "none")
	return wanted == "signed" && s.o.Receipts != nil && !s.o.Unsigned, err
}

// contentType refuses a body that does not say that it is one of kinds.
func contentType(r *http.Request, kinds ...string) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err == nil && (charset == "" || charset == "utf-8" || charset == "UTF-8") {
		for _, k := range kinds {
			if kind == k {
				return nil
			}
		}
	}
	return &code.Error{Code: code.UnsupportedMediaType, Detail: fmt.Sprintf("the body must be %s in UTF-8", kinds[0])}
}

// body reads the whole body, at most limit bytes of it, in the time that
// serve's deadline leaves. One that announces more is not read at all.
func (s *Server) body(w *response, r *http.Request, limit int) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &code.Error{Code: code.UnsupportedMediaType, Detail: "this body cannot be compressed"}
	}
	tooLarge := &code.Error{Code: code.TooLarge, Detail: fmt.Sprintf("the limit is %d bytes", limit)}
	if r.ContentLength > int64(limit) {
		return nil, tooLarge
	}
	var b []byte
	var err error
	if r.ContentLength >= 0 {
		b = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, b)
	} else {
		b, err = io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, int64(limit)))
	}
	if err != nil {
		return nil, bodyError(err)
	}
	// The deadline was the body's; what comes now is the host's time.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return b, nil
}

// bodyError tells the client's failures to send a body from the host's own.
func bodyError(err error) error {
	var refused *code.Error
	var large *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &refused), errors.As(err, &large):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return &code.Error{Code: code.RequestTimeout}
	default:
		return &code.Error{Code: code.InvalidArgument, Detail: "the body ended early or is not what its header says"}
	}
}
