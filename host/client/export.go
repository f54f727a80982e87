package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An ExportRequest chooses what Export fetches.
type ExportRequest struct {
	Query Query  // its filters; order, limit, cursor and place are not looked at
	After string // the place to begin behind; "": with the first event
	Batch int    // events that are handed out at once; 0: 256
	Once  bool   // end with code.EpochChanged rather than hand out an event again
	// Passed is told, in order, of what the host goes past because it is not to be
	// had, with the place to go on after. nil: nobody.
	Passed func(p Passed, after string) error
}

// Passed is what an answer does not have: an event that nobody holds any more,
// or a range of events of which the host's journal is damaged. Whether these are
// what was asked for is not known.
type Passed struct {
	From uint64 `json:"from"` // sequence numbers, both included
	To   uint64 `json:"to"`
	Hash string `json:"hash,omitempty"` // of one event, where it is known
	Code string `json:"code"`
}

// Events is how many events it stands for.
func (p Passed) Events() uint64 { return p.To - p.From + 1 }

func (p Passed) String() string {
	switch {
	case p.Hash != "":
		return fmt.Sprintf("event %s: %s", p.Hash, p.Code)
	case p.From == p.To:
		return fmt.Sprintf("event %d: %s", p.From, p.Code)
	}
	return fmt.Sprintf("events %d … %d: %s", p.From, p.To, p.Code)
}

// usable says why a host cannot mean p; its word is not trusted.
func (p Passed) usable() error {
	if p.From == 0 || p.To < p.From || p.To >= 1<<53 {
		return fmt.Errorf("the answer is not what a host sends: it goes past events %d … %d", p.From, p.To)
	}
	if p.Hash != "" {
		return goodHash(p.Hash)
	}
	return nil
}

// A PassedError ends an Export that handed out all that there is to be had.
type PassedError struct {
	Events uint64 // that were passed over
}

func (e *PassedError) Error() string {
	return fmt.Sprintf("%d events could not be had and were passed over", e.Events)
}

// Unwrap makes it the refusal of code.Corrupt.
func (e *PassedError) Unwrap() error { return &code.Error{Code: code.Corrupt} }

// cameToEnd: the host said that it has sent all but so many events.
type cameToEnd uint64

func (n cameToEnd) Error() string { return fmt.Sprintf("the end, without %d events", uint64(n)) }

const (
	exportEvents = 256     // of a batch
	exportBytes  = 2 << 20 // about, of a batch
	exportAhead  = 4       // batches that are being verified while one is handed out
)

// Export fetches every event that the request chooses, in the order of their
// admission, and hands them to each in batches, verified and in their stored
// form, with the place to go on after. That the host left none out is its word.
// An answer that breaks off is gone on with after the last event that each has
// seen; it gives up after some attempts of which none brought any. Where the
// host has another order than before, it goes on so that nothing is missed, and
// some events may come again, unless the request says Once. It ends with the
// first error of each. When it returns nil the host said that this was all; a
// *PassedError says that it was all but what the host went past.
func (cl *Client) Export(ctx context.Context, r ExportRequest, each func(vs []module.Verified, after string) error) error {
	var stop error
	var passed uint64
	for attempt := 1; ; attempt++ {
		err := cl.exportOnce(ctx, r, func(b *exported, after string) error {
			if len(b.vs) > 0 {
				stop = each(b.vs, after)
			} else if passed += b.passed.Events(); r.Passed != nil {
				stop = r.Passed(*b.passed, after)
			}
			if stop == nil {
				r.After, attempt = after, 0
			}
			return stop
		})
		if resume := resumed(err); resume != "" && stop == nil && attempt < cl.o.Attempts && (!r.Once || samePlace(r.After, resume)) {
			r.After = resume
			continue
		}
		switch {
		case err == nil && passed > 0:
			return &PassedError{passed}
		case err == nil:
			return nil
		case stop != nil:
			return stop
		case ctx.Err() != nil, !passing(err), attempt >= cl.o.Attempts, !sleep(ctx, cl.wait(max(attempt, 1), err)):
			return err
		}
	}
}

// exported is what is handed out at once: events, or else what was passed over.
type exported struct {
	vs     []module.Verified
	passed *Passed
}

// exportOnce is one request.
func (cl *Client) exportOnce(ctx context.Context, r ExportRequest, each func(b *exported, after string) error) error {
	r.Query.Ascending, r.Query.Limit, r.Query.Cursor, r.Query.After = false, 0, "", r.After
	query := r.Query.values()
	return cl.attempt(ctx, call{method: http.MethodGet, path: "/v1/events:export", query: query, encoding: "zstd", idle: true}, func(resp *http.Response) error {
		body := &whole{r: resp.Body}
		var in io.Reader = body
		if resp.Header.Get("Content-Encoding") == "zstd" {
			z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				return err
			}
			defer z.Close()
			in = z
		}
		epoch := resp.Header.Get("X-Journal-Epoch")
		past := uint64(0)
		handOut := func(b *exported) error {
			if b.passed != nil {
				past += b.passed.Events()
				return each(b, position(epoch, b.passed.To))
			}
			after := b.vs[len(b.vs)-1].Hash().String()
			if epoch != "" {
				after = epoch + "-" + after // in this order, and not in any
			}
			return each(b, after)
		}
		err := cl.exportBatches(ctx, resp, newLines(in), r.Batch, handOut)
		var came cameToEnd
		switch {
		case errors.As(err, &came) && uint64(came) == past: // the body has no end, for those who do not read its last line
			return nil
		case errors.As(err, &came):
			return fmt.Errorf("the answer is not what a host sends: it went past %d events, and names %d", came, past)
		case err != nil:
			return err
		}
		return body.ended()
	})
}

// whole remembers whether a body came to its end: a decompressor that has come
// to its own does not look.
type whole struct {
	r   io.Reader
	err error
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

func (w *whole) ended() error {
	if w.err == nil {
		_, _ = io.CopyN(io.Discard, w, 1)
	}
	switch {
	case errors.Is(w.err, io.EOF):
		return nil
	case w.err == nil:
		return errors.New("the answer is not what a host sends: it goes on after its end")
	}
	return &brokenError{w.err}
}

// exportBatches reads lines, has them verified on all cores while more are
// read, and hands them out in order. What came whole before an error is handed
// out before the error is returned.
func (cl *Client) exportBatches(ctx context.Context, resp *http.Response, in *lines, most int, each func(*exported) error) error {
	type batch struct {
		exported
		done chan struct{}
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	most = cmp.Or(most, exportEvents)
	queue := make(chan *batch, exportAhead)
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(queue)
		for readErr == nil {
			var records [][]byte
			b := &batch{done: make(chan struct{})}
			if records, b.passed, readErr = cl.exportLines(resp, in, most); len(records) == 0 && b.passed == nil {
				continue
			}
			select {
			case queue <- b:
			case <-ctx.Done():
				readErr = ctx.Err()
				return
			}
			wg.Go(func() {
				defer close(b.done)
				b.vs, b.err = cl.verifyAll(ctx, records)
			})
		}
	})
	defer wg.Wait()
	defer resp.Body.Close() // wakes the reader
	defer cancel()
	for b := range queue {
		<-b.done
		if b.err != nil {
			return b.err
		}
		if len(b.vs) > 0 {
			if err := each(&exported{vs: b.vs}); err != nil {
				return err
			}
		}
		if b.passed != nil {
			if err := each(&exported{passed: b.passed}); err != nil {
				return err
			}
		}
	}
	if errors.Is(readErr, io.EOF) {
		return nil
	}
	return readErr
}

// exportLines reads the lines of a batch, which ends with what was passed over.
// Those before an error come with it.
func (cl *Client) exportLines(resp *http.Response, in *lines, most int) (records [][]byte, passed *Passed, err error) {
	for size := 0; len(records) < most && size < exportBytes; {
		line, err := in.next()
		if err != nil {
			return records, nil, err
		}
		// No record begins like these two do: its first member is another.
		if bytes.HasPrefix(line, []byte(`{"passed":`)) {
			var l struct{ Passed Passed }
			if err := json.Unmarshal(line, &l); err != nil {
				return records, nil, fmt.Errorf("the answer is not what a host sends: %w", err)
			}
			if err := l.Passed.usable(); err != nil {
				return records, nil, err
			}
			return records, &l.Passed, nil
		}
		if bytes.HasPrefix(line, []byte(`{"type":`)) {
			var p struct {
				Problem
				Hash   string `json:"hash"`   // of the event that cannot be had
				Passed uint64 `json:"passed"` // events that were gone past up to the end
			}
			if err := json.Unmarshal(line, &p); err == nil && p.refusal() != nil {
				if p.Passed > 0 {
					return records, nil, cameToEnd(p.Passed)
				}
				e := &Error{Server: cl.base.Host, Status: p.Status, RequestID: requestID(resp), Err: p.refusal(), passing: passingCode(p.refusal().Code) || p.refusal().Code == code.EpochChanged}
				if p.Hash != "" {
					e.Err = fmt.Errorf("event %s: %w", p.Hash, e.Err)
				}
				return records, nil, e
			}
		}
		records = append(records, bytes.Clone(line))
		size += len(line)
	}
	return records, nil, nil
}

// verifyAll checks records that came without their hashes.
func (cl *Client) verifyAll(ctx context.Context, records [][]byte) ([]module.Verified, error) {
	vs := make([]module.Verified, len(records))
	results := make([]module.Result, len(records))
	if batch, ok := cl.verifier.(BatchVerifier); ok {
		var err error
		if results, err = batch.VerifyBatch(ctx, records); err != nil {
			return nil, err
		}
	} else {
		for i, r := range records {
			results[i].Verified, results[i].Err = cl.verifier.Verify(ctx, r)
		}
	}
	for i, r := range results {
		h := digest.Hash{}
		if r.Err == nil {
			h = r.Verified.Hash()
		}
		if err := checked(h, records[i], r.Verified, r.Err); err != nil {
			return nil, err
		}
		vs[i] = r.Verified
	}
	return vs, nil
}
