package faults

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/servers/proxy"
)

// A disk is a local replica whose disk can misbehave. What the faults of
// proxies mean for a disk:
//
//	Refused    every call fails with an I/O error
//	BlackHole  no call returns, as with a network disk that hangs
//	Slow       every call takes proxy.Delay longer
//	Reset      a write takes effect and fails; a read ends in the middle
//	Truncated  the file ends in the middle of what was written
//	Wrong      a byte of what was written is another on the disk
//	Forget     a write says that it is done and was not
type disk struct {
	*local.Replica
	files rawLocal
	fault atomic.Int32
}

var errIO = &os.PathError{Op: "write", Path: "segment", Err: syscall.EIO}

func (d *disk) now() proxy.Fault { return proxy.Fault(d.fault.Load()) }

// before is what happens to any call first.
func (d *disk) before(ctx context.Context) error {
	switch d.now() {
	case proxy.Refused:
		return errIO
	case proxy.BlackHole:
		<-ctx.Done()
		return ctx.Err()
	case proxy.Slow:
		select {
		case <-time.After(proxy.Delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// harm does to a copy on the disk what the fault says.
func (d *disk) harm(f proxy.Fault, v module.Verified) error {
	return d.files.harm(v, func(file string, at int) error {
		if f == proxy.Truncated {
			return os.Truncate(file, int64(at))
		}
		w, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = w.WriteAt([]byte{v.Record()[len(v.Record())/2] ^ 1}, int64(at))
		return errors.Join(err, w.Close())
	})
}

func (d *disk) Put(ctx context.Context, v module.Verified) (string, error) {
	o := d.PutBatch(ctx, []module.Verified{v})[0]
	return o.Location, o.Err
}

func (d *disk) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	if err := d.before(ctx); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	f := d.now()
	if f == proxy.Forget {
		for i, v := range vs {
			out[i].Location = "local:" + v.Hash().String()
		}
		return out
	}
	out = d.Replica.PutBatch(ctx, vs)
	for i := range out {
		switch {
		case f == proxy.Reset:
			out[i] = replica.Outcome{Err: errIO}
		case (f == proxy.Truncated || f == proxy.Wrong) && out[i].Err == nil:
			// Where an earlier one of the batch took the end of the file along,
			// nothing is left to harm.
			_ = d.harm(f, vs[i])
		}
	}
	return out
}

func (d *disk) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if err := d.before(ctx); err != nil {
		return nil, err
	}
	if d.now() == proxy.Reset {
		return nil, &os.PathError{Op: "read", Path: "segment", Err: io.ErrUnexpectedEOF}
	}
	return d.Replica.Get(ctx, ref)
}

func (d *disk) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	for i, ref := range refs {
		out[i].Record, out[i].Err = d.Get(ctx, ref)
	}
	return out
}

func (d *disk) Check(ctx context.Context) error {
	if err := d.before(ctx); err != nil {
		return err
	}
	return d.Replica.Check(ctx)
}
