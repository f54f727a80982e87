package servers

import (
	"crypto/ed25519"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Required says whether the environment forbids a test that needs name to
// skip: EVENTSEAL_REQUIRE holds "all" or a comma-separated list of names.
func Required(name string) bool {
	for want := range strings.SplitSeq(os.Getenv("EVENTSEAL_REQUIRE"), ",") {
		if want == "all" || want == name {
			return true
		}
	}
	return false
}

// install runs `make servers` once a process.
var install = sync.OnceValues(func() ([]byte, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("make", "servers")
	cmd.Dir = root
	return cmd.CombinedOutput()
})

var (
	buildHost  = sync.OnceValues(func() (string, error) { return build("build", "eventseal") })
	buildChain = sync.OnceValues(func() (string, error) { return build("testchain", "testchain") })
)

// build has make bring a binary of this repository up to date, and returns its path.
func build(target, binary string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(root, "build"), 0o755); err != nil {
		return "", err
	}
	// The test binaries of several packages run at a time.
	lock, err := os.Create(filepath.Join(root, "build", binary+".lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-s", target)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make %s: %w\n%s", target, err, out)
	}
	return filepath.Join(root, "bin", binary), nil
}

// Eventseal brings bin/eventseal, the binary that people run, up to date and
// returns its path.
func Eventseal(t testing.TB) string {
	t.Helper()
	path, err := buildHost()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Host starts an Eventseal host that ends with the test; see NewHost.
func Host(t testing.TB, config string, env ...string) *Server {
	t.Helper()
	binary := Eventseal(t)
	return run(t, func(dir string) (*Server, error) { return NewHost(dir, binary, config, env...) })
}

// Chain starts a test chain that ends with the test; see NewChain.
func Chain(t testing.TB, args ...string) *Server {
	t.Helper()
	binary, err := buildChain()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, func(dir string) (*Server, error) { return NewChain(dir, binary, args...) })
}

// need returns when the binary is there; where it is not, it is built if the
// environment requires it, and the test skips otherwise.
func need(t testing.TB, name string) {
	t.Helper()
	_, err := binary(name)
	if err == nil {
		return
	}
	if !Required("servers") {
		t.Skip(err)
	}
	if out, err := install(); err != nil {
		t.Fatalf("make servers: %v\n%s", err, out)
	}
	if _, err := binary(name); err != nil {
		t.Fatal(err)
	}
}

// run starts a prepared server and ends it with the test.
func run(t testing.TB, prepare func(dir string) (*Server, error)) *Server {
	t.Helper()
	dir := t.TempDir()
	s, err := prepare(dir)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Redis starts a Redis that ends with the test.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	need(t, "redis-server")
	return run(t, func(dir string) (*Server, error) { return NewRedis(dir, args...) })
}

// Sentinel starts a Redis Sentinel over master that ends with the test.
func Sentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	return run(t, func(dir string) (*Server, error) { return NewSentinel(dir, master) })
}

// Kubo starts an isolated IPFS node that ends with the test.
func Kubo(t testing.TB, profiles ...string) *Server {
	t.Helper()
	need(t, "ipfs")
	return run(t, func(dir string) (*Server, error) { return NewKubo(dir, profiles...) })
}

// S3 starts an S3 gateway that ends with the test.
func S3(t testing.TB) *Server {
	t.Helper()
	need(t, "versitygw")
	return run(t, NewS3)
}

// Litewitness starts torchwood's witness, which ends with the test; see
// NewLitewitness.
func Litewitness(t testing.TB, name string, key ed25519.PrivateKey, logs ...string) *Server {
	t.Helper()
	need(t, "litewitness")
	need(t, "witnessctl")
	// A socket's path must be short.
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return run(t, func(dir string) (*Server, error) { return NewLitewitness(dir, name, key, socket, logs...) })
}
