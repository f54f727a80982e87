package limit

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// never makes l give nothing back while a test runs, however slow the machine.
func never[K comparable](l *Limiter[K]) *Limiter[K] {
	l.limit = rate.Every(time.Hour)
	return l
}

func TestLimiter(t *testing.T) {
	var none *Limiter[int]
	if none = New[int](0, time.Hour); none != nil || !none.Take(1) {
		t.Error("no limit is one")
	}
	l := never(New[int](1, 5*time.Second))
	took := func(k int) (n int) {
		for range 20 {
			if l.Take(k) {
				n++
			}
		}
		return n
	}
	if a, b := took(1), took(2); a != 5 || b != 5 {
		t.Errorf("%d and %d of bursts of 5", a, b)
	}
	if n := New[int](1, time.Nanosecond); !n.Take(1) {
		t.Error("a burst is one event at least")
	}
	fast := New[int](1000, time.Millisecond)
	fast.Take(1)
	for end := time.Now().Add(time.Minute); !fast.Take(1); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing comes back")
		}
	}
}

// Its memory is bounded, and whoever comes again is remembered.
func TestLimiterForgets(t *testing.T) {
	l := New[int](1, time.Second)
	l.keys = 100
	l.Take(-1)
	for i := range 100_000 {
		l.Take(i)
		if i%50 == 0 && l.Take(-1) && i < 500 {
			t.Fatalf("the one that comes all the time was forgotten after %d others", i)
		}
		if n := len(l.recent) + len(l.previous); n > 200 {
			t.Fatalf("it remembers %d", n)
		}
	}
}

func TestAuthors(t *testing.T) {
	v, w := moduletest.Event(t, 1), moduletest.Event(t, 2)
	other, _ := moduletest.Twice(t) // of another author
	ctx := context.Background()
	is := func(err error, c code.Code) bool { return errors.Is(err, &code.Error{Code: c}) }
	key := v.Meta().AuthorKey
	if err := new(Authors).Permit(ctx, v); err != nil {
		t.Error(err)
	}
	only := &Authors{Allow: map[Key]bool{key: true}}
	if err := only.Permit(ctx, v); err != nil {
		t.Error(err)
	}
	if err := only.Permit(ctx, other); !is(err, code.Forbidden) {
		t.Errorf("not allowed: %v", err)
	}
	only.Deny = map[Key]bool{key: true}
	if err := only.Permit(ctx, v); !is(err, code.Forbidden) {
		t.Errorf("denied and allowed: %v", err)
	}
	known := map[digest.Hash]bool{}
	var failure error
	slow := &Authors{Rate: never(New[Key](1, time.Second)), Known: func(_ context.Context, h digest.Hash) (bool, error) { return known[h], failure }}
	if err := slow.Permit(ctx, v); err != nil {
		t.Error(err)
	}
	if err := slow.Permit(ctx, w); !is(err, code.RateLimited) {
		t.Errorf("a second one in a second: %v", err)
	}
	if err := slow.Permit(ctx, other); err != nil {
		t.Errorf("of another author: %v", err)
	}
	known[w.Hash()] = true
	for range 10 {
		if err := slow.Permit(ctx, w); err != nil {
			t.Errorf("known: %v", err)
		}
	}
	failure = journal.ErrFailed
	if err := slow.Permit(ctx, v); !is(err, code.JournalUnavailable) {
		t.Errorf("of a journal that failed: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	a := &Addresses{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	for _, c := range []struct {
		remote, want string
		forwarded    []string
	}{
		{"203.0.113.7:4711", "203.0.113.7/32", nil},
		{"203.0.113.7:4711", "203.0.113.7/32", []string{"198.51.100.1"}}, // no proxy: not believed
		{"[::ffff:203.0.113.7]:1", "203.0.113.7/32", nil},
		{"[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64", nil},
		{"[fe80::1%eth0]:1", "fe80::/64", nil},
		{"10.1.1.1:1", "198.51.100.1/32", []string{"198.51.100.1"}},
		{"10.1.1.1:1", "198.51.100.1/32", []string{"1.1.1.1, 198.51.100.1", "10.2.2.2"}}, // the client's own words come first
		{"[::1]:1", "2001:db8::/64", []string{"2001:db8::9"}},
		{"10.1.1.1:1", "10.1.1.1/32", nil},
		{"10.1.1.1:1", "10.1.1.1/32", []string{"unknown"}},
		{"10.1.1.1:1", "10.2.2.2/32", []string{"rubbish, 10.2.2.2"}},
		{"@", "invalid Prefix", nil},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := a.client(r).String(); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
	var none *Addresses
	if err := none.Permit(&http.Request{}); err != nil {
		t.Error(err)
	}
	a.Rate = never(New[netip.Prefix](1, time.Second))
	r := &http.Request{RemoteAddr: "192.0.2.1:1"}
	if err := a.Permit(r); err != nil {
		t.Error(err)
	}
	if err := a.Permit(r); !errors.Is(err, &code.Error{Code: code.RateLimited}) {
		t.Errorf("%v", err)
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("10.0.0.1:1", "1.2.3.4, ::1, x")
	a := &Addresses{Proxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		p := a.client(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}})
		if p.IsValid() && p != p.Masked() {
			t.Errorf("%v", p)
		}
	})
}
