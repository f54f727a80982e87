package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Follow chooses what to follow. Several values of one member are
// alternatives, different members must all hold, an empty member holds always.
type Follow struct {
	Types   []string
	Authors []string // public keys in any spelling
	Parents []string // hashes: events that name one of these as a parent

	After  string        // the place behind which to begin; "": only what comes from now on
	Silent time.Duration // how long a host may send nothing at all before it is called again; 0: 1 minute
}

// Follow calls each for what the host admitted after a place and goes on with
// what it admits, in its order, each event once and verified. Where the stream
// breaks off it is gone on with. Where the host has another order than before,
// it goes on so that nothing is missed, and some events may come again. It ends
// with each's error, a refusal, the context's error, or when the host could not
// be reached Attempts times in a row.
func (cl *Client) Follow(ctx context.Context, f Follow, each func(Found) error) error {
	if f.Silent <= 0 {
		f.Silent = time.Minute
	}
	after := f.After
	for failed := 0; ; {
		s := &following{cl: cl, f: f, each: each, after: after}
		err := s.listen(ctx)
		after = s.after
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.stopped != nil:
			return s.stopped
		}
		if failed++; s.heard {
			failed = 1
		}
		resume := resumed(err)
		if failed >= cl.o.Attempts || (!passing(err) && resume == "") {
			return err
		}
		if resume != "" {
			after = resume
		} else if !sleep(ctx, cl.wait(failed, err)) {
			return ctx.Err()
		}
	}
}

// following is one connection.
type following struct {
	cl      *Client
	f       Follow
	each    func(Found) error
	after   string // the place to go on after
	heard   bool   // anything
	stopped error  // for good: by each, or because the host is not to be believed
}

// listen follows until the connection ends; the error says how.
func (s *following) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(s.f.Silent, cancel)
	defer silence.Stop()
	u := s.cl.base.JoinPath("/v1/stream")
	q := url.Values{"type": s.f.Types, "author": s.f.Authors, "parent": s.f.Parents}
	if s.after != "" {
		q.Set("after", s.after)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "eventseal")
	req.Header.Set("Accept", "text/event-stream")
	if s.cl.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.cl.o.Token)
	}
	resp, err := s.cl.http.Do(req)
	if err != nil {
		return &Error{Server: s.cl.base.Host, Err: err, passing: true}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s.cl.problem(resp)
	}
	broke := func(err error) error {
		return &Error{Server: s.cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), Err: err, passing: true}
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var event, id string
	var data []byte
	for lines.Scan() {
		silence.Reset(s.f.Silent)
		s.heard = true
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(lines.Bytes()) == 0:
			if err := s.message(ctx, resp, event, id, data); err != nil {
				return err
			}
			event, id, data = "", "", nil
		case string(name) == "id":
			id = string(value)
		case string(name) == "event":
			event = string(value)
		case string(name) == "data":
			data = append(data, value...) // a host writes one line
			if len(data) > maxLine {
				s.stopped = fmt.Errorf("the stream has a message of more than %d bytes", maxLine)
				return s.stopped
			}
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		s.stopped = fmt.Errorf("the stream has a line of more than %d bytes", maxLine)
		return s.stopped
	} else if err != nil {
		return broke(err)
	}
	return broke(errors.New("the stream ended"))
}

// message takes one server-sent event.
func (s *following) message(ctx context.Context, resp *http.Response, event, id string, data []byte) error {
	stop := func(err error) error {
		s.stopped = &Error{Server: s.cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), Err: err}
		return s.stopped
	}
	switch event {
	case "event":
	case "damaged":
		return s.damaged(resp, id, data, stop)
	case "":
		// Where the stream begins. Of a place that was asked for it says nothing new.
		if _, _, ok := parsePosition(id); ok && s.after == "" {
			s.after = id
		}
		return nil
	case "dropped", "closing":
		var end Problem
		_ = json.Unmarshal(data, &end) // without a code it is just an end
		err := fmt.Errorf("the host ended the stream: %s", event)
		if refusal := end.refusal(); refusal != nil {
			err = refusal
		}
		return &Error{Server: s.cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), Err: err, passing: true}
	default:
		return nil // a later host may say more
	}
	var m struct {
		Hash       string          `json:"hash"`
		Sequence   uint64          `json:"sequence"`
		AdmittedAt time.Time       `json:"admitted_at"`
		Event      json.RawMessage `json:"event"`
		Problem    *Problem        `json:"problem"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return stop(fmt.Errorf("the message is not what a host sends: %w", err))
	}
	h, ok := digest.ParseHash(m.Hash)
	if epoch, n, known := parsePosition(id); !ok || !known || n != m.Sequence || !follows(s.after, epoch, n) {
		return stop(fmt.Errorf("the stream goes from %q to %.80q, %.80q", s.after, id, m.Hash))
	}
	found := Found{Hash: h, Sequence: m.Sequence, Position: id, AdmittedAt: m.AdmittedAt}
	if m.Problem != nil && m.Problem.refusal() != nil {
		found.Err = &Error{Server: s.cl.base.Host, Status: m.Problem.Status, RequestID: requestID(resp), Err: m.Problem.refusal()}
	} else {
		var err error
		if found.Event, err = s.cl.check(ctx, h, m.Event); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return stop(err)
		}
	}
	if err := s.each(found); err != nil {
		s.stopped = err
		return err
	}
	s.after = id
	return nil
}

// damaged hands out that the host's journal cannot read some events.
func (s *following) damaged(resp *http.Response, id string, data []byte, stop func(error) error) error {
	var p Passed
	err := json.Unmarshal(data, &p)
	if err == nil {
		err = p.usable()
	}
	if epoch, n, known := parsePosition(id); err != nil || !known || n != p.To || !follows(s.after, epoch, p.From) {
		return stop(fmt.Errorf("the stream goes from %q to %.80q, %.80q", s.after, id, data))
	}
	c, ok := code.Parse(p.Code)
	if !ok {
		c = code.JournalUnavailable
	}
	refusal := &code.Error{Code: c, Detail: p.String()}
	if err := s.each(Found{Sequence: p.To, Position: id, Err: &Error{Server: s.cl.base.Host, Status: c.Status(), RequestID: requestID(resp), Err: refusal}}); err != nil {
		s.stopped = err
		return err
	}
	s.after = id
	return nil
}

// follows reports whether a position comes after a place, as far as that tells.
func follows(after, epoch string, sequence uint64) bool {
	of, n, ok := parsePosition(after)
	return !ok || epoch == of && sequence > n
}
