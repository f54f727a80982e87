package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/port"
)

// A process is the real binary serving one data folder, started and ended as
// often as a test likes. Unlike servers.Server it can be killed while it starts.
type process struct {
	t      testing.TB
	binary string
	data   string
	addr   string
	env    []string
	log    lockedBuffer

	cmd    *exec.Cmd
	exited chan struct{}
}

// newProcess prepares a host on the embedded default with its data in a folder.
func newProcess(t testing.TB, data string, env ...string) *process {
	held, err := port.Hold() // also while the process is down
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, binary: servers.Eventseal(t), data: data, addr: held.Addr}
	p.env = append([]string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "EVENTSEAL_LOG_LEVEL=warn"}, env...)
	t.Cleanup(func() {
		p.kill()
		held.Close()
		if t.Failed() {
			t.Logf("the host's log ends with:\n%s", p.log.tail(4000))
		}
	})
	return p
}

func (p *process) url() string { return "http://" + p.addr }

// start starts the process and does not wait for it to serve.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "serve", "--data", p.data, "--listen", p.addr)
	p.cmd.Env, p.cmd.Dir = p.env, filepath.Dir(p.data)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(p.cmd, p.exited)
}

// ready waits until the host serves.
func (p *process) ready() {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		resp, err := http.Get(p.url() + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-p.exited:
			p.t.Fatalf("the host ended: %v\n%s", p.cmd.ProcessState, p.log.tail(4000))
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("the host is not ready: %v\n%s", err, p.log.tail(4000))
		}
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
	p.cmd = nil
}

// signal asks the process to end.
func (p *process) signal(sig os.Signal) {
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the exit status of a process that was asked to end.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the host does not end\n%s", p.log.tail(4000))
	}
	status := p.cmd.ProcessState.ExitCode()
	p.cmd = nil
	return status
}

// stop ends the process as an operator would, and wants it to end well.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if status := p.wait(); status != 0 {
		p.t.Fatalf("exit status %d\n%s", status, p.log.tail(4000))
	}
}

// client returns one that asks once: what fails shall be seen.
func (p *process) client() *client.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	p.t.Cleanup(transport.CloseIdleConnections)
	cl, err := client.New(client.Options{
		Server: p.url(), Verifier: moduletest.Open(p.t), Attempts: 1, HTTP: &http.Client{Transport: transport},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return cl
}

// settled waits until no replica is owed an event. What health says may be a
// second old.
func (p *process) settled() {
	p.t.Helper()
	cl := p.client()
	time.Sleep(1100 * time.Millisecond)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		doc, _, err := cl.Health(context.Background())
		if err == nil && bytes.Contains(doc, []byte(`"pending":0`)) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("copies are owed still: %s (%v)\n%s", doc, err, p.log.tail(4000))
		}
	}
}

// A lockedBuffer holds what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	return strings.TrimSpace(s[max(0, len(s)-n):])
}
