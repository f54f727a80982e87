package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestEachServerEndsAndStartsAgain(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{
		"redis": func(t testing.TB) *Server { return Redis(t) },
		"kubo":  func(t testing.TB) *Server { return Kubo(t) },
		"s3":    S3,
		"chain": func(t testing.TB) *Server { return Chain(t) },
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

// What make stack starts is seen and ended by a later process, which knows the
// folder alone.
func TestDetachedServersAreFoundAndEnded(t *testing.T) {
	for name, prepare := range map[string]func(dir string) (*Server, error){
		"redis-server": func(dir string) (*Server, error) { return NewRedis(dir) },
		"ipfs":         func(dir string) (*Server, error) { return NewKubo(dir) },
		"versitygw":    NewS3,
	} {
		t.Run(name, func(t *testing.T) {
			need(t, name)
			dir := t.TempDir()
			s, err := prepare(dir)
			if err != nil {
				t.Fatal(err)
			}
			s.Detached = true
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Kill)
			later, err := prepare(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !later.Running(context.Background()) {
				t.Error("it is not seen to run")
			}
			if !End(dir) {
				t.Error("there is nothing to end")
			}
			if s.ready(context.Background()) == nil || later.Running(context.Background()) || End(dir) {
				t.Error("it was not ended")
			}
		})
	}
}

// A chain that was killed goes on where it was.
func TestChainGoesOn(t *testing.T) {
	s := Chain(t, "--interval", "0")
	state := func(method, path, body string) (v struct {
		ChainID string `json:"chain_id"`
		Head    struct {
			Num uint32
			ID  string
		}
	}) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		return v
	}
	was := state("POST", "/test/produce", `{"blocks":7}`)
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if now := state("GET", "/test/state", ""); was.Head.Num != 8 || now != was {
		t.Errorf("%v, was %v", now, was)
	}
	if id, err := ChainID(s.URL()); err != nil || id != was.ChainID {
		t.Errorf("%s %v, want %s", id, err, was.ChainID)
	}
	private, public, err := ChainKey(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, key, err := ChainKey(s.Dir); err != nil || again != private || key != public || !strings.HasPrefix(private, "PVT_K1_") {
		t.Errorf("another key: %s %v", key, err)
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

// Whatever the settings say, what counts is which sockets there are.
func TestServersHaveNoSocketBeyondLoopback(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sockets are read from /proc")
	}
	for _, s := range []*Server{Redis(t), Kubo(t), S3(t), Chain(t)} {
		if s.Kind == "kubo" {
			if _, err := s.Ipfs("a block", "block", "put"); err != nil {
				t.Fatal(err)
			}
		}
		local, listening := sockets(t, s.Pid())
		if !listening {
			t.Errorf("%s: not even its own listener is seen: the test proves nothing", s.Kind)
		}
		for _, addr := range local {
			t.Errorf("%s has a socket at or to %s", s.Kind, addr)
		}
	}
}

// sockets returns the addresses beyond loopback that a process's IP sockets
// have at either end, and whether it listens at all.
func sockets(t *testing.T, pid int) (beyond []string, listening bool) {
	t.Helper()
	own := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line) // sl local remote st … inode at 9: proc_net_tcp
			if len(f) < 10 || !own[f[9]] {
				continue
			}
			bound := f[3] == "0A" || f[3] == "07" // listens; or a socket of udp
			listening = listening || f[3] == "0A"
			for i, addr := range f[1:3] {
				if !loopback(addr) && (i == 0 || !bound) {
					beyond = append(beyond, table+" "+addr)
				}
			}
		}
	}
	return beyond, listening
}

// loopback reads an address as /proc prints it: words of four bytes, each in
// the machine's order, here little-endian.
func loopback(addr string) bool {
	ip, _, _ := strings.Cut(addr, ":")
	return len(ip) == 8 && strings.HasSuffix(ip, "7F") || // 127.…
		ip == "00000000000000000000000001000000" || // ::1
		len(ip) == 32 && strings.HasPrefix(ip, "0000000000000000FFFF0000") && strings.HasSuffix(ip, "7F")
}
