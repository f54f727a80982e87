package api_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/limit"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// An address that sends too much is told so, with when to come again; others,
// and readers, are not concerned.
func TestAddressLimit(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Addresses = &limit.Addresses{
			Rate:    limit.New[netip.Prefix](1, time.Minute), // 60 at once
			Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		}
	})
	var vs []module.Verified
	for i := range 100 {
		vs = append(vs, moduletest.Event(t, i))
	}
	a := h.ask("POST", "/v1/events:batch", records(vs...), "Content-Type", ndjsonType)
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	refused := strings.Count(string(a.body), `"code":"rate_limited"`)
	if len(lines) != 100 || refused < 20 || refused > 40 || !strings.Contains(lines[0], `"status":201`) || !strings.Contains(lines[0], vs[0].Hash().String()) {
		t.Fatalf("%d of %d refused: %.300s", refused, len(lines), a.body)
	}
	// Faster than one comes back, however slow the machine.
	for end := time.Now().Add(time.Minute); ; {
		a = h.ask("POST", "/v1/events", string(vs[0].Record()), "Content-Type", jsonType)
		if a.StatusCode == 429 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s", a.Status)
		}
	}
	a.refused(t, 429, "rate_limited")
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	if a := h.get("/v1/events/" + vs[0].Hash().String()); a.StatusCode != 200 {
		t.Errorf("reading: %s", a.Status)
	}
	if a := h.ask("POST", "/v1/events", string(vs[99].Record()), "Content-Type", jsonType, "X-Forwarded-For", "203.0.113.9"); a.StatusCode >= 300 {
		t.Errorf("from another address: %s", a.Status)
	}
}

// Of one batch a rate takes the beginning: what follows is refused even when the
// rate would take it by then, so that the order of admission is the batch's.
func TestRateKeepsOrder(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Addresses = &limit.Addresses{Rate: limit.New[netip.Prefix](200, time.Millisecond)} // one at once
	})
	a := h.ask("POST", "/v1/events:batch", strings.Repeat("{}\n", 40_000), "Content-Type", ndjsonType)
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	limited := func(line string) bool { return strings.Contains(line, `"code":"rate_limited"`) }
	first := slices.IndexFunc(lines, limited)
	if len(lines) != 40_000 || first < 1 {
		t.Fatalf("%d lines, the first that is refused is %d", len(lines), first)
	}
	for i, line := range lines[first:] {
		if !limited(line) {
			t.Fatalf("line %d was taken after line %d was refused", first+i, first)
		}
	}
}
