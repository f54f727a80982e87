package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers/port"
)

// eventually waits until f gives no error.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// getText returns what a server has at an address.
func getText(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(url + ": " + resp.Status)
	}
	return string(b), err
}

// A witnessed is the real binary as a witness.
type witnessed struct {
	url string
	key checkpoint.Key
}

// newWitness starts a witness of a log, which ends with the test.
func newWitness(t *testing.T, binary, name, log string) witnessed {
	t.Helper()
	held, err := port.Hold()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var said lockedBuffer
	cmd := exec.Command(binary, "witness", "--name", name, "--data", filepath.Join(dir, "witness"), "--listen", held.Addr, "--log", log)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the witness ended with %v\n%s", err, said.tail(4000))
		}
		held.Close()
	})
	w := witnessed{url: "http://" + held.Addr}
	eventually(t, func() error {
		text, err := getText(w.url + "/keys")
		if err != nil {
			return err
		}
		w.key, err = checkpoint.ParseKey(strings.TrimSpace(text))
		return err
	})
	return w
}

// logKeys returns the lines of a host's /log/keys.
func logKeys(t *testing.T, p *process) (lines []string) {
	t.Helper()
	eventually(t, func() error {
		text, err := getText(p.url() + "/log/keys")
		lines = strings.Split(strings.TrimSpace(text), "\n")
		return err
	})
	return lines
}

// head waits until a host serves a head of at least so many events that the
// witness has signed, if one is given.
func head(t *testing.T, p *process, size uint64, w *witnessed) (c checkpoint.Checkpoint) {
	t.Helper()
	k, err := checkpoint.ParseKey(logKeys(t, p)[0])
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		text, err := getText(p.url() + "/log/checkpoint")
		if err != nil {
			return err
		}
		if c, _, err = checkpoint.Open([]byte(text), k.Verifier()); err == nil && w != nil {
			_, _, err = checkpoint.Open([]byte(text), w.key.Verifier())
		}
		if err == nil && c.Size < size {
			err = fmt.Errorf("the head is %d", c.Size)
		}
		return err
	})
	return c
}

// put stores events from … to-1 of moduletest.
func put(t *testing.T, p *process, from, to int) {
	t.Helper()
	var records [][]byte
	for i := from; i < to; i++ {
		records = append(records, moduletest.Event(t, i).Record())
	}
	stored, err := p.client().StoreBatch(t.Context(), client.WaitQuorum, records)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stored {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
	}
}

// command runs the binary in a folder and returns its lines and exit status.
func command(t *testing.T, binary, dir string, args ...string) (lines []map[string]any, out string, exit int) {
	t.Helper()
	var stdout bytes.Buffer
	var all lockedBuffer
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, io.MultiWriter(&stdout, &all), &all
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(&stdout); ; {
		var v map[string]any
		if d.Decode(&v) != nil {
			return lines, all.tail(1 << 20), cmd.ProcessState.ExitCode()
		}
		lines = append(lines, v)
	}
}

// Two hosts, each with the other's operator as its witness, monitor and mirror.
func TestTwoHostsWatchEachOther(t *testing.T) {
	var hosts [2]*process
	for i, name := range []string{"a.example.org", "b.example.org"} {
		hosts[i] = newProcess(t, filepath.Join(t.TempDir(), "data"), "EVENTSEAL_TRANSPARENCY_NAME="+name)
		hosts[i].start()
		hosts[i].ready()
	}
	dir := t.TempDir()
	var ws [2]witnessed
	for i, p := range hosts {
		keys := logKeys(t, p)
		ws[i] = newWitness(t, p.binary, fmt.Sprintf("w%d.example.org", i), keys[0])
		policy := fmt.Sprintf("%s\n%s\nwitness other %s\nquorum other\n", keys[0], keys[1], ws[i].key)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("keys%d", i)), []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		p.stop()
		p.env = append(p.env, "EVENTSEAL_TRANSPARENCY_WITNESSES="+ws[i].url+" "+ws[i].key.String(), "EVENTSEAL_TRANSPARENCY_WITNESS_QUORUM=1")
		p.start()
		p.ready()
	}
	put(t, hosts[0], 0, 300)
	put(t, hosts[1], 250, 400)
	follow := func(what string, i int, more ...string) (map[string]any, string, int) {
		t.Helper()
		lines, out, exit := command(t, hosts[i].binary, dir, append([]string{what, hosts[i].url(), "--once", "--keys", fmt.Sprintf("keys%d", i), "--state", fmt.Sprint(what, i)}, more...)...)
		if len(lines) == 0 {
			t.Fatalf("%s: exit status %d\n%s", what, exit, out)
		}
		return lines[len(lines)-1], out, exit
	}
	for i, size := range []float64{300, 150} {
		head(t, hosts[i], uint64(size), &ws[i])
		if r, out, exit := follow("monitor", i); exit != 0 || r["verified"] != size || r["complete"] != true {
			t.Errorf("exit status %d\n%s", exit, out)
		}
	}
	// Each gets what it lacks of the other, then both have all, and it ends.
	for i, want := range []struct{ created, known float64 }{{250, 50}, {100, 300}, {0, 100}, {0, 0}} {
		from, into := hosts[i%2], hosts[1-i%2]
		r, out, exit := follow("mirror", i%2, "--server", into.url())
		if exit != 0 || r["created"] != want.created || r["known"] != want.known || r["complete"] != true {
			t.Fatalf("%s into %s, %d: exit status %d\n%s", from.addr, into.addr, i, exit, out)
		}
		head(t, hosts[0], 300+uint64(min(i, 1)*100), &ws[0])
		head(t, hosts[1], 400, &ws[1])
	}
	for i, p := range hosts {
		if c := head(t, p, 400, &ws[i]); c.Size != 400 {
			t.Errorf("a head of %d", c.Size)
		}
		if r, out, exit := follow("monitor", i); exit != 0 || r["verified"] != 400.0 {
			t.Errorf("exit status %d\n%s", exit, out)
		}
	}
	// What comes is followed while it comes.
	mirror := exec.Command(hosts[0].binary, "mirror", hosts[0].url(), "--keys", "keys0", "--state", "mirror0", "--server", hosts[1].url(), "--every", "1s")
	var said lockedBuffer
	mirror.Dir, mirror.Stdout, mirror.Stderr = dir, &said, &said
	mirror.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	mirror.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := mirror.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirror.Process.Kill() }()
	for size := 420; size <= 440; size += 20 {
		put(t, hosts[0], size-20, size)
		head(t, hosts[1], uint64(size), &ws[1])
	}
	if err := mirror.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := mirror.Wait(); err != nil {
		t.Errorf("%v\n%s", err, said.tail(4000))
	}
	for _, p := range hosts {
		p.stop()
	}
}

// A host whose whole folder was put back to an older copy, and that goes on from
// there, has signed what it must not: no witness signs it, and whoever followed has
// the proof.
func TestRestoredHostIsFoundOut(t *testing.T) {
	p := newProcess(t, filepath.Join(t.TempDir(), "data"))
	p.start()
	p.ready()
	dir := t.TempDir()
	put(t, p, 0, 20)
	head(t, p, 20, nil)
	p.stop()
	older := filepath.Join(dir, "older")
	if err := os.CopyFS(older, os.DirFS(p.data)); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.ready()
	put(t, p, 20, 40)
	had := head(t, p, 40, nil)
	monitor := func() ([]map[string]any, string, int) {
		return command(t, p.binary, dir, "monitor", p.url(), "--once", "--state", "state")
	}
	if lines, out, exit := monitor(); exit != 0 || lines[0]["verified"] != 40.0 {
		t.Fatalf("exit status %d\n%s", exit, out)
	}
	p.stop()
	if err := os.RemoveAll(p.data); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(p.data, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.ready()
	put(t, p, 50, 75)
	if c := head(t, p, 45, nil); c.Origin != had.Origin {
		t.Fatalf("it began the log %s", c.Origin)
	}
	lines, out, exit := monitor()
	if exit != 1 || lines[0]["finding"] != "split_view" {
		t.Fatalf("exit status %d\n%s", exit, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys"), []byte(strings.Join(logKeys(t, p), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.stop() // the evidence needs nobody
	if lines, out, exit := command(t, p.binary, dir, "evidence", lines[0]["evidence"].(string), "--keys", "keys"); exit != 0 || lines[0]["proven"] != true {
		t.Errorf("exit status %d\n%s", exit, out)
	}
}
