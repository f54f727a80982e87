// Package redis is a Replica in Redis: one server, a Sentinel group or a
// Cluster. It is a cache: copies expire, and what Redis does not write to disk
// is gone when it restarts.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Lifetimes of copies where Options leave them open.
const (
	DefaultTTL     = 7 * 24 * time.Hour // of what Put stored
	DefaultFillTTL = 24 * time.Hour     // of what Fill stored
)

// longest is how long the bytes of one pipeline may take, at 256 KiB a second.
// The client has one bound for all reads and writes; the context has the call's.
const longest = putBytes / (256 << 10) * time.Second

// DefaultPrefix comes before the hash in a key.
const DefaultPrefix = "event:"

// Options say which Redis, and how. Addrs is required.
type Options struct {
	Addrs      []string // host:port: of the server, or of Sentinels, or seeds of a Cluster
	MasterName string   // the Addrs are Sentinels, which know the server under this name
	Cluster    bool     // the Addrs are nodes of a Cluster; so are several without MasterName

	Username, Password                 string
	SentinelUsername, SentinelPassword string
	DB                                 int         // not in a Cluster
	TLS                                *tls.Config // nil: none

	TTL      time.Duration // 0: DefaultTTL
	FillTTL  time.Duration // 0: DefaultFillTTL
	Prefix   string        // "": DefaultPrefix
	PoolSize int           // connections per server, 0: 10 per core
	Timeout  time.Duration // of one connect; of one read or write, beside a second for every 256 KiB; where the context allows more; 0: 3 s
}

// A Replica is safe for concurrent use. Make it with Open.
type Replica struct {
	c       client.UniversalClient
	prefix  string
	timeout time.Duration
	ttl     time.Duration
	fillTTL time.Duration

	seen atomic.Pointer[string] // the place's id when it was last looked at; nil: it was not
}

var (
	_ replica.Replica     = (*Replica)(nil)
	_ replica.BatchPutter = (*Replica)(nil)
	_ replica.BatchGetter = (*Replica)(nil)
	_ replica.Filler      = (*Replica)(nil)
	_ replica.Lister      = (*Replica)(nil)
	_ io.Closer           = (*Replica)(nil)
)

// quiet sends what go-redis prints of its own accord to the host's log.
var quiet = sync.OnceFunc(func() { client.SetLogger(logger{}) })

type logger struct{}

func (logger) Printf(ctx context.Context, format string, v ...any) {
	slog.DebugContext(ctx, "redis: "+fmt.Sprintf(format, v...))
}

// Open returns a replica that connects when it is first used; Check tells
// whether it can. The caller closes it.
func Open(o Options) (*Replica, error) {
	if len(o.Addrs) == 0 {
		return nil, errors.New("redis: no address")
	}
	quiet()
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	c := client.NewUniversalClient(&client.UniversalOptions{
		Addrs: o.Addrs, MasterName: o.MasterName, IsClusterMode: o.Cluster && o.MasterName == "",
		Username: o.Username, Password: o.Password,
		SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		DB: o.DB, TLSConfig: o.TLS, PoolSize: o.PoolSize, ClientName: "eventseal",
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout + longest, WriteTimeout: o.Timeout + longest, PoolTimeout: o.Timeout,
		ContextTimeoutEnabled: true,
		// One more attempt covers a connection that the server closed meanwhile;
		// persistence is the callers' business.
		MaxRetries: 1, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	r := &Replica{c: c, prefix: o.Prefix, timeout: o.Timeout, ttl: o.TTL, fillTTL: o.FillTTL}
	if r.prefix == "" {
		r.prefix = DefaultPrefix
	}
	if r.ttl <= 0 {
		r.ttl = DefaultTTL
	}
	if r.fillTTL <= 0 {
		r.fillTTL = DefaultFillTTL
	}
	return r, nil
}

func (r *Replica) key(h digest.Hash) string { return r.prefix + h.String() }

// Put implements replica.Replica in one round trip. The location is the key.
// Putting equal bytes again renews their lifetime.
func (r *Replica) Put(ctx context.Context, v module.Verified) (string, error) {
	out := r.PutBatch(ctx, []module.Verified{v})[0]
	return out.Location, out.Err
}

// Get implements replica.Replica.
func (r *Replica) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	f := r.GetBatch(ctx, []replica.Ref{ref})[0]
	return f.Record, f.Err
}

// Delete implements replica.Replica.
func (r *Replica) Delete(ctx context.Context, ref replica.Ref) error {
	_, err := await(ctx, func() (int64, error) { return r.c.Del(ctx, r.key(ref.Hash)).Result() })
	return wrap(err)
}

// Check implements replica.Replica by PING.
func (r *Replica) Check(ctx context.Context) error {
	_, err := await(ctx, func() (string, error) { return r.c.Ping(ctx).Result() })
	return wrap(err)
}

// Fill implements replica.Filler.
func (r *Replica) Fill(ctx context.Context, v module.Verified) error {
	_, err := await(ctx, func() (string, error) {
		return r.c.SetArgs(ctx, r.key(v.Hash()), v.Record(), client.SetArgs{Mode: "NX", TTL: r.fillTTL}).Result()
	})
	if errors.Is(err, client.Nil) { // it is there
		return nil
	}
	return wrap(err)
}

// Close ends the connections; later calls fail with replica.ErrClosed.
func (r *Replica) Close() error { return r.c.Close() }

// await runs f and returns its result, or the context's error as soon as that
// has one: go-redis watches deadlines while it waits for the network, but not
// a context that is cancelled. f then ends by itself, at the latest at the
// client's own timeout.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case res := <-done:
		return res.v, res.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// wrap names the errors that replica has names for.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, client.ErrClosed):
		return fmt.Errorf("redis: %w", replica.ErrClosed)
	case errors.Is(err, client.Nil):
		return fmt.Errorf("redis: %w", replica.ErrNotFound)
	case has(err, "OOM "):
		return fmt.Errorf("redis: %w: %w", replica.ErrFull, err)
	case has(err, "Protocol error: invalid bulk length"): // proto-max-bulk-len
		return fmt.Errorf("redis: %w: %w", replica.ErrRefused, err)
	case has(err, "WRONGTYPE "):
		return fmt.Errorf("redis: %w: %w", replica.ErrCorrupt, err)
	}
	return fmt.Errorf("redis: %w", err)
}

// has reports whether the server's error has a code; one from inside a script
// may come with words before it.
func has(err error, code string) bool {
	return client.HasErrorPrefix(err, code) || strings.Contains(err.Error(), code)
}
