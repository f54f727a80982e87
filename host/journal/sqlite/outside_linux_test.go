package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// A logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// outsider runs the test again as another process, which does what its part in
// the test says with the journal and holds it until the returned function is called.
func outsider(t *testing.T, path string) (pid int, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "EVENTSEAL_OUTSIDER="+path)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	t.Cleanup(end)
	for s := bufio.NewScanner(out); s.Scan(); {
		if s.Text() == "holding" {
			return cmd.Process.Pid, end
		}
	}
	t.Fatal("the other process does not get hold of the journal")
	return 0, nil
}

// hold is the outsider's part.
func hold(t *testing.T, statements ...string) bool {
	path := os.Getenv("EVENTSEAL_OUTSIDER")
	if path == "" {
		return false
	}
	name, err := dsn(path, "", busyTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if err := c.query(s, nil, func([]driver.Value) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("holding")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	return true
}

// quick fails a test in which a call waited for another program: it was 10
// seconds, each time. A second is what is promised, to whom the machine is his.
func quick(t *testing.T, what string, call func()) {
	t.Helper()
	begun := time.Now()
	if call(); time.Since(begun) > 8*time.Second {
		t.Errorf("%s took %v", what, time.Since(begun))
	}
}

// TestOutsideReader: another program reads the journal and does not end.
func TestOutsideReader(t *testing.T) {
	if hold(t, `BEGIN`, `SELECT count(*) FROM events`) {
		return
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "j.db")
	var log logged
	j := open(t, path, Options{checkpoint: 20, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := j.Admit(ctx, journaltest.Events(0, 10, 1000), both); err != nil {
		t.Fatal(err)
	}
	pid, end := outsider(t, path)
	next := uint64(10)
	store := func() {
		quick(t, "a store", func() {
			if _, err := j.Admit(ctx, journaltest.Events(next, next+50, 1000), both); err != nil {
				t.Fatal(err)
			}
		})
		next += 50
	}
	for range 40 {
		store()
	}
	if j.Stats().LogBytes < 100*pageBytes {
		t.Errorf("the log has %d bytes: nobody kept it", j.Stats().LogBytes)
	}
	if want := fmt.Sprintf("(process %d)", pid); !strings.Contains(log.String(), want) {
		t.Errorf("the log does not name %s:\n%s", want, log.String())
	}
	if n := strings.Count(log.String(), "keeps the journal's log"); n > 8 {
		t.Errorf("the log says it %d times", n)
	}
	end()
	for i := 0; j.Stats().LogBytes > 100*pageBytes; i++ {
		if store(); i > 200 {
			t.Fatalf("the log still has %d bytes", j.Stats().LogBytes)
		}
	}
}

// TestOutsideWriter: another program locks the journal for writing.
func TestOutsideWriter(t *testing.T) {
	if hold(t, `BEGIN EXCLUSIVE`) {
		return
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "j.db")
	var log logged
	j := open(t, path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := j.Admit(ctx, journaltest.Events(0, 10, 1000), both); err != nil {
		t.Fatal(err)
	}
	pid, end := outsider(t, path)
	for range 3 {
		quick(t, "a store", func() {
			if _, err := j.Admit(ctx, journaltest.Events(10, 20, 1000), both); !errors.Is(err, journal.ErrBusy) {
				t.Errorf("Admit: %v, want ErrBusy", err)
			}
		})
	}
	j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held})
	quick(t, "a read", func() {
		if es, err := j.Scan(ctx, 0, 100); len(es) != 10 || err != nil {
			t.Errorf("Scan: %d events, %v", len(es), err)
		}
	})
	if want := fmt.Sprintf("(process %d)", pid); !strings.Contains(log.String(), want) {
		t.Errorf("the log does not name %s:\n%s", want, log.String())
	}
	end()
	if _, err := j.Admit(ctx, journaltest.Events(10, 20, 1000), both); err != nil || j.Failure() != nil {
		t.Fatalf("Admit: %v, %v", err, j.Failure())
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if l, err := j.Location(ctx, journaltest.Hash(0), "a"); l != "x" || err != nil {
		t.Errorf("the news are lost: %q, %v", l, err)
	}
}

// TestTooManyFiles: the process may open no more files.
func TestTooManyFiles(t *testing.T) {
	const at = "EVENTSEAL_OUTSIDER"
	if os.Getenv(at) == "" {
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), at+"=x")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	ctx := context.Background()
	j := open(t, filepath.Join(t.TempDir(), "j.db"), Options{checkpoint: 10})
	if _, err := j.Admit(ctx, journaltest.Events(0, 10, 1000), both); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: 200, Max: 200}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var held []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		held = append(held, f)
	}
	for next := uint64(10); next < 500; next += 10 {
		if _, err := j.Admit(ctx, journaltest.Events(next, next+10, 1000), both); err != nil {
			t.Fatalf("Admit: %v", err)
		}
	}
	var wg sync.WaitGroup
	for i := range uint64(32) {
		wg.Go(func() {
			for k := range uint64(10) {
				if _, _, err := j.Get(ctx, journaltest.Hash(i*10+k)); err != nil {
					t.Errorf("Get: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for _, f := range held {
		_ = f.Close()
	}
	if j.Failure() != nil {
		t.Fatal(j.Failure())
	}
}

// TestHarmlessErrors holds which errors close the journal.
func TestHarmlessErrors(t *testing.T) {
	missing, err := dsn(filepath.Join(t.TempDir(), "no folder", "x.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	_, cantOpen := connect(missing)
	path := filepath.Join(t.TempDir(), "j.db")
	for _, c := range []struct {
		at   string
		err  error
		want error
	}{
		{"begin", cantOpen, journal.ErrBusy}, {"commit", cantOpen, journal.ErrBusy}, {"checkpoint", cantOpen, nil},
		{"commit", errors.New("nobody knows"), journal.ErrFailed},
	} {
		var broken bool
		var mu sync.Mutex
		j := open(t, path, Options{Log: quiet, fault: func(step string) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if broken && step == c.at {
				return false, c.err
			}
			return true, nil
		}})
		ctx := context.Background()
		set := func(b bool) {
			mu.Lock()
			defer mu.Unlock()
			broken = b
		}
		set(true)
		if _, err := j.Admit(ctx, journaltest.Events(0, 1, 100), both); c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s, %v: Admit: %v", c.at, c.err, err)
		}
		set(false)
		_, err := j.Admit(ctx, journaltest.Events(0, 1, 100), both)
		if failed := c.want == journal.ErrFailed; failed != errors.Is(err, journal.ErrFailed) || !failed && err != nil {
			t.Errorf("%s, %v: Admit afterwards: %v", c.at, c.err, err)
		}
		_ = j.Close()
	}
}
