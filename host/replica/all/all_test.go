package all

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

// Every kind is opened from settings and holds an event on its real server.
func TestEveryKindOpensAndHolds(t *testing.T) {
	cache, bucket, node := servers.Redis(t), servers.S3(t), servers.Kubo(t)
	if err := bucket.Bucket("events"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []config.Replica{
		{Kind: config.Local, Local: config.LocalReplica{Path: filepath.Join(t.TempDir(), "replica")}},
		{Kind: config.Redis, Redis: config.RedisReplica{Addresses: []string{cache.Addr}}},
		{Kind: config.S3, S3: config.S3Replica{
			Endpoint: bucket.URL(), Bucket: "events", PathStyle: true, Region: servers.S3Region,
			AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
		}},
		{Kind: config.IPFS, IPFS: config.IPFSReplica{API: node.URL(), Token: "unused"}},
	} {
		t.Run(c.Kind, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			c.Name, c.Timeout = "it", 5*time.Second
			r, err := Open(ctx, c, false)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			v := replicatest.Event(1, 500, 0)
			location, err := r.Put(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Get(ctx, replica.Ref{Hash: v.Hash(), Location: location})
			if err != nil || !bytes.Equal(got, v.Record()) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			if _, lists := replica.As[replica.Lister](r); !lists {
				t.Error("it cannot rebuild a lost journal")
			}
		})
	}
}

func TestAFaultNamesTheReplica(t *testing.T) {
	for _, c := range []config.Replica{
		{Name: "odd", Kind: "floppy"}, {Name: "odd", Kind: config.Local}, {Name: "odd", Kind: config.Redis}, {Name: "odd", Kind: config.S3}, {Name: "odd", Kind: config.IPFS},
	} {
		if r, err := Open(context.Background(), c, false); err == nil || !strings.Contains(err.Error(), "odd") {
			t.Errorf("%s: %v, %v", c.Kind, r, err)
		}
	}
}
