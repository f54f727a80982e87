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
// that there is. What is not to be had at all is named in a line of its own and
// gone past; what is not to be had now ends the answer. An answer that is not
// whole never looks like one: its last line is a problem, where one can still be
// sent, and its end is missing.
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
	past := passes{s: s, st: st}
	for page := first; ; page = <-next {
		switch {
		case page.err != nil:
			return s.cutOff(w, r, st, page.err, problem{})
		case s.o.Journal.Epoch() != epoch:
			return s.cutOff(w, r, st, s.moved(ctx, journal.Position{Epoch: epoch, Sequence: f.After}, strconv.FormatUint(f.After, 10), false), problem{})
		}
		// The next page is looked for while this one is read and sent.
		if f.After = page.Next; f.After > 0 {
			next = s.nextPage(ctx, f)
		}
		if at, err := s.exportPage(ctx, &page.Stretch, &past); past.unsent != nil {
			return s.gone(w, past.unsent)
		} else if err != nil {
			return s.cutOff(w, r, st, err, at)
		}
		if page.Next > 0 {
			continue
		}
		if err := past.verdict(); err != nil {
			return s.cutOff(w, r, st, err, problem{Passed: past.n})
		}
		return s.gone(w, st.flush())
	}
}

// exportPage sends what there is of a page. An error comes with where it was.
func (s *Server) exportPage(ctx context.Context, page *journal.Stretch, past *passes) (at problem, err error) {
	hs := make([]digest.Hash, len(page.Entries))
	for i := range page.Entries {
		hs[i] = page.Entries[i].Hash
	}
	next, stop := iter.Pull2((sweeper{s.o.Reader}).Events(ctx, hs))
	defer stop()
	sent := 0
	for e, damage := range page.Ascending() {
		if e == nil {
			past.add(passedDamage(damage))
		} else if v, err, ok := next(); !ok {
			return at, fmt.Errorf("the reader gave fewer answers than %d", len(hs))
		} else if err == nil {
			past.line(v.Record())
			sent++
		} else if noMore(err) {
			past.add(passed{From: e.Sequence, To: e.Sequence, Hash: e.Hash.String(), Code: refusal(err).Code.String()})
		} else {
			return problem{Hash: e.Hash.String()}, err
		}
		if past.unsent != nil {
			return at, past.unsent
		}
	}
	s.metrics.lines.WithLabelValues("export", "ok").Add(float64(sent))
	return at, nil
}

// A sweeper reads for who goes over everything once, an export or a subscriber
// that begins far back, and leaves the caches to the others.
type sweeper struct{ Reader }

func (r sweeper) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return r.Reader.Events(retrieve.Sweep(ctx), hs)
}

// An entryPage is the outcome of a walk through the journal.
type entryPage struct {
	journal.Stretch
	err error
}

func (s *Server) nextPage(ctx context.Context, f journal.Filter) <-chan entryPage {
	c := make(chan entryPage, 1)
	go func() {
		found, err := s.o.Journal.Walk(ctx, f)
		c <- entryPage{found, err}
	}()
	return c
}

// cutOff ends a streamed answer that cannot be whole with a last line that
// says why, and without its end.
func (s *Server) cutOff(w *response, r *http.Request, st *stream, err error, at problem) error {
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
	s.lineProblem(enc, "export", err, at)
	if st.write(out.Bytes()) == nil {
		_ = st.flush() // the cause is err
	}
	return s.gone(w, err)
}
