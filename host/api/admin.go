package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm/code"
)

// Admin is what operators can have done from afar. Without a token there are no
// such endpoints.
type Admin struct {
	Token     string // that calls must bear
	Scrubber  Scrubber
	ScrubRate float64 // events per second unless a call says otherwise; 0: as fast as it can
}

// A Scrubber scrubs, one scrub at a time; *scrub.Runner is one.
type Scrubber interface {
	Run(ctx context.Context, q scrub.Request) (scrub.Report, error)
}

// maxRate bounds the rate of a scrub, in events per second.
const maxRate = 1_000_000

// authorized refuses a request that does not bear the token (RFC 6750 §2.1).
// How long that takes says nothing about how much of it was right.
func (s *Server) authorized(r *http.Request) error {
	refused := &code.Error{Code: code.Unauthorized}
	fields := r.Header["Authorization"]
	if len(fields) != 1 {
		return refused
	}
	scheme, token, _ := strings.Cut(fields[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return refused
	}
	given, want := sha256.Sum256([]byte(strings.Trim(token, " "))), sha256.Sum256([]byte(s.o.Admin.Token))
	if subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return refused
	}
	return nil
}

// noBody refuses a body where there is nothing to say in it. Once its end was
// seen net/http notices when the client leaves.
func noBody(w *response, r *http.Request) error {
	n, err := io.ReadFull(r.Body, make([]byte, 1))
	if n > 0 {
		return &code.Error{Code: code.InvalidArgument, Detail: "this call has no body"}
	}
	if !errors.Is(err, io.EOF) {
		return bodyError(err)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not every writer has deadlines
	return nil
}

// progressEvery is how often a caller is told how far a scrub is.
const progressEvery = 250 * time.Millisecond

// scrub serves POST /v1/admin/scrub: reports as lines, the last one complete;
// or a problem as the last line. It ends when the client leaves or the server
// drains, and the next scrub goes on from there.
func (s *Server) scrub(w *response, r *http.Request) error {
	q, err := s.scrubRequest(parametersOf(r))
	if err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	if !s.begin() {
		return shuttingDown
	}
	defer s.long.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer context.AfterFunc(s.drained, cancel)()
	latest := make(chan scrub.Report, 1)
	q.Progress = func(p scrub.Report) {
		select { // what was not taken is out of date
		case <-latest:
		default:
		}
		latest <- p // nobody else sends
	}
	var final scrub.Report
	var failure error
	done := make(chan struct{})
	go func() {
		defer close(done)
		final, failure = s.o.Admin.Scrubber.Run(ctx, q)
	}()
	defer func() { // also when the client takes no more
		cancel()
		<-done
	}()

	var st *stream
	line := func(v any) error {
		if st == nil {
			st = s.stream(w, "application/x-ndjson", http.StatusOK)
		}
		b, err := json.Marshal(v)
		if err == nil {
			err = st.write(append(b, '\n'))
		}
		if err == nil {
			err = st.flush()
		}
		return err
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var told time.Time
	var last *scrub.Report
	for {
		select {
		case <-tick.C:
			select {
			case p := <-latest:
				last = &p
			default:
				if last == nil || time.Since(told) < s.o.Limits.Heartbeat {
					continue
				}
			}
			told = time.Now()
			if err := line(last); err != nil {
				return s.gone(w, err)
			}
			continue
		case <-done:
		}
		switch {
		case failure == nil:
		case r.Context().Err() != nil:
			return r.Context().Err()
		case errors.Is(failure, scrub.ErrBusy):
			return &code.Error{Code: code.Overloaded, Detail: "a scrub is under way already; there is one at a time"}
		case s.closing() && errors.Is(failure, context.Canceled):
			failure = shuttingDown
		}
		if failure != nil && st == nil {
			return failure
		}
		err := line(final)
		if err == nil && failure != nil {
			w.cause = failure
			var out bytes.Buffer
			s.lineProblem(json.NewEncoder(&out), "scrub", failure, problem{})
			err = line(json.RawMessage(out.Bytes()))
		}
		return s.gone(w, err)
	}
}

func (s *Server) scrubRequest(p parameters) (q scrub.Request, err error) {
	q.Rate = s.o.Admin.ScrubRate
	if p.Has("rate") {
		rate, err := p.number("rate", 0, 1, maxRate)
		if err != nil {
			return q, err
		}
		q.Rate = float64(rate)
	}
	readOnly, err := p.choice("read_only", "false", "true")
	if err != nil {
		return q, err
	}
	fill, err := p.choice("fill_caches", "false", "true")
	q.ReadOnly, q.FillCaches = readOnly == "true", fill == "true"
	return q, err
}
