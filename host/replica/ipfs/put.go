package ipfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/kubo/client/rpc"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Puts that wait at the same time go into one import, up to these bounds. One
// import runs at once: the node's pinner takes one at a time, and what waits
// meanwhile makes the next one larger.
const (
	maxEvents  = 512
	maxBytes   = 8 << 20
	maxImports = 1
	bigBlock   = 2 << 20 // an import takes none longer
)

// leastRate is how many bytes of blocks a second have to get to the node: an
// import may take so much longer than the timeout.
const leastRate = 512 << 10

// pace is the least time from the start of one import to that of the next while
// events keep coming: an import costs the node nearly as much for one as for
// thirty. What comes when none is under way does not wait.
const pace = 10 * time.Millisecond

// A job is one Put on its way.
type job struct {
	v     module.Verified
	done  chan struct{} // closed when out is set
	out   replica.Outcome
	batch *batch // the import that took it; under Replica.mu
	left  bool   // nobody waits for it any more; under Replica.mu
}

// A batch ends early when nobody waits for any of its jobs.
type batch struct {
	waiting atomic.Int32
	cancel  context.CancelFunc
}

// Put implements replica.Replica. The location is the record's CID.
func (r *Replica) Put(ctx context.Context, v module.Verified) (string, error) {
	out := r.PutBatch(ctx, []module.Verified{v})[0]
	return out.Location, out.Err
}

// PutBatch implements replica.BatchPutter: one import, and one pin, for
// hundreds of events. Events that two replicas store in one node at the same
// moment, in different records, may both be stored: the node has no
// conditional writes.
func (r *Replica) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	jobs := make([]*job, len(vs))
	var wg sync.WaitGroup
	fail := func(i int, err error) { out[i] = replica.Outcome{Err: err} }
	for i, v := range vs {
		if r.closed.Load() {
			fail(i, replica.ErrClosed)
			continue
		}
		if err := ctx.Err(); err != nil {
			fail(i, fmt.Errorf("ipfs: %w", err))
			continue
		}
		mine, other := r.claim(v)
		if other != nil { // the same event is on its way; its turn comes after
			wg.Go(func() { out[i].Location, out[i].Err = r.after(ctx, v, other) })
			continue
		}
		if err := r.known(ctx); err != nil {
			r.finish(mine, replica.Outcome{Err: err})
		} else if len(r.index.of(v.Hash())) == 0 {
			r.enqueue(mine)
		} else {
			wg.Go(func() { r.settle(ctx, mine) })
		}
		jobs[i] = mine
	}
	for i, j := range jobs {
		if j == nil {
			continue
		}
		select {
		case <-j.done:
			out[i] = j.out
		case <-ctx.Done():
			r.leave(j)
			fail(i, fmt.Errorf("ipfs: %w", ctx.Err()))
		}
	}
	wg.Wait()
	return out
}

// claim makes the caller the one who stores the event, or names the job that
// does already.
func (r *Replica) claim(v module.Verified) (mine, other *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other = r.inflight[v.Hash()]; other != nil {
		return nil, other
	}
	mine = &job{v: v, done: make(chan struct{})}
	r.inflight[v.Hash()] = mine
	return mine, nil
}

// after waits for another Put of the event and then tries its own.
func (r *Replica) after(ctx context.Context, v module.Verified, other *job) (string, error) {
	select {
	case <-other.done:
	case <-ctx.Done():
		return "", fmt.Errorf("ipfs: %w", ctx.Err())
	}
	if other.out.Err != nil {
		return r.Put(ctx, v)
	}
	if !bytes.Equal(other.v.Record(), v.Record()) {
		return "", fmt.Errorf("ipfs: %s: %w", v.Hash(), replica.ErrConflict)
	}
	return other.out.Location, nil
}

// finish tells the outcome to whoever waits.
func (r *Replica) finish(j *job, out replica.Outcome) {
	r.mu.Lock()
	delete(r.inflight, j.v.Hash())
	r.mu.Unlock()
	j.out = out
	close(j.done)
}

// leave is for a caller who waits no longer.
func (r *Replica) leave(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.left = true; j.batch != nil && j.batch.waiting.Add(-1) == 0 {
		j.batch.cancel()
	}
}

// settle decides about an event that the roots know: the same record, whole
// and pinned, is fine; another one is a conflict; what is damaged or no longer
// pinned is stored again.
func (r *Replica) settle(ctx context.Context, j *job) {
	h := j.v.Hash()
	found, err := r.find(ctx, h, false)
	if err != nil {
		r.finish(j, replica.Outcome{Err: err})
		return
	}
	for _, p := range found {
		out, err := r.judge(ctx, j.v, p)
		if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
			// Writing it again is also a test of the way there: where that is what
			// damages, nothing is removed.
			if err = r.rewriteBlocks(ctx, j.v); err == nil {
				out, err = r.judge(ctx, j.v, p)
			}
		}
		if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
			err = r.evict(ctx, h, p)
		} else if err == nil && out == (replica.Outcome{}) {
			continue
		}
		if err != nil {
			out = replica.Outcome{Err: err}
		}
		if out != (replica.Outcome{}) {
			r.finish(j, out)
			return
		}
	}
	r.enqueue(j)
}

// judge reads what a root says of the event. No outcome and no error means
// that the place is as if it were not there.
func (r *Replica) judge(ctx context.Context, v module.Verified, p place) (replica.Outcome, error) {
	record, err := r.block(ctx, p.record)
	if err != nil {
		return replica.Outcome{}, err
	}
	if p.record != v.Meta().RecordDigest {
		if replica.Damaged(v.Hash(), record) {
			return replica.Outcome{}, nil
		}
		return replica.Outcome{Err: fmt.Errorf("ipfs: %s: %w", v.Hash(), replica.ErrConflict)}, nil
	}
	if _, err := r.block(ctx, v.Hash()); err != nil {
		return replica.Outcome{}, err
	}
	pinned, err := r.pinned(ctx, rootCID(p.root))
	if err != nil {
		return replica.Outcome{}, err
	}
	if !pinned {
		r.index.drop(p.root)
		return replica.Outcome{}, nil
	}
	return replica.Outcome{Location: rawCID(p.record)}, nil
}

// pinned asks the node whether a block still is, with all that it links to.
func (r *Replica) pinned(ctx context.Context, cid string) (bool, error) {
	err := r.api.Request("pin/ls", cid).Option("type", "recursive").Exec(ctx, nil)
	if err != nil && strings.Contains(err.Error(), "is not pinned") {
		return false, nil
	}
	return err == nil, wrap(ctx, err)
}

// enqueue hands the job to an import: one that is about to be made where
// enough are running.
func (r *Replica) enqueue(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, j)
	if r.imports < maxImports {
		r.imports++
		go r.run()
	}
}

// run makes imports until nothing waits. One of several events that fails is
// made again of half of them, so that one that the node refuses does not hold
// those that happened to be sent with it.
func (r *Replica) run() {
	for {
		begun := time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		jobs, size := r.take(&batch{cancel: cancel})
		if jobs == nil {
			cancel()
			return
		}
		allowed := r.timeout + time.Duration(size)*time.Second/leastRate
		late, end := context.WithTimeout(ctx, allowed)
		err := r.store(late, jobs)
		end()
		cancel()
		switch again := err != nil && passes(err); {
		case err == nil && time.Since(begun) <= r.timeout/4:
			r.size.Passed(len(jobs), size)
		case again && len(jobs) > 1:
			r.size.Failed(len(jobs), size)
			r.putBack(jobs)
			continue
		case again && !errors.Is(err, context.DeadlineExceeded):
			r.size.Blame()
		}
		for _, j := range jobs {
			out := replica.Outcome{Location: rawCID(j.v.Meta().RecordDigest)}
			if err != nil {
				out = replica.Outcome{Err: err}
			}
			r.finish(j, out)
		}
		if r.waiting() {
			time.Sleep(time.Until(begun.Add(pace)))
		}
	}
}

// passes reports whether what failed together may pass in smaller parts.
func passes(err error) bool {
	var op *net.OpError
	return !errors.Is(err, context.Canceled) && !errors.Is(err, replica.ErrFull) && !(errors.As(err, &op) && op.Op == "dial")
}

// putBack makes jobs the first that the next imports take.
func (r *Replica) putBack(jobs []*job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		j.batch = nil
	}
	r.queue = append(jobs, r.queue...)
}

// waiting reports whether the queue holds anything.
func (r *Replica) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) > 0
}

// take empties the queue up to a batch's bounds, and returns the bytes of the
// blocks; nil ends the run.
func (r *Replica) take(b *batch) (jobs []*job, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = slices.DeleteFunc(r.queue, func(j *job) bool {
		if j.left {
			delete(r.inflight, j.v.Hash())
			j.out.Err = context.Canceled
			close(j.done)
		}
		return j.left
	})
	n, bytes := r.size.Take(len(r.queue), func(i int) int { return 2 * len(r.queue[i].v.Record()) })
	if n == 0 {
		r.queue = nil
		r.imports--
		return nil, 0
	}
	jobs = r.queue[:n:n]
	r.queue = r.queue[n:]
	for _, j := range jobs {
		j.batch = b
	}
	b.waiting.Add(int32(n))
	return jobs, bytes
}

// store imports and pins the jobs' blocks under a new root.
func (r *Replica) store(ctx context.Context, jobs []*job) error {
	entries := make([]entry, len(jobs))
	size := 0
	for i, j := range jobs {
		entries[i] = entry{j.v.Hash(), j.v.Meta().RecordDigest}
		size += 2*len(j.v.Record()) + 2*(entrySize+48)
	}
	body := encodeRoot(entries)
	root := digest.Hash(sha256.Sum256(body))
	c := newCar(rootPrefix, root, size)
	for _, j := range jobs {
		record := j.v.Record()
		preimage := replica.Preimage(record)
		if digest.Hash(sha256.Sum256(preimage)) != j.v.Hash() {
			return fmt.Errorf("ipfs: %s: its record does not have this hash", j.v.Hash())
		}
		for _, block := range []struct {
			name  digest.Hash
			bytes []byte
		}{{j.v.Hash(), preimage}, {j.v.Meta().RecordDigest, record}} {
			if len(block.bytes) <= bigBlock {
				c.add(rawPrefix, block.name, block.bytes)
			} else if err := r.putBlock(ctx, block.name, block.bytes, false); err != nil {
				return err
			}
		}
	}
	c.add(rootPrefix, root, body)
	if err := r.send(ctx, root, c); err != nil {
		return err
	}
	r.index.add(root, entries)
	return nil
}

// rewriteBlocks stores an event's two blocks, of which the node has lost or
// damaged one. Not every node writes what it believes to have.
func (r *Replica) rewriteBlocks(ctx context.Context, v module.Verified) error {
	if err := r.putBlock(ctx, v.Hash(), replica.Preimage(v.Record()), false); err != nil {
		return err
	}
	return r.putBlock(ctx, v.Meta().RecordDigest, v.Record(), false)
}

// putBlock stores one block, also one that an import would refuse. Unless pin
// is set, nothing keeps it until a root is pinned; where it is gone by then,
// the root's pin fails.
func (r *Replica) putBlock(ctx context.Context, name digest.Hash, block []byte, pin bool) error {
	var out struct{ Key string }
	err := r.api.Request("block/put").Option("cid-codec", "raw").Option("mhtype", "sha2-256").Option("allow-big-block", true).Option("pin", pin).
		Body(upload(block)).Exec(ctx, &out)
	if err == nil && out.Key != rawCID(name) {
		err = fmt.Errorf("the node names block %s %q", rawCID(name), out.Key)
	}
	return wrap(ctx, err)
}

// send imports a car and pins its root; it returns nil when the node says that
// the root is pinned with everything it links to.
func (r *Replica) send(ctx context.Context, root digest.Hash, c *car) error {
	send := func() (*rpc.Response, error) {
		return r.api.Request("dag/import").Option("pin-roots", true).Option("silent", false).Body(upload(c.b)).Send(ctx)
	}
	resp, err := send()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) { // as again
		resp, err = send()
	}
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return wrap(ctx, err)
	}
	defer resp.Cancel()
	for d := json.NewDecoder(resp.Output); ; {
		var line struct {
			Root struct {
				Cid         map[string]string
				PinErrorMsg string
			}
		}
		if err := d.Decode(&line); err == io.EOF {
			return errors.New("ipfs: the node did not pin the import")
		} else if err != nil {
			return wrap(ctx, err)
		}
		if line.Root.Cid["/"] != rootCID(root) {
			continue
		}
		if line.Root.PinErrorMsg != "" {
			return wrap(ctx, errors.New(line.Root.PinErrorMsg))
		}
		return nil
	}
}

// upload is a request's body as the node wants files. The client's own way
// first asks for the node's version, without a deadline.
func upload(b []byte) io.Reader {
	return files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"": files.NewBytesFile(b)}), false, false)
}
