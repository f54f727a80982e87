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
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

// Whatever a server or the network does, a replica answers within the context,
// never calls an event missing because of it, never hands out other bytes as
// the event, and works again when the fault is over, without being reopened.
func TestFaultsOfServers(t *testing.T) {
	cache, bucket, node := servers.Redis(t), servers.S3(t), servers.Kubo(t)
	if err := bucket.Bucket("events"); err != nil {
		t.Fatal(err)
	}
	const patience = 500 * time.Millisecond
	faults := map[string]proxy.Fault{
		"refused": proxy.Refused, "black hole": proxy.BlackHole, "slow": proxy.Slow,
		"reset": proxy.Reset, "truncated": proxy.Truncated, "wrong bytes": proxy.Wrong,
	}
	for kind, s := range map[string]*servers.Server{config.Redis: cache, config.S3: bucket, config.IPFS: node} {
		t.Run(kind, func(t *testing.T) {
			p, err := proxy.New(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			r, err := Open(context.Background(), config.Replica{
				Name: "it", Kind: kind, Timeout: 5 * time.Second,
				Redis: config.RedisReplica{Addresses: []string{p.Addr}},
				S3: config.S3Replica{
					Endpoint: p.URL(), Bucket: "events", PathStyle: true, Region: servers.S3Region,
					AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
				},
				IPFS: config.IPFSReplica{API: p.URL()},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
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
					if err == nil && !replica.Damaged(v.Hash(), got) {
						t.Errorf("Get returns the event: the fault is none")
					}
					other := replicatest.Event(seed+1000, 2000, 0)
					if _, err := r.Put(short(), other); err == nil && fault <= proxy.Slow {
						t.Error("Put through the fault succeeds")
					}
					if _, err := r.Put(short(), v); errors.Is(err, replica.ErrConflict) {
						t.Errorf("Put again: %v: the fault passes for another record", err)
					}
					if took := time.Since(start); took > 3*patience+200*time.Millisecond {
						t.Errorf("it took %v", took)
					}
					if err := p.Set(proxy.None); err != nil {
						t.Fatal(err)
					}
					// A batch of connections may still have to find out.
					for attempt := range 3 {
						if err = works(r, ref, v.Record(), short()); err == nil {
							return
						}
						if attempt == 2 {
							t.Errorf("after the fault: %v", err)
						}
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
