package monitor_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/monitor"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// What was verified is not asked for again, by this process or another.
func TestFollows(t *testing.T) {
	h := newHost(t, 0)
	w := watch(t, h)
	first := 0
	w.o.Keys = func(keys []string) {
		if first++; !slices.Equal(keys, []string{h.log.Key.String(), h.k1.Public}) {
			t.Errorf("believed %q", keys)
		}
	}
	w.good(0)
	for _, n := range []int{1, 2, 255, 256, 300, 700} {
		h.lies(nil)
		h.admit(n)
		w.good(n)
	}
	if got := h.counted("/v1/events:retrieve"); got != 2 { // the rest of one bundle, and another
		t.Errorf("%d requests for 400 events", got)
	}
	h.lies(nil)
	w.good(700)
	if h.counted("/v1/") != 0 || h.counted("/log/tile/") != 0 {
		t.Error("what was verified is fetched again")
	}
	if first != 1 {
		t.Errorf("keys were believed %d times", first)
	}
	// What a kill left goes.
	left := filepath.Join(w.o.Dir, "state.json.ABCDEFGH.tmp")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.good(700)
	if _, err := os.Stat(left); err == nil {
		t.Error("it is there still")
	}
	w.o.Server += "/"
	if _, err := monitor.Open(w.o); err == nil || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("the state of another host: %v", err)
	}
}

// A lie is told once the first 300 events were verified, while the host has 600.
func TestLies(t *testing.T) {
	honest := newHost(t, 600)
	fork := honest.log.Fork(200) // the 201st is another one
	fork.Grow(600, 1)
	other := tiletest.New(t, origin)
	other.Grow(600, 0)
	type lie struct {
		name   string
		kind   monitor.Kind
		proven bool
		tell   func(h *host, w http.ResponseWriter, r *http.Request, body string) bool
	}
	at := func(path string, answer func(h *host) []byte) func(*host, http.ResponseWriter, *http.Request, string) bool {
		return func(h *host, w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.URL.Path != path {
				return false
			}
			if b := answer(h); b != nil {
				w.Write(b)
			} else {
				notFound(w)
			}
			return true
		}
	}
	// forked serves a whole other tree.
	forked := func(size int) func(*host, http.ResponseWriter, *http.Request, string) bool {
		return func(h *host, w http.ResponseWriter, r *http.Request, _ string) bool {
			path, isLog := strings.CutPrefix(r.URL.Path, "/log/")
			switch {
			case path == "checkpoint":
				w.Write(h.head(fork, size))
			case isLog && path != "keys":
				h.serveTile(w, fork.Fork(size), path)
			default:
				return false
			}
			return true
		}
	}
	head := func(size int) func(h *host) []byte {
		return func(h *host) []byte { return h.head(h.log, size) }
	}
	changed := func(path string, i int) func(h *host) []byte {
		return func(h *host) []byte {
			n, err := tile.ParsePath(strings.TrimPrefix(path, "/log/"))
			if err != nil {
				t.Error(err)
			}
			b := bytes.Clone(h.log.Tile(n))
			b[i] ^= 1
			return b
		}
	}
	serving := func(record func(h *host, hash string) []byte) func(*host, http.ResponseWriter, *http.Request, string) bool {
		victim := honest.log.Leaves[449].String()
		return func(h *host, w http.ResponseWriter, r *http.Request, body string) bool {
			known := map[string][]byte{}
			for hash, b := range h.known {
				known[hash] = b
			}
			if known[victim] = record(h, victim); known[victim] == nil {
				delete(known, victim)
			}
			switch r.URL.Path {
			case "/v1/events:retrieve":
				h.retrieve(w, body, known)
			case "/v1/events/" + victim:
				if known[victim] == nil {
					return false
				}
				w.Write(known[victim])
			default:
				return false
			}
			return true
		}
	}
	none := func(*host) []byte { return nil }
	for _, l := range []lie{
		{"another root of the same size", monitor.SplitView, true, forked(300)},
		{"a rewritten event", monitor.SplitView, true, forked(600)},
		{"a rewritten event, smaller", monitor.SplitView, true, at("/log/checkpoint", func(h *host) []byte { return h.head(fork, 299) })},
		{"rolled back", monitor.Rollback, false, at("/log/checkpoint", head(299))},
		{"rolled back to the empty tree", monitor.Rollback, false, at("/log/checkpoint", head(0))},
		{"no head any more", monitor.Rollback, false, at("/log/checkpoint", none)},
		{"not signed by the log", monitor.BadCheckpoint, false, at("/log/checkpoint", func(h *host) []byte { return h.head(other, 600) })},
		{"not signed by the host", monitor.BadCheckpoint, false, at("/log/checkpoint", func(h *host) []byte { return h.log.Signed(600) })},
		{"a changed head", monitor.BadCheckpoint, false, at("/log/checkpoint", func(h *host) []byte {
			return bytes.Replace(h.head(h.log, 600), []byte("\n600\n"), []byte("\n601\n"), 1)
		})},
		{"another log's head", monitor.BadCheckpoint, false, at("/log/checkpoint", func(h *host) []byte {
			return h.sign(h.log, checkpoint.Checkpoint{Origin: "example.org/log/0", Size: 600, Root: h.log.Head(600).Root}.Text())
		})},
		{"an absurd size", monitor.BadCheckpoint, false, at("/log/checkpoint", func(h *host) []byte {
			return h.sign(h.log, checkpoint.Checkpoint{Origin: origin, Size: 1<<63 - 1}.Text())
		})},
		{"a size that is not there", monitor.MissingTile, false, at("/log/checkpoint", func(h *host) []byte {
			return h.sign(h.log, checkpoint.Checkpoint{Origin: origin, Size: 1 << 40}.Text())
		})},
		{"other keys", monitor.ChangedKeys, false, at("/log/keys", func(h *host) []byte { return []byte(other.Key.String() + "\n" + h.k1.Public + "\n") })},
		{"no host's key any more", monitor.ChangedKeys, false, at("/log/keys", func(h *host) []byte { return []byte(h.log.Key.String() + "\n") })},
		{"a root of nothing", monitor.BadTile, false, at("/log/checkpoint", func(h *host) []byte {
			return h.sign(h.log, checkpoint.Checkpoint{Origin: origin, Size: 600, Root: digest.Hash{1}}.Text())
		})},
		{"a changed tile", monitor.BadTile, false, at("/log/tile/0/001", changed("/log/tile/0/001", 8000))},
		{"a changed tile above", monitor.BadTile, false, at("/log/tile/1/000.p/2", changed("/log/tile/1/000.p/2", 1))},
		{"a tile that is not there", monitor.MissingTile, false, at("/log/tile/0/001", none)},
		{"a short tile", monitor.BadTile, false, at("/log/tile/0/001", func(*host) []byte { return make([]byte, 8160) })},
		{"a changed entry", monitor.BadBundle, false, at("/log/tile/entries/001", changed("/log/tile/entries/001", 34*200+5))},
		{"an entry that is no hash", monitor.BadBundle, false, at("/log/tile/entries/001", changed("/log/tile/entries/001", 1))},
		{"entries that are not there", monitor.MissingTile, false, at("/log/tile/entries/001", none)},
		{"the last entries are not there", monitor.MissingTile, false, at("/log/tile/entries/002.p/88", none)},
		{"too few entries", monitor.BadTile, false, at("/log/tile/entries/001", func(h *host) []byte { return h.log.Tile(tile.Name{Level: tile.Entries, Number: 1, Width: 255}) })},
		{"an event that is not there", monitor.MissingEvent, false, serving(func(*host, string) []byte { return nil })},
		{"another event", monitor.WrongEvent, false, serving(func(h *host, _ string) []byte { return h.known[h.log.Leaves[3].String()] })},
		{"a forged event", monitor.WrongEvent, false, serving(func(h *host, hash string) []byte {
			return bytes.Replace(h.known[hash], []byte("Low Tide"), []byte("Low Side"), 1)
		})},
		{"another form of the event", monitor.WrongEvent, false, serving(func(h *host, hash string) []byte { return bytes.Replace(h.known[hash], []byte(","), []byte(", "), 1) })},
		{"no event at all", monitor.WrongEvent, false, serving(func(*host, string) []byte { return []byte("7") })},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, 300)
			h.log, h.known = honest.log.Fork(300), maps.Clone(honest.known)
			w := watch(t, h)
			w.good(300)
			h.admit(600)
			h.lies(func(rw http.ResponseWriter, r *http.Request, body string) bool { return l.tell(h, rw, r, body) })
			f, v := w.bad(l.kind)
			if v.Proven != l.proven {
				t.Errorf("proven: %v", v.Proven)
			}
			if e := l.kind == monitor.MissingEvent || l.kind == monitor.WrongEvent; e != (f.Sequence == 450) || e != (f.Hash == h.log.Leaves[449].String()) || (l.kind == monitor.WrongEvent) != (f.Answer != nil) {
				t.Errorf("of the event %d %s, answered %q", f.Sequence, f.Hash, f.Answer)
			}
			// It is found again as long as the host goes on, and the truth is no finding.
			if l.kind != monitor.MissingEvent && l.kind != monitor.WrongEvent {
				if again, _ := w.bad(l.kind); again.Path != f.Path {
					t.Errorf("the evidence is in %s and %s", f.Path, again.Path)
				}
			}
			h.lies(nil)
			if l.name == "a rewritten event" || strings.Contains(l.name, "root of nothing") || strings.Contains(l.name, "not there") && strings.Contains(l.name, "size") {
				return // a head that it has signed stays signed
			}
			if r := w.good(600); r.Missing != 0 {
				t.Errorf("%d events are missing still", r.Missing)
			}
		})
	}
}

// What is wrong for a moment is no finding.
func TestPasses(t *testing.T) {
	for _, path := range []string{"/log/keys", "/log/checkpoint", "/log/tile/0/001", "/log/tile/1/000.p/2", "/log/tile/entries/001", "/log/tile/entries/002.p/88", "/v1/events:retrieve"} {
		for _, how := range []string{"gone", "another", "broken", "unavailable"} {
			if path == "/log/keys" && (how == "gone" || how == "another") {
				continue // it is judged at once
			}
			t.Run(path+" "+how, func(t *testing.T) {
				t.Parallel()
				h := newHost(t, 300)
				w := watch(t, h)
				w.good(300)
				h.admit(600)
				told := 0
				h.lies(func(rw http.ResponseWriter, r *http.Request, body string) bool {
					h.mu.Lock()
					defer h.mu.Unlock()
					if r.URL.Path != path || told > 0 {
						return false
					}
					told++
					switch how {
					case "gone":
						notFound(rw)
					case "another":
						if path == "/log/checkpoint" {
							rw.Write(h.head(h.log, 200))
						} else if strings.HasPrefix(path, "/v1/") {
							h.retrieve(rw, body, nil)
						} else {
							fmt.Fprint(rw, "another")
						}
					case "broken":
						panic(http.ErrAbortHandler)
					case "unavailable":
						refuse(rw, 503, "unavailable")
					}
					return true
				})
				if how == "gone" && strings.HasPrefix(path, "/v1/") {
					return // no host answers so
				}
				w.good(600)
				if told != 1 {
					t.Error("nothing was told")
				}
			})
		}
	}
}

// A host that cannot be asked is not found out.
func TestUnheard(t *testing.T) {
	h := newHost(t, 300)
	all := func(f http.HandlerFunc) func(http.ResponseWriter, *http.Request, string) bool {
		return func(w http.ResponseWriter, r *http.Request, _ string) bool { f(w, r); return true }
	}
	w := watch(t, h)
	h.lies(all(func(w http.ResponseWriter, r *http.Request) { notFound(w) }))
	w.unheard("has no log")
	h.lies(all(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }))
	w.unheard("is not what a host serves")
	h.lies(all(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://example.org/", http.StatusFound)
	}))
	w.unheard("302")
	h.lies(all(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1<<20)) }))
	w.unheard("larger than")
	h.lies(all(func(w http.ResponseWriter, r *http.Request) { refuse(w, 503, "log_stopped") }))
	w.unheard("log_stopped")
	h.lies(all(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }))
	w.unheard("EOF")
	h.lies(nil)
	w.good(300)
	// One that can serve nothing now.
	h.admit(400)
	h.lies(func(w http.ResponseWriter, r *http.Request, body string) bool {
		if r.URL.Path != "/v1/events:retrieve" {
			return false
		}
		for _, hash := range asked(body) {
			fmt.Fprintf(w, `{"type":"x","title":"no","status":503,"code":"unavailable","hash":%q}`+"\n", hash)
		}
		return true
	})
	w.unheard("none of the events 301 … 400 can be served now")
	h.Close()
	w.unheard("refused")
	for _, bad := range []string{"", "x", "ftp://a", "http://user:secret@a", "http://a?b"} {
		w.o.Server = bad
		if _, err := monitor.Open(w.o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whom to believe can be said beforehand.
func TestTrust(t *testing.T) {
	h := newHost(t, 3)
	other := tiletest.New(t, origin)
	key := func(kind byte, raw byte) checkpoint.Key {
		return checkpoint.Key{Name: "w.example.org", Kind: kind, Raw: bytes.Repeat([]byte{raw}, 32)}
	}
	for _, c := range []struct {
		name, text string
		kind       monitor.Kind
	}{
		{"both", h.log.Key.String() + "\n" + h.k1.Public, ""},
		{"the log", "log " + h.log.Key.String() + " https://example.org/log", ""},
		{"the host", h.k1.Public, ""},
		{"others, too", h.log.Key.String() + "\n" + other.Key.String(), ""},
		{"another log", other.Key.String(), monitor.ChangedKeys},
		{"another host", "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV", monitor.ChangedKeys},
		{"a witness", "witness w " + key(checkpoint.Cosignature, 1).String() + "\nquorum none", ""},
		{"a quorum", "witness w " + key(checkpoint.Cosignature, 1).String() + "\nquorum w", monitor.FewWitnesses},
	} {
		w := watch(t, h)
		var err error
		if w.o.Trust, err = checkpoint.ParseTrust(c.text); err != nil {
			t.Fatal(err)
		}
		if c.kind == "" {
			w.good(3)
		} else {
			w.bad(c.kind)
		}
	}
	// With the witness's line.
	public, private := witness()
	w := watch(t, h)
	w.o.Trust, _ = checkpoint.ParseTrust("witness w " + public.String() + "\nquorum w")
	h.extra = []byte(checkpoint.Cosign(h.log.Head(3).Text(), public.Name, private, time.Unix(1, 0)))
	w.good(3)
	// A known witness's line that does not verify.
	h.admit(5)
	w.bad(monitor.BadCheckpoint)
}

// A head that could not be proven to follow is remembered: what comes must follow
// from it, too.
func TestSeen(t *testing.T) {
	h := newHost(t, 300)
	w := watch(t, h)
	w.good(300)
	fork := h.log.Fork(300)
	fork.Grow(400, 1)
	h.admit(600)
	h.lies(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		switch {
		case r.URL.Path == "/log/checkpoint":
			w.Write(h.head(fork, 400))
		case strings.HasPrefix(r.URL.Path, "/log/tile/"):
			notFound(w)
		default:
			return false
		}
		return true
	})
	w.bad(monitor.MissingTile)
	h.lies(nil)
	if _, v := w.bad(monitor.SplitView); !v.Proven {
		t.Error("it is not proven")
	}
}

// An interrupted pass is gone on with.
func TestInterrupted(t *testing.T) {
	h := newHost(t, 1600)
	w := watch(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	h.lies(func(rw http.ResponseWriter, r *http.Request, _ string) bool {
		if r.URL.Path == "/log/tile/entries/005" {
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	r, err := w.pass(ctx)
	if err == nil || len(w.found) > 0 || r.Complete || r.Verified != 1024 {
		t.Errorf("%+v, %v", r, err)
	}
	h.lies(nil)
	w.good(1600)
	if got := h.counted("/v1/events:retrieve"); got != 3 {
		t.Errorf("%d requests for the last 576 events", got)
	}
}

// The tiles of a head may have become full since, and then the partial ones may be gone.
func TestPartialTilesGo(t *testing.T) {
	h := newHost(t, 600)
	w := watch(t, h)
	full := h.log.Fork(600)
	full.Grow(1024, 1)
	h.lies(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if strings.Contains(r.URL.Path, ".p/") {
			notFound(w)
			return true
		}
		path, isTile := strings.CutPrefix(r.URL.Path, "/log/tile/")
		if isTile && !strings.HasPrefix(path, "1/") {
			h.serveTile(w, full, "tile/"+path)
			return true
		}
		if path == "1/000" { // as after 65,536 events: the first two hashes are the same
			w.Write(append(full.Tile(tile.Name{Level: 1, Width: 2}), make([]byte, 254*32)...))
			return true
		}
		return false
	})
	w.good(600)
	// One that only says so.
	h.admit(700)
	h.lies(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if strings.HasPrefix(r.URL.Path, "/log/tile/entries/002.p/") {
			notFound(w)
		} else if r.URL.Path == "/log/tile/entries/002" {
			w.Write(make([]byte, 34*50))
		} else {
			return false
		}
		return true
	})
	w.o.Attempts = 1
	w.bad(monitor.BadTile)
}

// What is proven is not asked for again.
func TestSplitIsTold(t *testing.T) {
	h := newHost(t, 300)
	w := watch(t, h)
	w.good(300)
	fork := h.log.Fork(0)
	fork.Grow(300, 1)
	w.o.Attempts = 1000
	h.lies(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.URL.Path != "/log/checkpoint" {
			return false
		}
		w.Write(h.head(fork, 300))
		return true
	})
	w.bad(monitor.SplitView)
	if got := h.counted("/log/checkpoint"); got != 1 {
		t.Errorf("asked %d times", got)
	}
}
