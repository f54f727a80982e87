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
	"strconv"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Follow chooses what to follow. Several values of one member are
// alternatives, different members must all hold, an empty member holds always.
type Follow struct {
	Types   []string
	Authors []string // public keys in any spelling
	Parents []string // hashes: events that name one of these as a parent

	From   uint64        // sequence number of the first event that is wanted; 0: only what comes from now on
	Silent time.Duration // how long a host may send nothing at all before it is called again; 0: 1 minute
}

// Follow calls each for what the host admitted since From and goes on with
// what it admits, in its order, each event once and verified. Where the stream
// breaks off it is gone on with. It ends with each's error, a refusal, the
// context's error, or when the host could not be reached Attempts times in a row.
func (cl *Client) Follow(ctx context.Context, f Follow, each func(Found) error) error {
	if f.Silent <= 0 {
		f.Silent = time.Minute
	}
	next := f.From
	if next == 0 {
		last, err := cl.last(ctx)
		if err != nil {
			return err
		}
		next = last + 1
	}
	for failed := 0; ; {
		s := &following{cl: cl, f: f, each: each, next: next}
		err := s.listen(ctx)
		next = s.next
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.stopped != nil:
			return s.stopped
		}
		if failed++; s.heard {
			failed = 1
		}
		if failed >= cl.o.Attempts || !passing(err) {
			return err
		}
		if !sleep(ctx, cl.wait(failed, err)) {
			return ctx.Err()
		}
	}
}

// last returns the sequence number of the newest event.
func (cl *Client) last(ctx context.Context) (uint64, error) {
	var answer struct {
		Events []struct {
			Sequence uint64 `json:"sequence"`
		} `json:"events"`
	}
	q := url.Values{"limit": {"1"}, "include": {"hashes"}}
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: q}, document(&answer))
	if err != nil || len(answer.Events) == 0 {
		return 0, err
	}
	return answer.Events[0].Sequence, nil
}

// following is one connection.
type following struct {
	cl      *Client
	f       Follow
	each    func(Found) error
	next    uint64 // sequence number that is wanted next
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
	u.RawQuery = url.Values{
		"type": s.f.Types, "author": s.f.Authors, "parent": s.f.Parents, "from": {strconv.FormatUint(s.next, 10)},
	}.Encode()
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
	var event string
	var data []byte
	for lines.Scan() {
		silence.Reset(s.f.Silent)
		s.heard = true
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(lines.Bytes()) == 0:
			if err := s.message(ctx, resp, event, data); err != nil {
				return err
			}
			event, data = "", nil
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
func (s *following) message(ctx context.Context, resp *http.Response, event string, data []byte) error {
	stop := func(err error) error {
		s.stopped = &Error{Server: s.cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), Err: err}
		return s.stopped
	}
	switch event {
	case "event":
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
	if !ok || m.Sequence < s.next {
		return stop(fmt.Errorf("the stream goes from %d to %d, %.80q", s.next, m.Sequence, m.Hash))
	}
	found := Found{Hash: h, Sequence: m.Sequence, AdmittedAt: m.AdmittedAt}
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
	s.next = m.Sequence + 1
	return nil
}
