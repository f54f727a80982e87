package ipfs

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

// before starts a proxy that sees each request first.
func before(t *testing.T, s *servers.Server, handle func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	target, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	on := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !handle(w, req) {
			on.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// An id is held where its block is there and pinned: one alone is what a
// network may have brought, or a collection may take.
func TestAnIDIsHeldAndPinned(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	mine, hers := replicatest.ID(), replicatest.ID()
	is := func(want string) {
		t.Helper()
		if id, err := r.Identity(ctx, []string{mine}); id != want || err != nil {
			t.Errorf("it holds %q, %v, want %q", id, err, want)
		}
	}
	identify := func(r *Replica, id string) {
		t.Helper()
		if err := r.Identify(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	identify(r, mine)
	other := open(t, s)
	identify(other, hers)
	ipfs(t, s, "repo", "gc")
	is(mine) // the node has one of each host
	if id, err := other.Identity(ctx, []string{mine, hers}); id != mine || err != nil {
		t.Errorf("%q, %v", id, err)
	}

	_, name := label(mine)
	ipfs(t, s, "pin", "rm", rawCID(name))
	is("")
	identify(r, mine)
	is(mine)
	lose(t, s, name)
	is("")
	identify(r, mine)
	is(mine)
	if err := os.WriteFile(file(t, s, name), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := r.Identity(ctx, []string{mine}); !errors.Is(err, replica.ErrCorrupt) {
		t.Errorf("%q, %v, want ErrCorrupt", id, err)
	}
	next := replicatest.ID()
	identify(r, next)
	if id, err := r.Identity(ctx, []string{next}); id != next || err != nil {
		t.Errorf("%q, %v", id, err)
	}
}

// A node that leaves the host its events and nothing else is not at fault; one
// that refuses everything is.
func TestANodeThatForbidsAnID(t *testing.T) {
	s := servers.Kubo(t)
	for name, refuse := range map[string]func(w http.ResponseWriter){
		"forbidden": func(w http.ResponseWriter) { http.Error(w, "403 - Forbidden", http.StatusForbidden) },
		"page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<html><h1>403 Forbidden</h1></html>"))
		},
		"unknown": func(w http.ResponseWriter) { http.NotFound(w, nil) },
	} {
		open := func(all bool) *Replica {
			front := before(t, s, func(w http.ResponseWriter, req *http.Request) bool {
				if !all && !strings.HasSuffix(req.URL.Path, "/block/put") && !strings.HasSuffix(req.URL.Path, "/block/get") {
					return false
				}
				refuse(w)
				return true
			})
			r, err := Open(Options{API: front})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			return r
		}
		id := replicatest.ID()
		for _, all := range []bool{false, true} {
			_, err := open(all).Identity(ctx, []string{id})
			if err == nil || errors.Is(err, replica.ErrNoIdentity) == all {
				t.Errorf("%s: Identity: %v", name, err)
			}
			if err := open(all).Identify(ctx, id); err == nil || errors.Is(err, replica.ErrNoIdentity) == all {
				t.Errorf("%s: Identify: %v", name, err)
			}
		}
	}
}
