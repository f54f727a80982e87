package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/port"
)

// patience bounds every wait; nothing depends on how much of it is used.
const patience = 30 * time.Second

// TestScripts runs testdata/script against the real binary. Each script has a
// folder, a cache and a free port of its own, and an environment without any
// settings.
func TestScripts(t *testing.T) {
	binary := servers.Eventseal(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			p, err := port.Hold()
			if err != nil {
				return err
			}
			e.Defer(func() { p.Close() })
			e.Setenv("ADDR", p.Addr)
			e.Setenv("EVENTSEAL_SERVER", "http://"+p.Addr)
			e.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			for name, kind := range map[string]byte{"LOG_VKEY": checkpoint.Ed25519, "WITNESS_VKEY": checkpoint.Cosignature} {
				e.Setenv(name, checkpoint.Key{Name: "example.org/log", Kind: kind, Raw: make([]byte, 32)}.String())
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "logs.txt"), []byte(e.Getenv("LOG_VKEY")+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": func(ts *testscript.TestScript, _ bool, _ []string) {
				answering(ts, ts.Getenv("EVENTSEAL_SERVER")+"/readyz")
			},
			"answering": func(ts *testscript.TestScript, _ bool, args []string) { answering(ts, args[0]) },
			"status":    exited,
			"field":     field,
			"nonl":      nonl,
			"mode":      mode,
			"events":    func(ts *testscript.TestScript, _ bool, args []string) { events(t, ts, args) },
			"damage":    func(ts *testscript.TestScript, _ bool, args []string) { damage(t, ts, args) },
			"fetch":     fetch,
			"replace":   replace,
			"graft":     graft,
			"promise":   func(ts *testscript.TestScript, _ bool, args []string) { promise(t, ts, args) },
		},
	})
}

// answering waits until a server answers with 200.
func answering(ts *testscript.TestScript, url string) {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("%s", resp.Status)
		}
		if time.Now().After(end) {
			ts.Fatalf("%s does not answer: %v", url, err)
		}
	}
}

// status N command… runs the command and wants the exit status N.
func exited(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("the exit status is %s, want %s", got, args[0])
	}
}

// field VARIABLE FILE path.to.member puts a member of a JSON document into the
// environment.
func field(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: field VARIABLE FILE path")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[1])), &v); err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	for key := range strings.SplitSeq(args[2], ".") {
		m, ok := v.(map[string]any)
		if !ok || m[key] == nil {
			ts.Fatalf("%s has no %s", args[1], args[2])
		}
		v = m[key]
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// nonl FILE cuts the line end that the script's file section has.
func nonl(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, bytes.TrimRight(b, "\n"), 0o600))
}

// events N FILE writes the first N events of moduletest, one a line.
func events(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: events N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b bytes.Buffer
	for i := range n {
		b.Write(append(moduletest.Event(t, i).Record(), '\n'))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}

// damage JOURNAL N makes unreadable what a journal has of the N-th of these
// events, from 1, and of its neighbours.
func damage(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: damage JOURNAL N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(journaltest.Damage(ts.MkAbs(args[0]), moduletest.Event(t, n-1).Hash()))
}

// mode FILE 0600 checks who can read a file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}
