package redis

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

var ctx = context.Background()

// open returns a replica and the server's own client.
func open(t *testing.T, o Options) (*Replica, client.UniversalClient) {
	t.Helper()
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	own, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	return r, own.c
}

func conformance(t *testing.T, o Options, empty func(t *testing.T, c client.UniversalClient)) {
	replicatest.Run(t, func(t *testing.T) replicatest.Subject {
		r, c := open(t, o)
		empty(t, c)
		return replicatest.Subject{
			Replica: r,
			Close:   r.Close,
			Reopen: func(t *testing.T) replica.Replica {
				_ = r.Close()
				again, _ := open(t, o)
				return again
			},
			Corrupt: func(t *testing.T, ref replica.Ref) {
				if err := c.Set(ctx, ref.Location, `{"forged":true}`, 0).Err(); err != nil {
					t.Fatal(err)
				}
			},
			CorruptObject: func(t *testing.T, name string) {
				if err := c.SetRange(ctx, "event:object:"+name, 100, "x").Err(); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestConformance(t *testing.T) {
	s := servers.Redis(t)
	conformance(t, Options{Addrs: []string{s.Addr}}, func(t *testing.T, c client.UniversalClient) {
		if err := c.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func put(t *testing.T, r *Replica, v module.Verified) replica.Ref {
	t.Helper()
	location, err := r.Put(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	return replica.Ref{Hash: v.Hash(), Location: location}
}

func holds(t *testing.T, r *Replica, v module.Verified) {
	t.Helper()
	got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()})
	if err != nil || !bytes.Equal(got, v.Record()) {
		t.Fatalf("%d bytes, %v, want the record", len(got), err)
	}
}

func lives(t *testing.T, r *Replica, v module.Verified, about time.Duration) {
	t.Helper()
	left, err := r.TTL(ctx, replica.Ref{Hash: v.Hash()})
	if err != nil || left > about || left < about-time.Minute {
		t.Errorf("lives for %v, %v, want %v", left, err, about)
	}
}

func TestKeysAndLifetimes(t *testing.T) {
	s := servers.Redis(t)
	r, c := open(t, Options{Addrs: []string{s.Addr}})
	a, b := replicatest.Event(1, 500, 0), replicatest.Event(2, 500, 0)
	if ref := put(t, r, a); ref.Location != "event:"+a.Hash().String() {
		t.Errorf("location %q", ref.Location)
	}
	if got, err := c.Get(ctx, "event:"+a.Hash().String()).Bytes(); err != nil || !bytes.Equal(got, a.Record()) {
		t.Errorf("the server's own client reads %q, %v", got, err)
	}
	lives(t, r, a, 7*24*time.Hour)
	if err := r.Fill(ctx, b); err != nil {
		t.Fatal(err)
	}
	holds(t, r, b)
	lives(t, r, b, 24*time.Hour)
	put(t, r, b) // a store of what a read had filled
	lives(t, r, b, 7*24*time.Hour)
	if err := r.Fill(ctx, a); err != nil { // and a fill of what a store had put
		t.Fatal(err)
	}
	lives(t, r, a, 7*24*time.Hour)
	if err := c.PExpire(ctx, "event:"+a.Hash().String(), time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond)
	if _, err := r.Get(ctx, replica.Ref{Hash: a.Hash()}); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("an expired copy: %v, want ErrNotFound", err)
	}
}

// Whatever somebody else puts under the key, it is not served as a record and
// the next Put repairs it.
func TestForeignValuesAreRepaired(t *testing.T) {
	s := servers.Redis(t)
	r, c := open(t, Options{Addrs: []string{s.Addr}})
	v := replicatest.Event(1, 500, 0)
	key := "event:" + v.Hash().String()
	for name, place := range map[string]func() error{
		"a list":     func() error { return c.RPush(ctx, key, "x").Err() },
		"nothing":    func() error { return c.Set(ctx, key, "", 0).Err() },
		"too much":   func() error { return c.SetRange(ctx, key, 64<<20, "x").Err() },
		"half of it": func() error { return c.Set(ctx, key, v.Record()[:200], 0).Err() },
	} {
		if err := errors.Join(c.Del(ctx, key).Err(), place()); err != nil {
			t.Fatal(name, err)
		}
		got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()})
		if err == nil && (len(got) != 200 || name != "half of it") || err != nil && !errors.Is(err, replica.ErrCorrupt) && !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("%s: Get returns %d bytes, %v", name, len(got), err)
		}
		put(t, r, v)
		holds(t, r, v)
		lives(t, r, v, 7*24*time.Hour)
	}
}

func TestScriptsSurviveARestart(t *testing.T) {
	s := servers.Redis(t)
	r, _ := open(t, Options{Addrs: []string{s.Addr}})
	vs := []module.Verified{replicatest.Event(1, 500, 0), replicatest.Event(2, 500, 0)}
	for range 2 {
		for _, o := range r.PutBatch(ctx, vs) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
		}
		holds(t, r, vs[1])
		s.Kill() // forgets the events and the scripts
		if err := r.Check(ctx); err == nil {
			t.Fatal("Check of a server that is down says nothing")
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// A batch is one pipeline: one round trip, however many events there are.
func TestABatchIsOneRoundTrip(t *testing.T) {
	p, err := proxy.New("redis", servers.Redis(t).Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r, _ := open(t, Options{Addrs: []string{p.Addr}})
	var vs []module.Verified
	var refs []replica.Ref
	for seed := range uint64(100) {
		vs = append(vs, replicatest.Event(seed, 900, 0))
		refs = append(refs, replica.Ref{Hash: vs[seed].Hash()})
	}
	for name, batch := range map[string]func(n int){
		"PutBatch": func(n int) {
			for i, o := range r.PutBatch(ctx, vs[:n]) {
				if o.Err != nil {
					t.Fatal(i, o.Err)
				}
			}
		},
		"GetBatch": func(n int) {
			for i, f := range r.GetBatch(ctx, refs[:n]) {
				if f.Err != nil || !bytes.Equal(f.Record, vs[i].Record()) {
					t.Fatal(i, f.Err)
				}
			}
		},
	} {
		for _, v := range vs { // the connection is up, the script is known
			put(t, r, v)
		}
		// What a pipeline of one costs is what one of a hundred costs; more than
		// the network's buffers hold may be answered in between.
		cost := func(n int) int64 {
			before := p.Turns()
			batch(n)
			return p.Turns() - before
		}
		if one, many := cost(1), cost(100); one != 1 || many > 4 {
			t.Errorf("%s: %d round trips for one event, %d for a hundred", name, one, many)
		}
	}
}

func TestSilentServerCostsNoMoreThanTheContext(t *testing.T) {
	s := servers.Redis(t)
	r, _ := open(t, Options{Addrs: []string{s.Addr}})
	v := replicatest.Event(1, 500, 0)
	put(t, r, v)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(ctx context.Context) error{
		"Get":   func(ctx context.Context) error { _, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); return err },
		"Put":   func(ctx context.Context) error { _, err := r.Put(ctx, v); return err },
		"Check": r.Check,
	} {
		// Cancelled without a deadline, as the loser of a hedged read is.
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		if err := call(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	holds(t, r, v)
}

func TestFullServer(t *testing.T) {
	s := servers.Redis(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	r, _ := open(t, Options{Addrs: []string{s.Addr}})
	for seed := range uint64(100) {
		_, err := r.Put(ctx, replicatest.Event(seed, 100_000, 0))
		if err == nil {
			continue
		}
		if !errors.Is(err, replica.ErrFull) {
			t.Fatalf("%v, want ErrFull", err)
		}
		return
	}
	t.Fatal("it took 10 MB with 3 MB of memory")
}

func TestPassword(t *testing.T) {
	s := servers.Redis(t, "--requirepass", "correct horse", "--user", "sealer", "on", ">battery", "~event:*", "+@all")
	v := replicatest.Event(1, 500, 0)
	for _, c := range []struct{ user, password, want string }{
		{"", "correct horse", ""}, {"sealer", "battery", ""}, {"", "", "NOAUTH"}, {"sealer", "staple", "WRONGPASS"},
	} {
		r, _ := open(t, Options{Addrs: []string{s.Addr}, Username: c.user, Password: c.password})
		if _, err := r.Get(ctx, replica.Ref{Hash: replicatest.Event(2, 500, 0).Hash()}); errors.Is(err, replica.ErrNotFound) != (c.want == "") {
			t.Errorf("as %q with %q: Get of a missing event: %v", c.user, c.password, err)
		}
		_, err := r.Put(ctx, v)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("as %q with %q: %v, want %q", c.user, c.password, err, c.want)
		}
		if err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
			t.Error("the error tells the password")
		}
	}
}
