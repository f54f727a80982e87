package all

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers/proxy"
)

// Whatever a server or the network does, no object is called missing or another
// one because of it, none is handed out with other bytes, and whether a call
// that failed stored something or not, the next put and swap find their way.
func TestObjectsAndFaultsOfServers(t *testing.T) {
	for kind, s := range real(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, r := behind(t, kind, s)
			o, ok := replica.As[replica.Objects](r)
			if !ok {
				t.Fatal("it keeps no objects")
			}
			within := func(d time.Duration) context.Context {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				t.Cleanup(cancel)
				return ctx
			}
			// Less than a slow answer takes, while there is a fault; more than enough afterwards.
			short, long := func() context.Context { return within(proxy.Delay / 2) }, func() context.Context { return within(time.Minute) }
			seed := uint64(0)
			for name, fault := range serverFaults {
				t.Run(name, func(t *testing.T) {
					seed++
					// The proxy cuts and changes what it finds in every record.
					held := replica.Object{Name: fmt.Sprintf("log/%d/tile/0/000", seed), Data: replicatest.Event(seed, 4000, 0).Record()}
					other := replica.Object{Name: fmt.Sprintf("log/%d/tile/0/001", seed), Data: replicatest.Event(seed+100, 4000, 0).Record()}
					head := fmt.Sprintf("log/%d/checkpoint", seed)
					if err := errors.Join(append(o.PutObjects(context.Background(), []replica.Object{held}), o.SwapObject(context.Background(), head, nil, []byte("1")))...); err != nil {
						t.Fatal(err)
					}
					if err := p.Set(fault); err != nil {
						t.Fatal(err)
					}
					b, err := o.GetObject(short(), held.Name)
					if errors.Is(err, replica.ErrNotFound) {
						t.Errorf("GetObject: %v: the fault passes for a missing object", err)
					}
					if err == nil {
						t.Errorf("GetObject: %d bytes: the fault is none, or passes for the object", len(b))
					}
					errs := o.PutObjects(short(), []replica.Object{held, other})
					for i, err := range errs {
						if err == nil && (fault != proxy.Wrong || kind != config.Redis) { // which takes what comes
							t.Errorf("PutObjects, %d: the fault is none", i)
						}
						if errors.Is(err, replica.ErrConflict) {
							t.Errorf("PutObjects, %d: %v: the fault passes for another object", i, err)
						}
					}
					swapped := o.SwapObject(short(), head, []byte("1"), []byte("2"))
					if err := p.Set(proxy.None); err != nil {
						t.Fatal(err)
					}
					for range 3 { // a batch of connections may still have to find out
						if err = r.Check(long()); err == nil {
							break
						}
					}
					for range 3 {
						if err = errors.Join(o.PutObjects(long(), []replica.Object{held, other})...); err == nil {
							break
						}
					}
					if err != nil {
						t.Fatalf("after the fault: %v", err)
					}
					for _, want := range []replica.Object{held, other} {
						if b, err := o.GetObject(long(), want.Name); err != nil || !bytes.Equal(b, want.Data) {
							t.Errorf("after the fault: %s: %d bytes, %v", want.Name, len(b), err)
						}
					}
					b, err = o.GetObject(long(), head)
					if fault != proxy.Wrong && (err != nil || string(b) != "2" && (string(b) != "1" || swapped == nil)) {
						t.Errorf("the checkpoint is %q, %v; swapping it said %v", b, err, swapped)
					}
				})
			}
		})
	}
}
