package redis

import (
	"context"
	"iter"
	"strings"
	"sync"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// scanCount is how many keys the server looks at in one step.
const scanCount = 1000

// List implements replica.Lister by SCAN, on every master of a Cluster. SCAN
// may name a key twice while the table grows, so the hashes that were yielded
// are remembered: 32 bytes each until the end.
func (r *Replica) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		seen := map[digest.Hash]struct{}{}
		err := r.scan(ctx, r.prefix, func(key string) bool {
			h, ok := digest.ParseHash(strings.TrimPrefix(key, r.prefix))
			if _, again := seen[h]; !ok || again {
				return true // another's key, or told already
			}
			seen[h] = struct{}{}
			return yield(replica.Ref{Hash: h, Location: key}, nil)
		})
		if err != nil {
			yield(replica.Ref{}, wrap(err))
		}
	}
}

// scan calls f for the keys that begin with prefix, some perhaps twice, until it
// returns false.
func (r *Replica) scan(ctx context.Context, prefix string, f func(key string) bool) error {
	nodes, err := r.masters(ctx)
	for i := 0; i < len(nodes) && err == nil; i++ {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			type page struct {
				keys []string
				next uint64
			}
			p, err := await(ctx, func() (page, error) {
				keys, next, err := nodes[i].Scan(ctx, cursor, glob(prefix)+"*", scanCount).Result()
				return page{keys, next}, err
			})
			if err != nil {
				return err
			}
			for _, key := range p.keys {
				if !f(key) {
					return nil
				}
			}
			cursor = p.next
		}
	}
	return err
}

// masters are the servers that hold keys.
func (r *Replica) masters(ctx context.Context) ([]client.Cmdable, error) {
	cluster, ok := r.c.(*client.ClusterClient)
	if !ok {
		return []client.Cmdable{r.c}, nil
	}
	return await(ctx, func() ([]client.Cmdable, error) {
		var mu sync.Mutex
		var nodes []client.Cmdable
		err := cluster.ForEachMaster(ctx, func(_ context.Context, c *client.Client) error {
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, c)
			return nil
		})
		return nodes, err
	})
}

// glob escapes what SCAN's pattern would take for more than itself.
func glob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
