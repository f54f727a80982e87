package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// fetch PATH FILE writes what the script's host serves at a path.
func fetch(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fetch PATH FILE")
	}
	resp, err := http.Get(ts.Getenv("EVENTSEAL_SERVER") + args[0])
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[0], resp.Status)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// replace FILE OLD NEW OUT writes a file with another text in place of the one
// that it must have once.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: replace FILE OLD NEW OUT")
	}
	b, was := []byte(ts.ReadFile(args[0])), []byte(args[1])
	if !bytes.Contains(b, was) {
		ts.Fatalf("%s has no %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), bytes.Replace(b, was, []byte(args[2]), 1), 0o600))
}

func members(ts *testscript.TestScript, file string) (m map[string]json.RawMessage) {
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &m))
	return m
}

func write(ts *testscript.TestScript, file string, v any) {
	b, err := json.Marshal(v)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(file), b, 0o600))
}

// graft A B MEMBER OUT writes A with a member of B.
func graft(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: graft A B MEMBER OUT")
	}
	a := members(ts, args[0])
	a[args[2]] = members(ts, args[1])[args[2]]
	write(ts, args[3], a)
}

// promise KEYFILE ANSWER HASH OUT writes the receipt of an answer as the host
// would have signed it for another event.
func promise(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: promise KEYFILE ANSWER HASH OUT")
	}
	p := moduletest.Open(t)
	key, err := log.LoadKey(context.Background(), p, ts.MkAbs(args[0]))
	ts.Check(err)
	var m map[string]any
	ts.Check(json.Unmarshal(members(ts, args[1])["signed"], &m))
	m["hash"] = args[2]
	delete(m, "sig")
	unsigned, err := json.Marshal(m)
	ts.Check(err)
	signed, err := p.SignReceipt(context.Background(), unsigned, key.Private())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), signed, 0o600))
}
