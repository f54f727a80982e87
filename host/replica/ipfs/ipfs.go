// Package ipfs is a Replica in an IPFS node (Kubo). Of each event the node
// holds two raw blocks: the preimage, whose CIDv1(raw, sha2-256) is the event's
// hash, so that any IPFS node serves the event by its hash alone, and the
// record, which carries the signature as well.
//
// Pins are what the node is slow at, so events are pinned many at a time: a
// batch has a root, a dag-cbor node that links to every preimage and record of
// it, and the root is pinned recursively. The roots are also how a record is
// found by the event's hash when nobody remembers its CID: they are read once,
// and an index of 8 bytes of each hash is kept (about 30 bytes an event).
package ipfs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/kubo/client/rpc"
	"golang.org/x/sync/semaphore"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/portion"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Options say which node. API is required.
type Options struct {
	API           string        // URL of the node's RPC API, such as http://127.0.0.1:5001
	Authorization string        // the header's value, such as "Bearer …"; "": none
	TLS           *tls.Config   // nil: the system's roots
	Timeout       time.Duration // of one import, whoever waits for it, beside a second for every 512 KiB; 0: 30 s
}

// A Replica is safe for concurrent use. Make it with Open. Several replicas,
// and other programs, may use one node; a replica learns of events that
// another one stored when it looks for them.
type Replica struct {
	api     *rpc.HttpApi
	http    *http.Transport
	timeout time.Duration
	closed  atomic.Bool
	life    context.Context // ends with Close
	end     context.CancelFunc

	index index
	seen  atomic.Pointer[string] // the place's id when it was last looked at; nil: it was not

	mu       sync.Mutex
	inflight map[digest.Hash]*job // puts that have not ended
	queue    []*job               // those that no import has taken yet
	imports  int                  // running
	size     *portion.Size        // of an import

	rewriting *semaphore.Weighted // roots change one at a time
	objects   *semaphore.Weighted // of allObjects: what changes or removes names of objects is alone
}

var (
	_ replica.Replica     = (*Replica)(nil)
	_ replica.BatchPutter = (*Replica)(nil)
	_ replica.Lister      = (*Replica)(nil)
	_ replica.Auditor     = (*Replica)(nil)
	_ io.Closer           = (*Replica)(nil)
)

// Open returns a replica that connects when it is first used; Check tells
// whether it can. The caller closes it.
func Open(o Options) (*Replica, error) {
	if !strings.HasPrefix(o.API, "http://") && !strings.HasPrefix(o.API, "https://") {
		return nil, fmt.Errorf("ipfs: %q is no URL of an RPC API", o.API)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = 64, 64, 128
	if o.TLS != nil {
		transport.TLSClientConfig = o.TLS.Clone()
	}
	api, err := rpc.NewURLApiWithClient(strings.TrimSuffix(o.API, "/"), &http.Client{Transport: again{transport}})
	if err != nil {
		return nil, fmt.Errorf("ipfs: %w", err)
	}
	if o.Authorization != "" {
		api.Headers.Set("Authorization", o.Authorization)
	}
	r := &Replica{api: api, http: transport, timeout: o.Timeout, inflight: map[digest.Hash]*job{}, rewriting: semaphore.NewWeighted(1), objects: semaphore.NewWeighted(allObjects)}
	r.size = portion.New(maxEvents, 1<<20, maxEvents, maxBytes)
	if r.timeout <= 0 {
		r.timeout = 30 * time.Second
	}
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

// again lets requests be repeated whose connection the node had closed before
// they reached it, a restart's doing: every command without a body can be. The
// header is not sent, as it has no value (see http.Transport).
type again struct{ *http.Transport }

func (a again) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req = req.Clone(req.Context())
		req.Header["Idempotency-Key"] = nil
	}
	resp, err := a.Transport.RoundTrip(req)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		inPlainWords(resp)
	}
	return resp, err
}

// inPlainWords makes the status the text of a refusal that is not the node's
// own, but a proxy's page: of one the client knows no code, and writes on
// standard error.
func inPlainWords(resp *http.Response) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "application/json" || kind == "text/plain" && resp.StatusCode != http.StatusRequestEntityTooLarge {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	_ = resp.Body.Close()
	resp.Header.Set("Content-Type", "text/plain")
	resp.Body = io.NopCloser(strings.NewReader(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode))))
}

// Get implements replica.Replica. With a location it is one request; without,
// the record's CID comes from the roots.
func (r *Replica) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if r.closed.Load() {
		return nil, replica.ErrClosed
	}
	if record, ok := parseCID(ref.Location); ok {
		return r.block(ctx, record)
	}
	found, err := r.find(ctx, ref.Hash, true)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("ipfs: %w", replica.ErrNotFound)
	for _, e := range found {
		var b []byte
		if b, err = r.block(ctx, e.record); err == nil && !replica.Damaged(ref.Hash, b) {
			return b, nil
		}
	}
	return nil, err
}

// Check implements replica.Replica: the node answers from its repository.
func (r *Replica) Check(ctx context.Context) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	return wrap(ctx, r.api.Request("repo/stat").Option("size-only", true).Exec(ctx, nil))
}

// Close ends idle connections; later calls fail with replica.ErrClosed.
func (r *Replica) Close() error {
	r.closed.Store(true)
	r.end()
	r.http.CloseIdleConnections()
	return nil
}

// block fetches a raw block from the node itself, not from its network, and
// checks it against its name: ErrCorrupt where the node's disk lies.
func (r *Replica) block(ctx context.Context, name digest.Hash) ([]byte, error) {
	return r.fetch(ctx, rawCID(name), name, module.MaxRecordBytes)
}

func (r *Replica) fetch(ctx context.Context, cid string, name digest.Hash, limit int64) ([]byte, error) {
	resp, err := r.api.Request("block/get", cid).Option("offline", true).Send(ctx)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return nil, wrap(ctx, err)
	}
	defer resp.Cancel()
	b, err := io.ReadAll(io.LimitReader(moving{ctx, resp.Output}, limit+1))
	if err != nil {
		return nil, wrap(ctx, err)
	}
	if digest.Hash(sha256.Sum256(b)) != name {
		return nil, fmt.Errorf("ipfs: block %s: %w", cid, replica.ErrCorrupt)
	}
	return b, nil
}

// moving tells what comes.
type moving struct {
	ctx context.Context
	io.Reader
}

func (m moving) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	replica.Moved(m.ctx, n)
	return n, err
}

// wrap names the errors that replica has names for. The node tells what went
// wrong in words alone.
func wrap(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("ipfs: %w", ctx.Err())
	case errors.Is(err, replica.ErrClosed), errors.Is(err, replica.ErrNotFound):
		return err
	case strings.Contains(err.Error(), "ipld: could not find"):
		return fmt.Errorf("ipfs: %w", replica.ErrNotFound)
	case strings.Contains(err.Error(), http.StatusText(http.StatusRequestEntityTooLarge)), strings.Contains(err.Error(), "is blocked and cannot be provided"):
		return fmt.Errorf("ipfs: %w: %w", replica.ErrRefused, err) // by a proxy, by a list of what the node may not have
	case strings.Contains(err.Error(), "no space left on device"), strings.Contains(err.Error(), "disk quota exceeded"):
		return fmt.Errorf("ipfs: %w: %w", replica.ErrFull, err)
	}
	return fmt.Errorf("ipfs: %w", err)
}
