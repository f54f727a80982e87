package all

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

// serverFaults are those that a server cannot hide.
var serverFaults = map[string]proxy.Fault{
	"refused": proxy.Refused, "black hole": proxy.BlackHole, "slow": proxy.Slow,
	"reset": proxy.Reset, "truncated": proxy.Truncated, "wrong bytes": proxy.Wrong,
}

// behind opens the replica of a kind through a proxy.
func behind(t *testing.T, kind string, s *servers.Server) (*proxy.Proxy, Replica) {
	t.Helper()
	p, err := proxy.New(s.Kind, s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	r, err := Open(context.Background(), config.Replica{
		Name: "it", Kind: kind, Timeout: 5 * time.Second,
		Redis: config.RedisReplica{Addresses: []string{p.Addr}},
		S3: config.S3Replica{
			Endpoint: p.URL(), Bucket: "events", PathStyle: true, Region: servers.S3Region,
			AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
		},
		IPFS: config.IPFSReplica{API: p.URL()},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return p, r
}

// Whatever a server or the network does, a replica answers within the context,
// never calls an event missing because of it, never hands out other bytes as
// the event, and works again when the fault is over, without being reopened.
func TestFaultsOfServers(t *testing.T) {
	const patience = time.Second // less than a slow answer takes
	faults := maps.Clone(serverFaults)
	faults["forgets"] = proxy.Forget
	for kind, s := range real(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, r := behind(t, kind, s)
			short := func() context.Context {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				t.Cleanup(cancel)
				return ctx
			}
			seed := uint64(0)
			for name, fault := range faults {
				t.Run(name, func(t *testing.T) {
					seed++
					v := replicatest.Event(seed, 2000, 0)
					location, err := r.Put(context.Background(), v)
					if err != nil {
						t.Fatal(err)
					}
					ref := replica.Ref{Hash: v.Hash(), Location: location}
					if err := p.Set(fault); err != nil {
						t.Fatal(err)
					}
					start := time.Now()
					got, err := r.Get(short(), ref)
					if errors.Is(err, replica.ErrNotFound) {
						t.Errorf("Get: %v: the fault passes for a missing event", err)
					}
					if err == nil && !replica.Damaged(v.Hash(), got) && fault != proxy.Forget {
						t.Errorf("Get returns the event: the fault is none")
					}
					other := replicatest.Event(seed+1000, 2000, 0)
					_, err = r.Put(short(), other)
					switch {
					case err == nil && fault <= proxy.Truncated:
						t.Error("Put through the fault succeeds")
					case err == nil && fault == proxy.Wrong && kind != config.Redis:
						t.Error("Put of bytes that are changed on the way succeeds") // Redis takes what comes
					case err != nil && fault == proxy.Forget:
						t.Errorf("Put to a server that says yes: %v", err)
					case errors.Is(err, replica.ErrConflict):
						t.Errorf("Put: %v: the fault passes for another record", err)
					}
					if _, err := r.Put(short(), v); errors.Is(err, replica.ErrConflict) {
						t.Errorf("Put again: %v: the fault passes for another record", err)
					}
					if took := time.Since(start); took > 10*patience {
						t.Errorf("it took %v", took)
					}
					if err := p.Set(proxy.None); err != nil {
						t.Fatal(err)
					}
					// A batch of connections may still have to find out.
					for range 3 {
						if err = works(r, ref, v.Record(), short()); err == nil {
							break
						}
					}
					if err != nil {
						t.Errorf("after the fault: %v", err)
					}
					left, err := r.Get(short(), replica.Ref{Hash: other.Hash()})
					if fault == proxy.Forget && !errors.Is(err, replica.ErrNotFound) {
						t.Errorf("what was forgotten: %d bytes, %v: the fault is none", len(left), err)
					}
					// Whatever the fault left of it, the next Put makes it good.
					again := replica.Ref{Hash: other.Hash()}
					if again.Location, err = r.Put(short(), other); err != nil {
						t.Errorf("Put after the fault: %v", err)
					} else if err = works(r, again, other.Record(), short()); err != nil {
						t.Errorf("what was put after the fault: %v", err)
					}
				})
			}
		})
	}
}

func works(r Replica, ref replica.Ref, record []byte, ctx context.Context) error {
	got, err := r.Get(ctx, ref)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, record) {
		return fmt.Errorf("%d other bytes", len(got))
	}
	return r.Check(ctx)
}
