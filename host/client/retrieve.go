package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Retrieve returns the event of a hash, verified here. code.NotFound where the
// host has none; code.HashMismatch where the host answers with another event.
func (cl *Client) Retrieve(ctx context.Context, h digest.Hash) (module.Verified, error) {
	var v module.Verified
	err := cl.do(ctx, call{method: http.MethodGet, path: "/v1/events/" + h.String()}, func(resp *http.Response) error {
		b, err := bounded(resp.Body, module.MaxRecordBytes)
		if err != nil {
			return err
		}
		v, err = cl.check(ctx, h, b)
		return err
	})
	if err != nil {
		return module.Verified{}, err
	}
	return v, nil
}

// check verifies record and that it is the asked-for event in its stored form.
func (cl *Client) check(ctx context.Context, h digest.Hash, record []byte) (module.Verified, error) {
	v, err := cl.verifier.Verify(ctx, record)
	if err = checked(h, record, v, err); err != nil {
		return module.Verified{}, err
	}
	return v, nil
}

// checked decides, after the verifier, whether record is the stored form of
// the event h.
func checked(h digest.Hash, record []byte, v module.Verified, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("the host served an event that does not verify: %w", err)
	case v.Hash() != h:
		return &code.Error{Code: code.HashMismatch, Detail: "the host served event " + v.Hash().String()}
	case !bytes.Equal(v.Record(), record):
		return &code.Error{Code: code.HashMismatch, Detail: "the host served the event in another form than its canonical one"}
	}
	return nil
}

// Most hashes of one request of RetrieveMany.
const retrieveHashes = 256

// RetrieveMany calls each once for every hash, in order: with the verified
// event, or with the error that Retrieve would give. It ends with the first
// error of each, or when a request as a whole fails.
func (cl *Client) RetrieveMany(ctx context.Context, hs []digest.Hash, each func(i int, v module.Verified, err error) error) error {
	for first := 0; first < len(hs); first += retrieveHashes {
		if err := cl.retrieveMany(ctx, hs[first:min(first+retrieveHashes, len(hs))], func(i int, v module.Verified, err error) error {
			return each(first+i, v, err)
		}); err != nil {
			return err
		}
	}
	return nil
}

// retrieveMany is one request. An answer that breaks off is gone on with where
// it did: what each has seen it does not see again.
func (cl *Client) retrieveMany(ctx context.Context, hs []digest.Hash, each func(i int, v module.Verified, err error) error) error {
	done := 0
	var stop error
	err := cl.do(ctx, call{
		method: http.MethodPost, path: "/v1/events:retrieve", contentType: "application/json",
		renew: func() []byte {
			texts := make([]string, 0, len(hs))
			for _, h := range hs[done:] {
				texts = append(texts, h.String())
			}
			b, _ := json.Marshal(map[string][]string{"hashes": texts})
			return b
		},
	}, func(resp *http.Response) error {
		for lines := newLines(resp.Body); done < len(hs) && stop == nil; done++ {
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				return &brokenError{io.ErrUnexpectedEOF}
			}
			if err != nil {
				return err
			}
			v, err := cl.retrieved(ctx, resp, hs[done], line)
			stop = each(done, v, err)
		}
		return nil
	})
	if stop != nil {
		return stop
	}
	return err
}

// retrieved reads one line of an answer: the record as "event", or a problem.
func (cl *Client) retrieved(ctx context.Context, resp *http.Response, h digest.Hash, line []byte) (module.Verified, error) {
	var answer struct {
		Problem
		Hash  string          `json:"hash"`
		Event json.RawMessage `json:"event"`
	}
	fail := func(err error) (module.Verified, error) {
		return module.Verified{}, &Error{Server: cl.base.Host, Status: answer.Status, RequestID: requestID(resp), Replicas: answer.Replicas, Err: err}
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fail(fmt.Errorf("the answer is not what a host sends: %w", err))
	}
	if refusal := answer.Problem.refusal(); refusal != nil {
		return fail(refusal)
	}
	// check keeps the bytes, and the line is only valid until the next one;
	// RawMessage is a copy of its own.
	v, err := cl.check(ctx, h, answer.Event)
	if err != nil {
		return fail(err)
	}
	return v, nil
}
