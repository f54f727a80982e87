// Package servers runs the real servers that replicas talk to, for tests and
// for the local stack: Redis, Kubo, an S3 gateway and torchwood's witness of
// logs, and a test chain, each on free loopback ports, in a folder of its own, ended by its own
// process. `make servers` puts the binaries into build/servers.
package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/eventseal/eventseal/servers/port"
)

// startTimeout bounds the wait until a server answers.
const startTimeout = 30 * time.Second

// A Server is one server process that can be ended and started again on the
// same address and data. Its methods are safe for concurrent use.
type Server struct {
	Kind string // "redis", "kubo", "s3", "chain"
	Addr string // host:port of its one listener
	Dir  string // its data and its log

	// Detached servers outlive the process that starts them; their process id is
	// in Dir, for End.
	Detached bool

	port  *port.Port // nobody else gets it while the server is down
	argv  []string
	env   []string
	ready func(ctx context.Context) error // nil once it serves

	mu      sync.Mutex
	process *exec.Cmd
	exited  chan struct{}
}

// URL is the server's address as an HTTP client wants it.
func (s *Server) URL() string { return "http://" + s.Addr }

// Pid is the running process's id, 0 when there is none.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Process.Pid
}

// Start starts the server and returns when it answers. Starting a running one
// does nothing.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return nil
	}
	logFile, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("servers: %s: %w", s.Kind, err)
	}
	defer logFile.Close()
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, logFile, logFile
	// Nothing of the caller's environment changes what the server does.
	cmd.Env = append([]string{"HOME=" + s.Dir, "PATH=" + os.Getenv("PATH"), "LANG=C"}, s.env...)
	cmd.SysProcAttr = ownProcess(s.Detached)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("servers: %s: %w", s.Kind, err)
	}
	if s.Detached {
		if err := os.WriteFile(s.pidFile(), strconv.AppendInt(nil, int64(cmd.Process.Pid), 10), 0o600); err != nil {
			_ = cmd.Process.Kill()
			return fmt.Errorf("servers: %s: %w", s.Kind, err)
		}
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	s.process, s.exited = cmd, exited
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			s.process = nil
			return fmt.Errorf("servers: %s ended at once: %s", s.Kind, s.tail())
		case <-ctx.Done():
			s.end(syscall.SIGKILL)
			return fmt.Errorf("servers: %s does not answer: %w: %s", s.Kind, err, s.tail())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server as an operator would, and kills it when that takes
// longer than ten seconds.
func (s *Server) Stop() { s.signal(syscall.SIGTERM) }

// Kill ends the server as a power cut would.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

// Freeze stops the process without ending it: connections are accepted by the
// kernel and never answered. Thaw lets it go on.
func (s *Server) Freeze() error {
	if err := s.send(syscall.SIGSTOP); err != nil {
		return err
	}
	// A thread that is just at work still finishes an answer.
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !stopped(s.Pid()); {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// stopped reports whether every thread of a process has stopped. Where the
// system does not say, that takes until the caller's patience ends.
func stopped(pid int) bool {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(files) == 0 {
		return false
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		// pid (name) state …: proc(5); the name may hold anything.
		if i := bytes.LastIndexByte(b, ')'); i < 0 || i+2 >= len(b) || b[i+2] != 'T' {
			return false
		}
	}
	return true
}

// Thaw lets a frozen process go on.
func (s *Server) Thaw() error { return s.send(syscall.SIGCONT) }

func (s *Server) send(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("servers: " + s.Kind + " is not running")
	}
	return s.process.Process.Signal(sig)
}

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(sig)
}

// end needs s.mu.
func (s *Server) end(sig syscall.Signal) {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(sig)
	_ = s.process.Process.Signal(syscall.SIGCONT) // a frozen one could not obey
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		_ = s.process.Process.Kill()
		<-s.exited
	}
	s.process = nil
}

// tail is the end of the server's log, for error messages.
func (s *Server) tail() string {
	b, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-2000):]))
}

// address returns a free loopback address, the same one for a folder ever
// after. Whoever got it first keeps its port while the Port is in use.
func address(dir string) (string, *port.Port, error) {
	file := filepath.Join(dir, "addr")
	if b, err := os.ReadFile(file); err == nil {
		return string(b), nil, nil
	}
	p, err := port.Hold()
	if err != nil {
		return "", nil, err
	}
	return p.Addr, p, os.WriteFile(file, []byte(p.Addr), 0o600)
}

// answers makes a readiness check of a request: any answer with a status
// below 500 counts.
func answers(method, url string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode >= 500 {
			return errors.New(resp.Status)
		}
		return nil
	}
}

// Root is the folder of this repository: the nearest one above the working
// folder whose go.mod is ours.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.Contains(string(b), "module github.com/eventseal/eventseal\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("servers: not inside the Eventseal repository")
		}
		dir = up
	}
}

// binary is the path of one of the servers' binaries.
func binary(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "build", "servers", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("servers: %s is missing on %s/%s: run `make servers` (%w)", name, runtime.GOOS, runtime.GOARCH, err)
	}
	return path, nil
}
