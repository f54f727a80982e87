// Package client talks to an Eventseal host over HTTP and trusts it with
// nothing: a record is verified before it is handed on. Every call is
// idempotent, so what failed for a passing reason is tried again.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/portion"
	"github.com/eventseal/eventseal/wasm/code"
)

// A Verifier judges a record; *module.Pool is one.
type Verifier interface {
	Verify(ctx context.Context, event []byte) (module.Verified, error)
}

// Options say which host to talk to and how. Zero values take the defaults.
type Options struct {
	Server   string        // base URL, such as http://127.0.0.1:8420
	Verifier Verifier      // needed by Retrieve and RetrieveMany
	HTTP     *http.Client  // default: one of its own, which follows no redirect
	Timeout  time.Duration // of one attempt of a call, beside a second for every 256 KiB that it sends; default 30 s
	Attempts int           // in all; default 4
	Backoff  time.Duration // longest wait before the second attempt, doubled for each further one up to 5 s; default 200 ms
	Token    string        // bearer token, "" for none
	Notary   Notary        // needed with HostKeys, by Proof and by TlogProof
	HostKeys string        // of the host, as it serves them at /log/keys, or a C2SP tlog-policy: then stores and proofs are taken only under these; "": any
	Unsigned bool          // stores ask for no signed receipt, which spares the host the signature; not with HostKeys
}

// A Client is safe for concurrent use.
type Client struct {
	base     *url.URL
	http     *http.Client
	verifier Verifier
	o        Options
	size     *portion.Size     // of a batch
	trust    *checkpoint.Trust // nil: no host is known
}

// Largest answers that are read: a record's bound with room for the text
// around it, and a small document's.
const (
	maxLine     = module.MaxRecordBytes + 64<<10
	maxDocument = 1 << 20
	maxWait     = time.Minute // longest Retry-After that is obeyed
)

// New returns a client. It does not connect.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("client: %q is not a server such as http://127.0.0.1:8420", redactUser(o.Server))
	}
	var trust *checkpoint.Trust
	if o.HostKeys != "" {
		if trust, err = checkpoint.ParseTrust(o.HostKeys); err != nil {
			return nil, fmt.Errorf("client: the host's keys: %w", err)
		}
		if o.Notary == nil {
			return nil, errors.New("client: HostKeys need a Notary")
		}
		if o.Unsigned {
			return nil, errors.New("client: HostKeys are for receipts, and Unsigned asks for none")
		}
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 4)
	o.Backoff = cmp.Or(o.Backoff, 200*time.Millisecond)
	h := o.HTTP
	if h == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 32
		h = &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Client{base: u, http: h, verifier: o.Verifier, o: o, trust: trust, size: portion.New(batchEvents, batchBytes, batchEvents, batchBytes)}, nil
}

// redactUser leaves a password out of a message about a bad address.
func redactUser(server string) string {
	if at := strings.LastIndexByte(server, '@'); at >= 0 {
		return "…" + server[at:]
	}
	return server
}

// A call is one request that can be sent again.
type call struct {
	method, path string
	query        url.Values
	body         []byte
	renew        func() []byte // makes the body anew for each attempt
	contentType  string
	encoding     string // that the answer may have; "": what net/http undoes by itself
	accept       []int  // statuses that are not an error beside 200, 201 and 202
	idle         bool   // it may take for ever, as long as some of it or of the answer moves in every Timeout
	cut          bool   // it is made anew of less where it may have been too much
}

// leastRate is how many bytes a second have to get to the host.
const leastRate = 256 << 10

// do sends c until it is answered for good and hands the answer to read, whose
// error counts as a failed attempt when it is worth another one.
func (cl *Client) do(ctx context.Context, c call, read func(*http.Response) error) error {
	for attempt := 1; ; attempt++ {
		err := cl.attempt(ctx, c, read)
		if err == nil || ctx.Err() != nil || attempt >= cl.o.Attempts || !passing(err) || c.cut && tooMuch(err) {
			return err
		}
		wait := cl.wait(attempt, err)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

// wait returns the pause after a failed attempt: what the host asked for, or
// an evenly spread part of a doubling bound, so that many clients that failed
// together do not come back together.
func (cl *Client) wait(attempt int, err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, maxWait) + rand.N(100*time.Millisecond)
	}
	return rand.N(min(cl.o.Backoff<<(attempt-1), 5*time.Second)) + time.Millisecond
}

func (cl *Client) attempt(ctx context.Context, c call, read func(*http.Response) error) error {
	var watch *time.Timer
	var cancel context.CancelFunc
	if c.idle {
		ctx, cancel = context.WithCancel(ctx)
		watch = time.AfterFunc(cl.o.Timeout, cancel)
		defer watch.Stop()
	} else {
		ctx, cancel = context.WithTimeout(ctx, cl.o.Timeout+time.Duration(len(c.body))*time.Second/leastRate)
	}
	defer cancel()
	req, err := cl.request(ctx, c)
	if err != nil {
		return err
	}
	if c.idle && req.Body != nil {
		req.Body = &watched{req.Body, watch, cl.o.Timeout}
	}
	resp, err := cl.http.Do(req)
	if err != nil {
		return &Error{Server: cl.base.Host, Err: err, passing: true}
	}
	defer resp.Body.Close()
	if c.idle {
		resp.Body = &watched{resp.Body, watch, cl.o.Timeout}
	}
	ok := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated || resp.StatusCode == http.StatusAccepted
	for _, status := range c.accept {
		ok = ok || resp.StatusCode == status
	}
	if !ok {
		return cl.problem(resp)
	}
	if err := read(resp); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		return &Error{Server: cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), Err: err, passing: broken(err)}
	}
	// Drain a little so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	return nil
}

// request makes the request of one attempt.
func (cl *Client) request(ctx context.Context, c call) (*http.Request, error) {
	u := cl.base.JoinPath(c.path)
	u.RawQuery = c.query.Encode()
	var body io.Reader
	if c.renew != nil {
		c.body = c.renew()
	}
	if c.body != nil {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "eventseal")
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	if c.encoding != "" {
		req.Header.Set("Accept-Encoding", c.encoding)
	}
	if cl.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+cl.o.Token)
	}
	return req, nil
}

// A watched body puts the attempt's end off with everything that moves.
type watched struct {
	io.ReadCloser
	watch   *time.Timer
	timeout time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.watch.Reset(w.timeout)
	}
	return n, err
}

// document reads one JSON document into v.
func document(v any) func(*http.Response) error {
	return func(resp *http.Response) error {
		b, err := bounded(resp.Body, maxDocument)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, v); err != nil {
			return fmt.Errorf("the answer is not what a host sends: %w", err)
		}
		return nil
	}
}

func bounded(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, &brokenError{err}
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("the answer is larger than %d bytes", limit)
	}
	return b, nil
}

// A brokenError is a connection that ended early.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return "the answer broke off: " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

func broken(err error) bool {
	var b *brokenError
	return errors.As(err, &b)
}

func requestID(resp *http.Response) string { return resp.Header.Get("X-Request-Id") }

// retryAfter reads the header's seconds or date (RFC 9110 §10.2.3); 0 without one.
func retryAfter(resp *http.Response) time.Duration {
	v := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// problem makes an Error of a refusal.
func (cl *Client) problem(resp *http.Response) error {
	e := &Error{Server: cl.base.Host, Status: resp.StatusCode, RequestID: requestID(resp), RetryAfter: retryAfter(resp)}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	b, err := bounded(resp.Body, maxDocument)
	var p Problem
	if err == nil && kind == "application/problem+json" && json.Unmarshal(b, &p) == nil && p.refusal() != nil {
		e.Err, e.Replicas, e.Resume = p.refusal(), p.Replicas, p.Resume
		e.RequestID = cmp.Or(e.RequestID, p.RequestID)
		e.passing = passingCode(p.refusal().Code)
		return e
	}
	// Not from a host: a proxy before it, or another server altogether.
	e.Err = fmt.Errorf("answered %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		e.passing = true
	}
	return e
}

// passingCode reports whether the same request can succeed a little later.
func passingCode(c code.Code) bool {
	switch c {
	case code.InsufficientRedundancy, code.JournalUnavailable, code.Overloaded, code.ShuttingDown,
		code.Timeout, code.RequestTimeout, code.RateLimited, code.Unavailable, code.ProofPending:
		return true
	}
	return false
}
