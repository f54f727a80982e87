package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

// Hosts that share a server agree on who gave it its id.
func TestTheFirstIDStays(t *testing.T) {
	o := Options{Addrs: []string{servers.Redis(t).Addr}}
	a, c := open(t, o)
	b, _ := open(t, o)
	first, second := replicatest.ID(), replicatest.ID()
	for _, r := range []*Replica{a, b} {
		if id, err := r.Identity(ctx, nil); id != "" || err != nil {
			t.Fatal(id, err)
		}
	}
	if err := a.Identify(ctx, first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Identify(ctx, second); !errors.Is(err, replica.ErrConflict) {
			t.Errorf("%v, want ErrConflict", err)
		}
	}
	if id, err := b.Identity(ctx, nil); id != first || err != nil {
		t.Errorf("it holds %q, %v, want %q", id, err, first)
	}
	if ttl, err := c.TTL(ctx, "event:place").Result(); err != nil || ttl != -1 {
		t.Errorf("the id lives for %v, %v", ttl, err)
	}
	if err := b.Identify(ctx, second); err != nil { // knowing whose it takes
		t.Error(err)
	}
	fresh, _ := open(t, o)
	if err := fresh.Identify(ctx, first); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoIDIsReplaced(t *testing.T) {
	o := Options{Addrs: []string{servers.Redis(t).Addr}}
	_, c := open(t, o)
	for name, place := range map[string]func() error{
		"a list":   func() error { return c.RPush(ctx, "event:place", "x").Err() },
		"a text":   func() error { return c.Set(ctx, "event:place", "x", 0).Err() },
		"too much": func() error { return c.SetRange(ctx, "event:place", 1<<20, "x").Err() },
	} {
		if err := errors.Join(c.Del(ctx, "event:place").Err(), place()); err != nil {
			t.Fatal(name, err)
		}
		r, _ := open(t, o)
		if id, err := r.Identity(ctx, nil); !errors.Is(err, replica.ErrCorrupt) {
			t.Errorf("%s: %q, %v, want ErrCorrupt", name, id, err)
		}
		want := replicatest.ID()
		if err := r.Identify(ctx, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if id, err := r.Identity(ctx, nil); id != want || err != nil {
			t.Errorf("%s: then %q, %v", name, id, err)
		}
	}
}

// An access list that leaves the host its events and nothing else is no fault
// of the place; a wrong password is one.
func TestAServerThatForbidsAnID(t *testing.T) {
	s := servers.Redis(t, "--user", "sealer", "on", ">battery", "resetkeys", "~event:[0-9a-f]*", "+@all")
	r, _ := open(t, Options{Addrs: []string{s.Addr}, Username: "sealer", Password: "battery"})
	put(t, r, replicatest.Event(1, 500, 0))
	if _, err := r.Identity(ctx, nil); !errors.Is(err, replica.ErrNoIdentity) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("Identity: %v, want ErrNoIdentity", err)
	}
	if err := r.Identify(ctx, replicatest.ID()); !errors.Is(err, replica.ErrNoIdentity) {
		t.Errorf("Identify: %v, want ErrNoIdentity", err)
	}
	wrong, _ := open(t, Options{Addrs: []string{s.Addr}, Username: "sealer", Password: "staple"})
	if _, err := wrong.Identity(ctx, nil); err == nil || errors.Is(err, replica.ErrNoIdentity) {
		t.Errorf("with a wrong password: %v", err)
	}
	reader := servers.Redis(t, "--user", "sealer", "on", ">battery", "~event:*", "+@all", "-eval", "-evalsha")
	r, _ = open(t, Options{Addrs: []string{reader.Addr}, Username: "sealer", Password: "battery"})
	if id, err := r.Identity(ctx, nil); id != "" || err != nil {
		t.Error(id, err)
	}
	if err := r.Identify(ctx, replicatest.ID()); !errors.Is(err, replica.ErrNoIdentity) {
		t.Errorf("Identify: %v, want ErrNoIdentity", err)
	}
}
