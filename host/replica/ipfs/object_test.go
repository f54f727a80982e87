package ipfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
)

func putObjects(t *testing.T, r *Replica, os ...replica.Object) {
	t.Helper()
	if err := errors.Join(r.PutObjects(ctx, os)...); err != nil {
		t.Fatal(err)
	}
}

func holdsObject(t *testing.T, r *Replica, o replica.Object) {
	t.Helper()
	if b, err := r.GetObject(ctx, o.Name); err != nil || !bytes.Equal(b, o.Data) {
		t.Fatalf("%s: %d bytes, %v", o.Name, len(b), err)
	}
}

func tiles(from, to int) (os []replica.Object) {
	for i := from; i < to; i++ {
		os = append(os, replicatest.Object(fmt.Sprintf("log/a/tile/0/%03d", i), uint64(i), 8192))
	}
	return os
}

// inParts has a node keep each folder that it writes from now on in parts.
func inParts(t *testing.T, s *servers.Server) {
	t.Helper()
	ipfs(t, s, "config", "Import.UnixFSHAMTDirectorySizeThreshold", "1B")
	ipfs(t, s, "config", "--json", "Import.UnixFSHAMTDirectoryMaxFanout", "16")
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}

// What was acknowledged is there after the node was killed, and its garbage
// collection leaves it; however the node keeps folders.
func TestObjectsSurviveTheNode(t *testing.T) {
	t.Run("folders whole", func(t *testing.T) { objectsSurvive(t, servers.Kubo(t)) })
	t.Run("folders in parts", func(t *testing.T) {
		s := servers.Kubo(t)
		inParts(t, s)
		objectsSurvive(t, s)
		at := strings.TrimSpace(ipfs(t, s, "files", "stat", "--hash", folder+"/log/a/tile/0"))
		if node := ipfs(t, s, "dag", "get", at); !strings.Contains(node, `"Data":{"/":{"bytes":"CAU`) { // UnixFS' type 5
			t.Errorf("the folder is whole: %s", node)
		}
	})
}

func objectsSurvive(t *testing.T, s *servers.Server) {
	r := open(t, s)
	again := func() {
		t.Helper()
		s.Kill()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	first, second := replica.Object{Name: "log/a/checkpoint", Data: []byte("1")}, replica.Object{Name: "log/a/checkpoint", Data: []byte("2")}
	os := tiles(0, 10)
	putObjects(t, r, os...)
	again()
	for _, o := range os {
		holdsObject(t, r, o)
	}
	if err := r.SwapObject(ctx, first.Name, nil, first.Data); err != nil {
		t.Fatal(err)
	}
	again()
	holdsObject(t, r, first)
	if err := r.SwapObject(ctx, first.Name, first.Data, second.Data); err != nil {
		t.Fatal(err)
	}
	again()
	holdsObject(t, r, second)
	if err := r.DeleteObjects(ctx, []string{os[0].Name}); err != nil {
		t.Fatal(err)
	}
	again()
	if b, err := r.GetObject(ctx, os[0].Name); !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if err := r.api.Request("repo/gc").Exec(ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, o := range append(os[1:], second) {
		holdsObject(t, r, o)
	}
}

// A block that the node lost is damage: told as such, listed, and put again.
func TestALostBlockOfAnObject(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	os := tiles(0, 3)
	putObjects(t, r, os...)
	lose(t, s, sha256.Sum256(os[1].Data))
	if _, err := r.GetObject(ctx, os[1].Name); !errors.Is(err, replica.ErrCorrupt) {
		t.Fatal(err)
	}
	if err := r.SwapObject(ctx, os[1].Name, nil, []byte("x")); !errors.Is(err, replica.ErrConflict) {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.ListObjects(ctx, "log/") {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("%d are listed", n)
	}
	putObjects(t, r, os...)
	holdsObject(t, r, os[1])
	lose(t, s, sha256.Sum256(os[2].Data))
	if err := r.DeleteObjects(ctx, []string{os[2].Name}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.GetObject(ctx, os[2].Name); !errors.Is(err, replica.ErrNotFound) {
		t.Fatal(err)
	}
	damaged := tiles(3, 4)[0]
	putObjects(t, r, damaged)
	damage(t, s, sha256.Sum256(damaged.Data))
	other := replicatest.Object(damaged.Name, 99, 8192) // it is not known to be another one
	putObjects(t, r, other)
	holdsObject(t, r, other)
}

// Hosts that share a node do not disturb each other, nor what people keep in
// its file system.
func TestASharedNode(t *testing.T) {
	s := servers.Kubo(t)
	one, two := open(t, s), open(t, s)
	if err := one.api.Request("files/write", "/eventseal.txt").Option("create", true).Body(upload([]byte("a person's"))).Exec(ctx, nil); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for log, r := range map[string]*Replica{"log/a/": one, "log/b/": two} {
		wg.Go(func() {
			var was []byte
			for i := range 15 {
				var os []replica.Object
				for k := range 30 {
					os = append(os, replicatest.Object(fmt.Sprint(log, "tile/0/", i, ".p/", k), uint64(i*k), 100))
				}
				now := fmt.Appendf(nil, "%d", i)
				if err := errors.Join(append(r.PutObjects(ctx, os), r.SwapObject(ctx, log+"checkpoint", was, now), r.DeleteObjects(ctx, []string{os[0].Name}))...); err != nil {
					t.Error(err)
					return
				}
				was = now
			}
		})
	}
	wg.Wait()
	for _, log := range []string{"log/a/", "log/b/"} {
		n := 0
		for _, err := range one.ListObjects(ctx, log) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != 15*29+1 {
			t.Errorf("%s: %d are listed", log, n)
		}
		holdsObject(t, two, replica.Object{Name: log + "checkpoint", Data: []byte("14")})
	}
	if err := one.api.Request("files/stat", "/eventseal.txt").Exec(ctx, nil); err != nil {
		t.Error(err)
	}
}

// Whatever a neighbour has flushed meanwhile, which makes the node forget what is
// under way, what was acknowledged is there.
func TestANeighbourWhoFlushes(t *testing.T) {
	s := servers.Kubo(t)
	r, other := open(t, s), open(t, s)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := other.api.Request("files/flush", "/").Exec(ctx, nil); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var mu sync.Mutex
	var acknowledged []replica.Object
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 15 {
				os := make([]replica.Object, 6)
				for k := range os {
					os[k] = replicatest.Object(fmt.Sprintf("log/a/%d/%d/%d", g, i%3, i*len(os)+k), uint64(g*1000+i*10+k), 300)
				}
				for k, err := range r.PutObjects(ctx, os) {
					if err == nil {
						mu.Lock()
						acknowledged = append(acknowledged, os[k])
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-stopped
	if len(acknowledged) < 100 {
		t.Fatalf("only %d of 360 were acknowledged", len(acknowledged))
	}
	for _, o := range acknowledged {
		holdsObject(t, r, o)
	}
}

// A neighbour who left as much unflushed as the node takes stops nobody.
func TestAnUnflushedNode(t *testing.T) {
	r := open(t, servers.Kubo(t))
	putObjects(t, r, tiles(0, 1)...)
	for i := 0; ; i++ {
		at := fmt.Sprint("/neighbour/", i)
		err := r.api.Request("files/mkdir", at).Option("parents", true).Option("flush", false).Exec(ctx, nil)
		if err == nil {
			err = r.api.Request("files/cp", folder+"/log/a/tile/0/000", at+"/x").Option("flush", false).Exec(ctx, nil)
		}
		if err != nil && strings.Contains(err.Error(), "unflushed") {
			break
		}
		if err != nil || i > 1000 {
			t.Fatalf("%d: %v", i, err)
		}
	}
	os := tiles(1, 10)
	putObjects(t, r, os...)
	for _, o := range os {
		holdsObject(t, r, o)
	}
}

// A name that is a folder's is none of an object's: nothing under it is removed.
func TestAFolderIsNoObject(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	os := tiles(0, 2)
	putObjects(t, r, os...)
	if err := r.DeleteObjects(ctx, []string{"log/a", "log/a/tile/0"}); err != nil {
		t.Fatal(err)
	}
	if err := r.PutObjects(ctx, []replica.Object{replicatest.Object("log/a", 1, 10)})[0]; err == nil {
		t.Error("an object takes a folder's name")
	}
	if err := r.SwapObject(ctx, "log/a", nil, []byte("x")); err == nil {
		t.Error("an object takes a folder's name")
	}
	if _, err := r.GetObject(ctx, "log/a"); !errors.Is(err, replica.ErrNotFound) {
		t.Error(err)
	}
	for _, o := range os {
		holdsObject(t, r, o)
	}
	// The last of a folder takes it along.
	if err := r.DeleteObjects(ctx, []string{os[0].Name, os[1].Name}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.look(ctx, "log/a/tile/0"); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("the empty folder: %v", err)
	}
}

// A publication of many objects is a few requests beside two for each name.
func TestRequestsOfAPublication(t *testing.T) {
	s := servers.Kubo(t)
	var mu sync.Mutex
	seen := map[string]int{}
	on := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: s.Addr}) }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		seen[strings.TrimPrefix(req.URL.Path, "/api/v0/")]++
		mu.Unlock()
		on.ServeHTTP(w, req)
	}))
	t.Cleanup(front.Close)
	r, err := Open(Options{API: front.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	putObjects(t, r, tiles(0, 36)...)
	mu.Lock()
	defer mu.Unlock()
	if seen["dag/import"] != 1 || seen["files/cp"] != 36 || seen["files/flush"] != 1 || seen["files/stat"] != 36 || len(seen) != 4 {
		t.Errorf("%v", seen)
	}
}
