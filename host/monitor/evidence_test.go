package monitor_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/monitor"
	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// evidence has a host sign two heads, of 300 leaves and of more, and returns the file.
func evidence(t *testing.T) (*host, string, []byte) {
	h := newHost(t, 300)
	w := watch(t, h)
	w.good(300)
	fork := h.log.Fork(200)
	fork.Grow(450, 1)
	h.lies(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		path, isLog := strings.CutPrefix(r.URL.Path, "/log/")
		switch {
		case path == "checkpoint":
			w.Write(h.head(fork, 450))
		case isLog && path != "keys":
			h.serveTile(w, fork, path)
		default:
			return false
		}
		return true
	})
	f, _ := w.bad(monitor.SplitView)
	b, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	return h, f.Path, b
}

// The evidence needs none of our code, only the log's key.
func TestEvidenceAlone(t *testing.T) {
	h, _, b := evidence(t)
	var e struct {
		Checkpoints []string
		Prefix      tlog.Hash `json:"prefix_root"`
		Consistency tlog.TreeProof
	}
	if err := json.Unmarshal(b, &e); err != nil || len(e.Checkpoints) != 2 {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(h.log.Key.String())
	if err != nil {
		t.Fatal(err)
	}
	var heads [2]torchwood.Checkpoint
	for i, signed := range e.Checkpoints {
		n, err := note.Open([]byte(signed), note.VerifierList(v))
		if err != nil {
			t.Fatal(err)
		}
		if heads[i], err = torchwood.ParseCheckpoint(n.Text); err != nil {
			t.Fatal(err)
		}
	}
	small, large := heads[0], heads[1]
	if err := tlog.CheckTree(e.Consistency, large.N, large.Hash, small.N, e.Prefix); err != nil || small.N != 300 || large.N != 450 || e.Prefix == small.Hash {
		t.Errorf("%+v, %+v, %v", small, large, err)
	}
}

// What was changed afterwards is no evidence.
func TestCheck(t *testing.T) {
	h, _, b := evidence(t)
	other := tiletest.New(t, origin)
	check := func(f monitor.Finding, trust string) (monitor.Verdict, error) {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := checkpoint.ParseTrust(trust)
		if err != nil {
			t.Fatal(err)
		}
		return monitor.Check(t.Context(), b, keys, moduletest.Open(t))
	}
	honest := newHost(t, 300)
	honest.log = h.log
	root := tlog.Hash(h.log.Head(300).Root)
	var proof []string
	for _, p := range h.log.Consistency(200, 300) {
		proof = append(proof, tlog.Hash(p).String())
	}
	same := func(a, b int) []string {
		return []string{string(honest.head(h.log, a)), string(honest.head(h.log, b))}
	}
	for _, c := range []struct {
		name, trust string
		change      func(f *monitor.Finding)
		holds       bool
	}{
		{"as it is", "", func(*monitor.Finding) {}, true},
		{"by its key", h.log.Key.String(), func(*monitor.Finding) {}, true},
		{"by another key", other.Key.String(), func(*monitor.Finding) {}, false},
		{"other keys", "", func(f *monitor.Finding) { f.Keys[0] = other.Key.String() }, false},
		{"no keys", "", func(f *monitor.Finding) { f.Keys = nil }, false},
		{"one head", "", func(f *monitor.Finding) { f.Checkpoints = f.Checkpoints[:1] }, false},
		{"the other way", "", func(f *monitor.Finding) {
			f.Checkpoints[0], f.Checkpoints[1] = f.Checkpoints[1], f.Checkpoints[0]
		}, false},
		{"the same head", "", func(f *monitor.Finding) { f.Checkpoints = same(300, 300) }, false},
		{"an unsigned head", "", func(f *monitor.Finding) {
			f.Checkpoints[1] = strings.Replace(f.Checkpoints[1], "\n450\n", "\n451\n", 1)
		}, false},
		{"no proof", "", func(f *monitor.Finding) { f.Consistency = nil }, false},
		{"no hash", "", func(f *monitor.Finding) { f.Consistency[0] = "x" }, false},
		{"another proof", "", func(f *monitor.Finding) { f.Consistency[0] = f.Consistency[1] }, false},
		{"another root", "", func(f *monitor.Finding) { f.Prefix = root.String() }, false},
		{"no contradiction", "", func(f *monitor.Finding) {
			f.Checkpoints, f.Consistency, f.Prefix = same(200, 300), proof, tlog.Hash(h.log.Head(200).Root).String()
		}, false},
		{"an honest log with a wrong root", "", func(f *monitor.Finding) {
			f.Checkpoints, f.Consistency, f.Prefix = same(200, 300), proof, tlog.Hash{1}.String()
		}, false},
		{"another version", "", func(f *monitor.Finding) { f.Version = 2 }, false},
		{"rollback", "", func(f *monitor.Finding) { f.Kind = monitor.Rollback }, true},
		{"rollback of an unsigned head", "", func(f *monitor.Finding) { f.Kind, f.Checkpoints[0] = monitor.Rollback, "x" }, false},
	} {
		var f monitor.Finding
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		c.change(&f)
		v, err := check(f, c.trust)
		if (err == nil) != c.holds || v.Proven != (c.holds && f.Kind == monitor.SplitView) {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
	if _, err := monitor.Check(t.Context(), []byte("{"), nil, moduletest.Open(t)); err == nil {
		t.Error("nonsense is evidence")
	}
}

// That the tree has the event is in the evidence of one that is not served.
func TestCheckLeaf(t *testing.T) {
	h := newHost(t, 300)
	w := watch(t, h)
	victim := h.log.Leaves[17]
	record := h.known[victim.String()]
	delete(h.known, victim.String())
	f, _ := w.bad(monitor.MissingEvent)
	if f.Sequence != 18 || f.Tries != 2 {
		t.Errorf("number %d after %d tries", f.Sequence, f.Tries)
	}
	// It is known to be missing from then on, and no news.
	if r := w.good(300); r.Missing != 1 {
		t.Errorf("%+v", r)
	}
	h.known[victim.String()] = record
	if r := w.good(300); r.Missing != 0 {
		t.Errorf("%+v", r)
	}
	b, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f *monitor.Finding){
		"another event":  func(f *monitor.Finding) { f.Hash = digest.Hash{1}.String() },
		"no hash":        func(f *monitor.Finding) { f.Hash = "x" },
		"another number": func(f *monitor.Finding) { f.Sequence++ },
		"another index":  func(f *monitor.Finding) { f.Sequence++; f.Proof = strings.Replace(f.Proof, "index 17", "index 18", 1) },
		"beyond the head": func(f *monitor.Finding) {
			f.Sequence = 400
			f.Proof = strings.Replace(f.Proof, "index 17", "index 399", 1)
		},
		"no proof":         func(f *monitor.Finding) { f.Proof = "" },
		"another head":     func(f *monitor.Finding) { f.Proof = strings.Replace(f.Proof, "\n300\n", "\n299\n", 1) },
		"a shorter proof":  func(f *monitor.Finding) { i := strings.Index(f.Proof, "\n\n"); f.Proof = f.Proof[:i-45] + f.Proof[i:] },
		"a hash too short": func(f *monitor.Finding) { i := strings.Index(f.Proof, "\n\n"); f.Proof = f.Proof[:i-4] + f.Proof[i:] },
	} {
		var f monitor.Finding
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		change(&f)
		changed, _ := json.Marshal(f)
		if v, err := monitor.Check(t.Context(), changed, nil, moduletest.Open(t)); err == nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
