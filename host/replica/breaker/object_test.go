package breaker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// keeper is a memory replica whose ways with objects can be set.
type keeper struct {
	*memory.Replica
	put  func(ctx context.Context, os []replica.Object) error
	list func()
}

func (k keeper) PutObjects(ctx context.Context, os []replica.Object) []error {
	if k.put != nil {
		if err := k.put(ctx, os); err != nil {
			return replica.EachError(len(os), err)
		}
	}
	return k.Replica.PutObjects(ctx, os)
}

func (k keeper) SwapObject(ctx context.Context, name string, was, now []byte) error {
	if k.put != nil {
		if err := k.put(ctx, nil); err != nil {
			return err
		}
	}
	return k.Replica.SwapObject(ctx, name, was, now)
}

func (k keeper) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if k.list != nil {
		k.list()
	}
	return k.Replica.ListObjects(ctx, prefix)
}

func someObjects(n, size int) []replica.Object {
	os := make([]replica.Object, n)
	for i := range os {
		os[i] = replicatest.Object(fmt.Sprint("o/", i), uint64(i), size)
	}
	return os
}

func TestObjectsThatFailOpenIt(t *testing.T) {
	ctx := context.Background()
	for name, fail := range map[string]func(o replica.Objects) error{
		"put":  func(o replica.Objects) error { return o.PutObjects(ctx, someObjects(1, 10))[0] },
		"swap": func(o replica.Objects) error { return o.SwapObject(ctx, "a/a", nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			r := New(keeper{memory.New(), func(context.Context, []replica.Object) error { return errDown }, nil}, Options{Log: quiet, Failures: 3})
			o, _ := replica.As[replica.Objects](r)
			for range 3 {
				if err := fail(o); !errors.Is(err, errDown) {
					t.Fatal(err)
				}
			}
			if err := fail(o); !errors.Is(err, ErrOpen) {
				t.Errorf("after three failures: %v", err)
			}
			if _, err := o.GetObject(ctx, "a/a"); !errors.Is(err, ErrOpen) {
				t.Errorf("GetObject: %v", err)
			}
			if err := o.DeleteObjects(ctx, []string{"a/a"}); !errors.Is(err, ErrOpen) {
				t.Errorf("DeleteObjects: %v", err)
			}
			for _, err := range o.ListObjects(ctx, "") {
				if !errors.Is(err, ErrOpen) {
					t.Errorf("ListObjects: %v", err)
				}
			}
		})
	}
}

func TestObjectsThatFindNoRoom(t *testing.T) {
	full := true
	r := New(keeper{memory.New(), func(context.Context, []replica.Object) error {
		if full {
			return replica.ErrFull
		}
		return nil
	}, nil}, Options{Log: quiet, Failures: 1})
	o, _ := replica.As[replica.Objects](r)
	if err := o.PutObjects(context.Background(), someObjects(1, 10))[0]; !errors.Is(err, replica.ErrFull) {
		t.Fatal(err)
	}
	if s, _ := StateOf(r); s.Breaker != Closed || s.Refuses == "" {
		t.Errorf("%+v", s)
	}
	full = false
	if err := o.SwapObject(context.Background(), "a/a", nil, nil); err != nil {
		t.Fatal(err)
	}
	if s, _ := StateOf(r); s.Refuses != "" {
		t.Errorf("%+v", s)
	}
}

// A slow link has so much longer for a portion as its bytes take, and a place
// that takes little at once is sent little.
func TestObjectsOnASlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		slow := func(ctx context.Context, os []replica.Object) error {
			bytes := 0
			for _, o := range os {
				bytes += len(o.Data)
			}
			sent = max(sent, bytes)
			select {
			case <-time.After(slowest(bytes)): // the least rate, and no less
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		r := New(keeper{memory.New(), slow, nil}, Options{Log: quiet, Timeout: 100 * time.Millisecond})
		o, _ := replica.As[replica.Objects](r)
		if err := errors.Join(o.PutObjects(context.Background(), someObjects(100, 60_000))...); err != nil {
			t.Fatal(err)
		}
		if sent < 300_000 { // which takes more than the timeout
			t.Errorf("a portion has no more than %d bytes", sent)
		}
	})
	limited := func(_ context.Context, os []replica.Object) error {
		if len(os) > 3 {
			return errors.New("413 Request Entity Too Large")
		}
		return nil
	}
	r := New(keeper{memory.New(), limited, nil}, Options{Log: quiet, Failures: 1})
	o, _ := replica.As[replica.Objects](r)
	if err := errors.Join(o.PutObjects(context.Background(), someObjects(100, 100))...); err != nil {
		t.Fatal(err)
	}
}

func TestAListOfObjectsThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		defer close(gate)
		r := New(keeper{memory.New(), nil, func() { <-gate }}, Options{Log: quiet, Failures: 1, Timeout: time.Second})
		defer func() { _ = r.(*core).Close() }()
		o, _ := replica.As[replica.Objects](r)
		begun := time.Now()
		var last error
		for _, err := range o.ListObjects(context.Background(), "") {
			last = err
		}
		if !errors.Is(last, context.DeadlineExceeded) || time.Since(begun) != 4*time.Second {
			t.Errorf("%v after %v", last, time.Since(begun))
		}
		if s, _ := StateOf(r); s.Breaker != Open {
			t.Errorf("the breaker is %s", s.Breaker)
		}
	})
}

func TestNoObjects(t *testing.T) {
	ctx := context.Background()
	r := New(struct{ replica.Replica }{memory.New()}, Options{Log: quiet})
	if _, ok := replica.As[replica.Objects](r); ok {
		t.Fatal("a power that is not there is given")
	}
	o := r.(replica.Objects)
	_, err := o.GetObject(ctx, "a/a")
	errs := append(o.PutObjects(ctx, someObjects(2, 10)), err, o.SwapObject(ctx, "a/a", nil, nil), o.DeleteObjects(ctx, []string{"a/a"}))
	for _, err := range o.ListObjects(ctx, "") {
		errs = append(errs, err)
	}
	if len(errs) != 6 {
		t.Errorf("%d errors", len(errs))
	}
	for i, err := range errs {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
