package servers

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestEachServerEndsAndStartsAgain(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{
		"redis": func(t testing.TB) *Server { return Redis(t) },
		"kubo":  func(t testing.TB) *Server { return Kubo(t) },
		"s3":    S3,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			first := s.Pid()
			for _, end := range []func(){s.Kill, s.Stop} {
				end()
				if s.Pid() != 0 || s.ready(context.Background()) == nil {
					t.Fatal("it still answers")
				}
				if err := s.Start(); err != nil {
					t.Fatal(err)
				}
			}
			if s.Pid() == first {
				t.Fatal("it is the same process")
			}
			if err := s.Freeze(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			if err := s.ready(ctx); err == nil {
				t.Fatal("a frozen server answers")
			}
			if err := s.Thaw(); err != nil {
				t.Fatal(err)
			}
			if err := s.ready(context.Background()); err != nil {
				t.Fatalf("after the thaw: %v", err)
			}
		})
	}
}

func TestBadStartNamesTheReason(t *testing.T) {
	need(t, "redis-server")
	s, err := NewRedis(t.TempDir(), "--no-such-option", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Fatalf("%v, want the server's own words", err)
	}
}

// A node that found a peer would publish what a test makes.
func TestKuboIsAlone(t *testing.T) {
	s := Kubo(t)
	for _, c := range []struct{ command, want string }{{"swarm/peers", "online mode"}, {"swarm/addrs/listen", "online mode"}} {
		resp, err := http.Post(s.URL()+"/api/v0/"+c.command, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b := make([]byte, 1000)
		n, _ := resp.Body.Read(b)
		if resp.StatusCode == http.StatusOK || !strings.Contains(string(b[:n]), c.want) {
			t.Errorf("%s: %s %s, want a refusal because it is offline", c.command, resp.Status, b[:n])
		}
	}
	out, err := s.Ipfs("", "config", "show")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Bootstrap": []`, `"Type": "none"`, `"Swarm": []`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the settings lack %s", want)
		}
	}
}
