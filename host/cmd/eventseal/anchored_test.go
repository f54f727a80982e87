package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers/chain"
)

// begin is when the chains of these tests do.
var begin = time.Now()

// testChain returns a chain of blocks that come quickly, an endpoint whose
// requests hook sees, and the settings of a host that anchors there.
func testChain(t *testing.T, hook func(chain.Request) bool) (*chain.Chain, *httptest.Server, []string) {
	private, public := chain.Key("host")
	c, err := chain.New(chain.Options{
		Keys: map[string][]string{"anchor": {public}}, Links: map[string]string{"post": "anchor", "event": "anchor"},
		Start: begin, Auto: true, Interval: 20 * time.Millisecond, Lag: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Node(0).Hook(hook)
	// A server of its own, which does not wait for requests that are held.
	s := httptest.NewServer(c.Node(0))
	t.Cleanup(s.CloseClientConnections)
	return c, s, []string{
		"EVENTSEAL_ANCHOR_DRIVER=antelope", "EVENTSEAL_ANCHOR_ENDPOINTS=" + s.URL, "EVENTSEAL_ANCHOR_CHAIN_ID=" + c.ID(),
		"EVENTSEAL_ANCHOR_CONTRACT=eventseal", "EVENTSEAL_ANCHOR_PERMISSION=anchor", "EVENTSEAL_ANCHOR_KEY=" + private,
		"EVENTSEAL_ANCHOR_EVERY=1s", "EVENTSEAL_ANCHOR_EVENTS=*",
	}
}

// The host is killed before and after each kind of request that the anchor makes,
// each time with something on its way, and in the end everything is on the chain
// once, final, and proven without host and chain.
func TestAnchoredOnce(t *testing.T) {
	var mu sync.Mutex
	var armed *chain.Request // where the host is killed; nil: nowhere
	reached := make(chan struct{}, 1)
	c, node, env := testChain(t, func(r chain.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if armed == nil || r.Path != armed.Path || r.After != armed.After {
			return true
		}
		armed = nil
		reached <- struct{}{}
		return false
	})
	p := newProcess(t, filepath.Join(t.TempDir(), "data"), env...)
	p.start()
	p.ready()
	n := 0
	for _, call := range []string{"send_transaction2", "get_table_rows", "get_block_info", "get_block", "get_info"} {
		for _, after := range []bool{false, true} {
			mu.Lock()
			armed = &chain.Request{Path: "/v1/chain/" + call, After: after}
			mu.Unlock()
			if _, err := p.client().Store(t.Context(), "", moduletest.Event(t, n).Record()); err != nil {
				t.Fatal(err)
			}
			n++
			select {
			case <-reached:
			case <-time.After(patience):
				t.Fatalf("%s (after: %v) was not called", call, after)
			}
			p.kill()
			p.start()
			p.ready()
		}
	}
	last := moduletest.Event(t, n-1)
	file := filepath.Join(t.TempDir(), "proof.json")
	if out, err := p.eventseal("proof", last.Hash().String(), "--wait", "anchored", "--patience", patience.String(), "-o", file); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.until("every event is final on its own", func() bool {
		var s struct{ Events struct{ Backlog uint64 } }
		doc, err := p.client().Anchor(context.Background())
		return err == nil && json.Unmarshal(doc, &s) == nil && s.Events.Backlog == 0
	})
	p.kill()

	var events, heads []struct {
		Seq, Size, Code uint64
		Hash            string
	}
	rows(t, c, "events", &events)
	rows(t, c, "heads", &heads)
	if len(events) != n {
		t.Errorf("%d events are on the chain, %d were stored", len(events), n)
	}
	for i, e := range events {
		if v := moduletest.Event(t, i); e.Seq != uint64(i+1) || e.Hash != v.Hash().String() || e.Code != uint64(v.Meta().TypeCode) {
			t.Errorf("number %d is %+v, not %s", i+1, e, v.Hash())
		}
	}
	for i, h := range heads {
		if h.Seq != uint64(i+1) || i > 0 && h.Size <= heads[i-1].Size || i == len(heads)-1 && h.Size != uint64(n) {
			t.Errorf("head %d is %+v", i+1, h)
		}
	}

	verify := func(want string, args ...string) string {
		t.Helper()
		out, err := p.eventseal(append([]string{"verify-proof", file}, args...)...)
		if !strings.Contains(out, want) {
			t.Errorf("%v: %v: %s", args, err, out)
		}
		return out
	}
	if out := verify(`"anchor": "needs chain"`); !strings.Contains(out, `"valid": true`) || !strings.Contains(out, "only a node of the chain can say") {
		t.Error(out)
	}
	if out := verify(`"anchor": "valid"`, "--chain", node.URL); !strings.Contains(out, `"valid": true`) {
		t.Error(out)
	}
	other, err := chain.New(chain.Options{Start: begin.Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	another := httptest.NewServer(other.Node(0))
	t.Cleanup(another.Close)
	if out := verify(`"anchor": "needs chain"`, "--chain", another.URL); !strings.Contains(out, "another chain") {
		t.Error(out)
	}
	// One of the same beginning that has gone another way, as after a rollback.
	forged, err := chain.New(chain.Options{Start: begin, Lag: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { forged.Close() })
	forged.Produce(int(c.Head().Num))
	liar := httptest.NewServer(forged.Node(0))
	t.Cleanup(liar.Close)
	if out := verify(`"anchor": "not_on_chain"`, "--chain", liar.URL); !strings.Contains(out, `"valid": false`) {
		t.Error(out)
	}
	node.CloseClientConnections()
	node.Close()
	verify(`"anchor": "needs chain"`)
	verify("could not be asked", "--chain", node.URL)
}

// Without a key on the host, a wallet is asked for what is due, and what it signed
// is taken up.
func TestAnchoredByWallet(t *testing.T) {
	c, _, env := testChain(t, nil)
	for i, e := range env {
		if strings.HasPrefix(e, "EVENTSEAL_ANCHOR_KEY=") {
			env[i] = "EVENTSEAL_ANCHOR_SIGNER=wallet"
		}
	}
	p := newProcess(t, filepath.Join(t.TempDir(), "data"), env...)
	p.start()
	p.ready()
	if _, err := p.client().Store(t.Context(), "", moduletest.Event(t, 0).Record()); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Signer   string
		Requests []struct {
			Kind, URI string
			Post      struct {
				Size uint64
				Root string
			}
		}
		Heads struct{ Final *struct{ Number uint64 } }
	}
	status := func() bool {
		out, err := p.eventseal("anchor", "status")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return true
	}
	p.until("a head and an event are to be signed", func() bool { return status() && len(s.Requests) == 2 })
	for _, r := range s.Requests {
		if !strings.HasPrefix(r.URI, "esr:") {
			t.Errorf("the request for %s is %s", r.Kind, r.URI)
		}
		if r.Kind == "head" {
			root, err := hex.DecodeString(r.Post.Root)
			if err != nil {
				t.Fatal(err)
			}
			data := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1), r.Post.Size)
			if _, err := c.Act("post", append(data, root...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.Signer != "wallet" {
		t.Errorf("the signer is %q", s.Signer)
	}
	p.until("what was signed elsewhere is final", func() bool { return status() && s.Heads.Final != nil && s.Heads.Final.Number == 1 })
	p.stop()
}

func rows(t *testing.T, c *chain.Chain, table string, to any) {
	t.Helper()
	b, err := json.Marshal(c.Rows(table))
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eventseal runs the command against the host and returns what it wrote.
func (p *process) eventseal(args ...string) (string, error) {
	cmd := exec.Command(p.binary, args...)
	cmd.Env = []string{"HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "EVENTSEAL_SERVER=" + p.url()}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// until waits for something that comes by itself.
func (p *process) until(what string, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("not within %v: %s\n%s", patience, what, p.log.tail(4000))
		}
	}
}
