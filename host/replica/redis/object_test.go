package redis

import (
	"errors"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

// Objects do not expire, as events do, also where somebody let them.
func TestObjectsStay(t *testing.T) {
	r, c := open(t, Options{Addrs: []string{servers.Redis(t).Addr}})
	o := replicatest.Object("log/a/tile/0/000", 1, 300)
	stays := func(name string) {
		t.Helper()
		if left, err := c.TTL(ctx, "event:object:"+name).Result(); err != nil || left != -1 {
			t.Fatalf("%s lives for %v, %v", name, left, err)
		}
	}
	put := func() {
		t.Helper()
		if err := r.PutObjects(ctx, []replica.Object{o})[0]; err != nil {
			t.Fatal(err)
		}
		stays(o.Name)
	}
	put()
	if err := c.Expire(ctx, "event:object:"+o.Name, time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	put()
	if err := r.SwapObject(ctx, "log/a/checkpoint", nil, []byte("head")); err != nil {
		t.Fatal(err)
	}
	stays("log/a/checkpoint")
}

// What another program put under an object's key is damage: it is neither read
// nor swapped, and a put replaces it.
func TestAnObjectOfAnotherKind(t *testing.T) {
	r, c := open(t, Options{Addrs: []string{servers.Redis(t).Addr}})
	o := replicatest.Object("log/a/tile/0/000", 1, 300)
	key := "event:object:" + o.Name
	for what, forge := range map[string]func() error{
		"a list":      func() error { return c.RPush(ctx, key, "x").Err() },
		"a text":      func() error { return c.Set(ctx, key, "x", 0).Err() },
		"a long text": func() error { return c.SetRange(ctx, key, 200_000, "x").Err() },
	} {
		if err := errors.Join(c.Del(ctx, key).Err(), forge()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.GetObject(ctx, o.Name); !errors.Is(err, replica.ErrCorrupt) {
			t.Errorf("%s: GetObject: %v", what, err)
		}
		for _, was := range [][]byte{nil, {}, o.Data} {
			if err := r.SwapObject(ctx, o.Name, was, o.Data); !errors.Is(err, replica.ErrConflict) {
				t.Errorf("%s: SwapObject: %v", what, err)
			}
		}
		if err := r.PutObjects(ctx, []replica.Object{o})[0]; err != nil {
			t.Errorf("%s: PutObjects: %v", what, err)
		}
		if b, err := r.GetObject(ctx, o.Name); err != nil || string(b) != string(o.Data) {
			t.Errorf("%s: %d bytes, %v", what, len(b), err)
		}
	}
}
