package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strconv"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// exportStart returns the sequence number after which an export begins, and
// the last one that it is to reach: of what is admitted meanwhile it has
// nothing, so that it ends.
func (s *Server) exportStart(ctx context.Context, p parameters, epoch string) (after, last uint64, err error) {
	if last, err = s.o.Journal.Last(ctx); err != nil {
		return 0, 0, err
	}
	text, given, err := p.one("after")
	if err == nil && given {
		after, err = s.after(ctx, "after", text, epoch, false)
	}
	return after, last, err
}

// export serves GET /v1/events:export: the records that a filter chooses, a
// line each, in the order of their admission, up to the event that was the last
// one when it began. Whoever was interrupted goes on after the last whole line
// that there is. An answer that is not whole never looks like one: its last
// line is a problem, where one can still be sent, and its end is missing.
func (s *Server) export(w *response, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.drained, cancel)()
	p := parametersOf(r)
	f, err := s.filter(ctx, p)
	if err != nil {
		return err
	}
	epoch := s.o.Journal.Epoch()
	after, last, err := s.exportStart(ctx, p, epoch)
	if err != nil {
		return err
	}
	if n := s.exports.Add(1); n > int64(s.o.Limits.Exports) {
		s.exports.Add(-1)
		return &code.Error{Code: code.Overloaded, Detail: "too many exports at once"}
	}
	defer s.exports.Add(-1)
	if !s.begin() {
		return shuttingDown
	}
	defer s.long.Done()

	f.After, f.Before, f.Limit = after, last+1, journal.MaxPage
	next := s.nextPage(ctx, f)
	first := <-next
	if first.err != nil {
		return first.err
	}
	ordered(w, epoch)
	st := s.stream(w, ndjson, http.StatusOK)
	_ = st.control.Flush() // the header: of a rare choice the first line may be far away
	for page := first; ; page = <-next {
		switch {
		case page.err != nil:
			return s.cutOff(w, r, st, page.err, "")
		case s.o.Journal.Epoch() != epoch:
			return s.cutOff(w, r, st, s.moved(ctx, journal.Position{Epoch: epoch, Sequence: f.After}, strconv.FormatUint(f.After, 10), false), "")
		case len(page.entries) == 0:
			return s.gone(w, st.flush())
		}
		// The next page is looked for while this one is read and sent.
		f.After = page.entries[len(page.entries)-1].Sequence
		next = s.nextPage(ctx, f)
		hs := make([]digest.Hash, len(page.entries))
		for i := range page.entries {
			hs[i] = page.entries[i].Hash
		}
		i := 0
		for v, err := range (sweeper{s.o.Reader}).Events(ctx, hs) {
			if err != nil {
				return s.cutOff(w, r, st, err, hs[i].String())
			}
			i++
			if err := st.writeLine(v.Record()); err != nil {
				return s.gone(w, err)
			}
		}
		if i < len(hs) {
			return s.cutOff(w, r, st, fmt.Errorf("the reader gave %d answers for %d hashes", i, len(hs)), "")
		}
		s.metrics.lines.WithLabelValues("export", "ok").Add(float64(i))
	}
}

// A sweeper reads for who goes over everything once, an export or a subscriber
// that begins far back, and leaves the caches to the others.
type sweeper struct{ Reader }

func (r sweeper) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return r.Reader.Events(retrieve.Sweep(ctx), hs)
}

// An entryPage is the outcome of a query of the journal.
type entryPage struct {
	entries []journal.Entry
	err     error
}

func (s *Server) nextPage(ctx context.Context, f journal.Filter) <-chan entryPage {
	c := make(chan entryPage, 1)
	go func() {
		entries, err := s.o.Journal.Query(ctx, f)
		c <- entryPage{entries, err}
	}()
	return c
}

// cutOff ends a streamed answer that cannot be whole with a last line that
// says why, and without its end.
func (s *Server) cutOff(w *response, r *http.Request, st *stream, err error, hash string) error {
	if r.Context().Err() != nil {
		return s.gone(w, r.Context().Err())
	}
	if s.closing() {
		err = shuttingDown
		st.timeout = closingTime
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	s.lineProblem(enc, "export", err, problem{Hash: hash})
	if st.write(out.Bytes()) == nil {
		_ = st.flush() // the cause is err
	}
	return s.gone(w, err)
}
