package all

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

// guarded opens the kind at an address, behind a breaker.
func guarded(t *testing.T, kind, address string, timeout time.Duration) replica.Replica {
	t.Helper()
	r, err := Open(context.Background(), config.Replica{
		Name: "it", Kind: kind, Timeout: timeout,
		Redis: config.RedisReplica{Addresses: []string{address}},
		S3: config.S3Replica{
			Endpoint: "http://" + address, Bucket: "events", PathStyle: true, Region: servers.S3Region,
			AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
		},
		IPFS: config.IPFSReplica{API: "http://" + address},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	b := breaker.New(r, breaker.Options{Name: kind, Timeout: timeout, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = b.(io.Closer).Close() })
	return b
}

func real(t *testing.T) map[string]*servers.Server {
	t.Helper()
	all := map[string]*servers.Server{config.Redis: servers.Redis(t), config.S3: servers.S3(t), config.IPFS: servers.Kubo(t)}
	if err := all[config.S3].Bucket("events"); err != nil {
		t.Fatal(err)
	}
	return all
}

// drain stores vs as an outbox does: three batches at a time, and again what
// failed, until nothing is left or ctx ends.
func drain(ctx context.Context, r replica.Replica, vs []module.Verified) (left int) {
	queue := make(chan []module.Verified, len(vs))
	for i := 0; i < len(vs); i += 4 {
		queue <- vs[i:min(i+4, len(vs))]
	}
	left = len(vs)
	var mu sync.Mutex
	var wg sync.WaitGroup
	done, end := context.WithCancel(ctx)
	defer end()
	for range 3 {
		wg.Go(func() {
			for {
				var batch, again []module.Verified
				select {
				case batch = <-queue:
				case <-done.Done():
					return
				}
				for i, o := range replica.PutBatch(ctx, r, batch) {
					if o.Err != nil {
						again = append(again, batch[i])
					}
				}
				mu.Lock()
				if left -= len(batch) - len(again); left == 0 {
					end()
				}
				mu.Unlock()
				if again != nil {
					queue <- again
				}
			}
		})
	}
	wg.Wait()
	return left
}

// A link that carries a batch in no deadline carries a backlog all the same, and
// what is stored comes back over it.
func TestASlowLinkDrains(t *testing.T) {
	for kind, s := range real(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p, err := proxy.New(s.Kind, s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			r := guarded(t, kind, p.Addr, 500*time.Millisecond)
			p.Limit(1 << 20)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			vs := make([]module.Verified, 12)
			refs := make([]replica.Ref, len(vs))
			for i := range vs {
				vs[i] = replicatest.Event(uint64(i), 100_000, 0)
				refs[i].Hash = vs[i].Hash()
			}
			if left := drain(ctx, r, vs); left > 0 {
				t.Fatalf("%d of %d events do not get through", left, len(vs))
			}
			for rest := refs; len(rest) > 0; {
				var again []replica.Ref
				for i, f := range replica.GetBatch(ctx, r, rest) {
					if f.Err != nil {
						again = append(again, rest[i])
					}
				}
				if ctx.Err() != nil {
					t.Fatalf("%d of %d events do not come back", len(rest), len(vs))
				}
				rest = again
			}
		})
	}
}

// What a proxy or the server refuses is cut until it passes, and one event that
// never passes holds no other.
func TestWhatIsRefusedIsCut(t *testing.T) {
	vs := make([]module.Verified, 30)
	for i := range vs {
		vs[i] = replicatest.Event(uint64(i), 20_000, 0)
	}
	const bad = 11
	vs[bad] = replicatest.Event(bad, 1_500_000, 0)
	all := map[string]*servers.Server{config.Redis: servers.Redis(t, "--proto-max-bulk-len", "1mb"), config.S3: servers.S3(t), config.IPFS: servers.Kubo(t)}
	if err := all[config.S3].Bucket("events"); err != nil {
		t.Fatal(err)
	}
	for kind, s := range all {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := s.Addr
			if kind != config.Redis {
				address = limited(t, s, 100_000)
			}
			r := guarded(t, kind, address, 10*time.Second)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for range 6 { // the breaker opens after five
				for i, o := range replica.PutBatch(ctx, r, vs) {
					if (o.Err != nil) != (i == bad) {
						t.Errorf("event %d: %v", i, o.Err)
					}
				}
			}
			if s, _ := breaker.StateOf(r); s.Breaker != breaker.Closed {
				t.Errorf("the breaker is %s: %s", s.Breaker, s.LastError)
			}
		})
	}
}

// limited is a proxy before a server that refuses bodies of more than so many
// bytes.
func limited(t *testing.T, s *servers.Server, most int) (address string) {
	t.Helper()
	on := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.Addr})
		r.Out.Host = r.In.Host // a signature covers it
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if len(body) > most {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, "<html><h1>413 Request Entity Too Large</h1></html>")
			return
		}
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		on.ServeHTTP(w, req)
	}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}
