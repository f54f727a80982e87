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
}

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
// first error of each. When it returns nil the host said that this was all.
func (cl *Client) Export(ctx context.Context, r ExportRequest, each func(vs []module.Verified, after string) error) error {
	var stop error
	for attempt := 1; ; attempt++ {
		err := cl.exportOnce(ctx, r, func(vs []module.Verified, after string) error {
			if stop = each(vs, after); stop == nil {
				r.After, attempt = after, 0
			}
			return stop
		})
		if resume := resumed(err); resume != "" && stop == nil && attempt < cl.o.Attempts && (!r.Once || samePlace(r.After, resume)) {
			r.After = resume
			continue
		}
		switch {
		case err == nil:
			return nil
		case stop != nil:
			return stop
		case ctx.Err() != nil, !passing(err), attempt >= cl.o.Attempts, !sleep(ctx, cl.wait(max(attempt, 1), err)):
			return err
		}
	}
}

// exportOnce is one request.
func (cl *Client) exportOnce(ctx context.Context, r ExportRequest, each func([]module.Verified, string) error) error {
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
		handOut := func(vs []module.Verified) error {
			after := vs[len(vs)-1].Hash().String()
			if epoch != "" {
				after = epoch + "-" + after // in this order, and not in any
			}
			return each(vs, after)
		}
		if err := cl.exportBatches(ctx, resp, newLines(in), r.Batch, handOut); err != nil {
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
func (cl *Client) exportBatches(ctx context.Context, resp *http.Response, in *lines, most int, each func([]module.Verified) error) error {
	type batch struct {
		done chan struct{}
		vs   []module.Verified
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
			if records, readErr = cl.exportLines(resp, in, most); len(records) == 0 {
				continue
			}
			b := &batch{done: make(chan struct{})}
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
		if err := each(b.vs); err != nil {
			return err
		}
	}
	if errors.Is(readErr, io.EOF) {
		return nil
	}
	return readErr
}

// exportLines reads the lines of a batch; those before an error come with it.
func (cl *Client) exportLines(resp *http.Response, in *lines, most int) (records [][]byte, err error) {
	for size := 0; len(records) < most && size < exportBytes; {
		line, err := in.next()
		if err != nil {
			return records, err
		}
		// No record begins like a problem does: its first member is another.
		if bytes.HasPrefix(line, []byte(`{"type":`)) {
			var p struct {
				Problem
				Hash string `json:"hash"` // of the event that cannot be had
			}
			if err := json.Unmarshal(line, &p); err == nil && p.refusal() != nil {
				e := &Error{Server: cl.base.Host, Status: p.Status, RequestID: requestID(resp), Err: p.refusal(), passing: passingCode(p.refusal().Code) || p.refusal().Code == code.EpochChanged}
				if p.Hash != "" {
					e.Err = fmt.Errorf("event %s: %w", p.Hash, e.Err)
				}
				return records, e
			}
		}
		records = append(records, bytes.Clone(line))
		size += len(line)
	}
	return records, nil
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
