package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

const origin = "example.org/log/7c31a88e7c31a88e"

func newKey(t *testing.T) *Key {
	k, err := NewKey("example.org/witness")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t *testing.T, data string, k *Key, logs ...checkpoint.Key) *Server {
	t.Helper()
	s, err := Open(Options{Key: k, Data: data, Logs: logs, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func post(s http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/add-checkpoint", strings.NewReader(body)))
	return w
}

func body(old int, proof []digest.Hash, signed []byte) string {
	return string(request{old: uint64(old), proof: proof, note: signed}.appendTo(nil))
}

// cosigned reports whether torchwood takes the answer for the witness's line on the note.
func cosigned(t *testing.T, k *Key, signed []byte, w *httptest.ResponseRecorder) bool {
	t.Helper()
	v, err := torchwood.NewCosignatureSigner(k.Name, k.private)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(append(bytes.Clone(signed), w.Body.Bytes()...), note.VerifierList(v.Verifier()))
	return w.Code == http.StatusOK && err == nil && len(n.Sigs) == 1
}

// The cases of C2SP tlog-witness, one after the other.
func TestAnswers(t *testing.T) {
	l, foreign, k := tiletest.New(t, origin), tiletest.New(t, origin), newKey(t)
	unknown := tiletest.New(t, "example.org/other")
	for _, l := range []*tiletest.Log{l, foreign, unknown} {
		l.Grow(700, 0)
	}
	fork := l.Fork(300)
	fork.Grow(700, 1)
	dir := t.TempDir()
	s := open(t, dir, k, l.Key)
	good := body(0, nil, l.Signed(300))
	for _, c := range []struct {
		name   string
		body   string
		status int
		answer string // with text/x.tlog.size
	}{
		{"empty", "", 400, ""},
		{"no note", "old 0\n\n", 400, ""},
		{"no empty line", strings.Replace(good, "\n\n", "\n", 1), 400, ""},
		{"no old size", strings.Replace(good, "old 0", "new 0", 1), 400, ""},
		{"leading zero", strings.Replace(good, "old 0", "old 00", 1), 400, ""},
		{"sign", strings.Replace(good, "old 0", "old +0", 1), 400, ""},
		{"two spaces", strings.Replace(good, "old 0", "old  0", 1), 400, ""},
		{"overflow", strings.Replace(good, "old 0", "old 9223372036854775808", 1), 400, ""},
		{"line ends", strings.Replace(good, "old 0\n", "old 0\r\n", 1), 400, ""},
		{"short hash", strings.Replace(good, "\n\n", "\nAAAA\n\n", 1), 400, ""},
		{"64 hashes", body(0, make([]digest.Hash, 64), l.Signed(300)), 400, ""},
		{"no checkpoint", body(0, nil, l.Sign("a\nb\n")), 400, ""},
		{"extension", body(0, nil, l.Sign(l.Head(300).Text()+"more\n")), 400, ""},
		{"too large", good + strings.Repeat("x", maxRequest), 413, ""},
		{"unknown origin", body(0, nil, unknown.Signed(300)), 404, ""},
		{"unknown key", body(0, nil, foreign.Signed(300)), 403, ""},
		{"unsigned change", strings.Replace(good, "\n300\n", "\n301\n", 1), 403, ""},
		{"old beyond new", body(301, nil, l.Signed(300)), 400, ""},
		{"old not known", body(200, l.Consistency(200, 300), l.Signed(300)), 409, "0"},
		{"proof from nothing", body(0, l.Consistency(200, 300), l.Signed(300)), 422, ""},
		{"first", good, 200, ""},
		{"old of before", good, 409, "300"},
		{"again", body(300, nil, l.Signed(300)), 200, ""},
		{"again with a proof", body(300, make([]digest.Hash, 1), l.Signed(300)), 422, ""},
		{"no proof", body(300, nil, l.Signed(600)), 422, ""},
		{"another proof", body(300, l.Consistency(299, 600), l.Signed(600)), 422, ""},
		{"a longer proof", body(300, append(l.Consistency(300, 600), digest.Hash{}), l.Signed(600)), 422, ""},
		{"a split view", body(300, fork.Consistency(300, 600), l.Signed(600)), 422, ""},
		{"second", body(300, l.Consistency(300, 600), l.Signed(600)), 200, ""},
		{"smaller", body(0, nil, l.Signed(300)), 409, "600"},
		{"smaller, known", body(600, nil, l.Signed(300)), 400, ""},
		{"contradiction", body(600, nil, fork.Signed(600)), 409, ""},
	} {
		w := post(s, c.body)
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
		sized := w.Header().Get("Content-Type") == "text/x.tlog.size"
		if sized != (c.answer != "") || sized && w.Body.String() != c.answer+"\n" {
			t.Errorf("%s: %q", c.name, w.Body)
		}
		_, signed, _ := strings.Cut(c.body, "\n\n")
		if ok := cosigned(t, k, []byte(signed), w); ok != (c.status == 200) {
			t.Errorf("%s: cosigned: %v", c.name, ok)
		}
	}
	// Both halves of the contradiction are there, each signed by the log.
	for _, suffix := range []string{headSuffix, contradictionSuffix} {
		b, err := os.ReadFile(filepath.Join(dir, id(origin)+suffix))
		if c, _, e := checkpoint.Open(b, l.Key.Verifier()); err != nil || e != nil || c.Size != 600 || (c.Root == l.Head(600).Root) != (suffix == headSuffix) {
			t.Errorf("%s: %+v, %v, %v", suffix, c, err, e)
		}
	}
	for path, want := range map[string]string{"/keys": k.Public().String() + "\n", "/": origin + " 600\n"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.HasSuffix(w.Body.String(), want) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, httptest.NewRequest("GET", "/add-checkpoint", nil)); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
}

// A log may have two keys, of which either is enough.
func TestSecondKey(t *testing.T) {
	a, b, k := tiletest.New(t, origin), tiletest.New(t, origin), newKey(t)
	a.Grow(3, 0)
	b.Grow(5, 0)
	s := open(t, t.TempDir(), k, a.Key, b.Key)
	if w := post(s, body(0, nil, a.Signed(3))); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(s, body(3, b.Consistency(3, 5), b.Signed(5))); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Of many submissions at once, whatever their order, none rolls back: each head
// that is cosigned is larger than all that were answered before it was sent.
func TestNoRollback(t *testing.T) {
	l, k := tiletest.New(t, origin), newKey(t)
	l.Grow(40, 0)
	s := open(t, t.TempDir(), k, l.Key)
	if w := post(s, body(0, nil, l.Signed(10))); w.Code != 200 {
		t.Fatal(w.Code)
	}
	// Nobody else may look at the last head from then until the new one is kept.
	s.checked = func() {
		if s.logs[origin].mu.TryLock() {
			t.Error("two heads can be found consistent with one")
		}
	}
	l.Grow(200, 0)
	bodies := make([]string, 160)
	for i := range bodies {
		bodies[i] = body(10, l.Consistency(10, 41+i), l.Signed(41+i))
	}
	won := make([]bool, len(bodies))
	var wg sync.WaitGroup
	for i := range bodies {
		wg.Go(func() { won[i] = post(s, bodies[i]).Code == 200 })
	}
	wg.Wait()
	n := 0
	for i, ok := range won {
		if ok {
			n++
			if got := s.Head(origin).Size; got != uint64(41+i) {
				t.Errorf("%d was cosigned, the head is %d", 41+i, got)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d of the heads after 10 were cosigned", n)
	}
}

// What was answered is known after a start, and what was kept but not answered is
// cosigned when it is asked for again.
func TestStartedAgain(t *testing.T) {
	l, k, dir := tiletest.New(t, origin), newKey(t), t.TempDir()
	l.Grow(40, 0)
	fork := l.Fork(10)
	fork.Grow(40, 1)
	s := open(t, dir, k, l.Key)
	if _, err := s.Add([]byte(body(0, nil, l.Signed(20)))); err != nil { // nobody hears of it
		t.Fatal(err)
	}
	if _, err := Open(Options{Key: k, Data: dir, Logs: []checkpoint.Key{l.Key}}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second witness on the folder: %v", err)
	}
	s.Close()
	leftover := filepath.Join(dir, "x"+headSuffix+".ABC.tmp")
	if err := os.WriteFile(leftover, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, k, l.Key)
	if _, err := os.Stat(leftover); err == nil {
		t.Error("what a kill left is still there")
	}
	if w := post(s, body(0, nil, fork.Signed(20))); w.Code != 409 || w.Body.String() != "20\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	if err := ask(t, server.URL, k.Public(), l, 20); err != nil {
		t.Error(err)
	}
}

// A witness that does not know any more what it has cosigned does not begin anew.
func TestDamagedFolder(t *testing.T) {
	l, k := tiletest.New(t, origin), newKey(t)
	l.Grow(40, 0)
	other, err := NewKey("example.org/other")
	if err != nil {
		t.Fatal(err)
	}
	l2 := tiletest.New(t, "example.org/other")
	for name, harm := range map[string]func(b []byte) (*Key, []byte){
		"another's": func([]byte) (*Key, []byte) {
			text := l2.Head(0).Text()
			return k, []byte(text + "\n" + checkpoint.Cosign(text, k.Name, k.private, testTime))
		},
		"damaged":   func(b []byte) (*Key, []byte) { b[len(origin)+1] ^= 1; return k, b },
		"empty":     func([]byte) (*Key, []byte) { return k, nil },
		"too long":  func(b []byte) (*Key, []byte) { return k, append(b, make([]byte, checkpoint.MaxNote)...) },
		"other key": func(b []byte) (*Key, []byte) { return other, b },
	} {
		dir := t.TempDir()
		s := open(t, dir, k, l.Key)
		post(s, body(0, nil, l.Signed(20)))
		s.Close()
		path := filepath.Join(dir, id(origin)+headSuffix)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		key, b := harm(b)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Options{Key: key, Data: dir, Logs: []checkpoint.Key{l.Key}, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), path[len(dir)+1:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A head that cannot be kept is not cosigned, wherever that fails, and what was
// cosigned before is not forgotten.
func TestDiskFails(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "rename"} {
		for _, applied := range []bool{false, true} {
			for _, full := range []bool{false, true} {
				l, k, dir := tiletest.New(t, origin), newKey(t), t.TempDir()
				l.Grow(40, 0)
				s := open(t, dir, k, l.Key)
				post(s, body(0, nil, l.Signed(10)))
				broken := syscall.EIO
				if full {
					broken = syscall.ENOSPC
				}
				s.folder.Fault = func(op, _ string) (bool, error) {
					if op == step {
						return applied, broken
					}
					return true, nil
				}
				next := body(10, l.Consistency(10, 20), l.Signed(20))
				name := fmt.Sprint(step, applied, broken)
				if w := post(s, next); w.Code != 503 || strings.Contains(w.Body.String(), "—") {
					t.Errorf("%s: %d %s", name, w.Code, w.Body)
				}
				s.folder.Fault = nil
				if w := post(s, next); (w.Code == 200) != full {
					t.Errorf("%s: afterwards %d %s", name, w.Code, w.Body)
				}
				s.Close()
				s = open(t, dir, k, l.Key)
				if got := s.Head(origin).Size; got != 10 && got != 20 || full && got != 20 {
					t.Errorf("%s: the head is %d", name, got)
				}
			}
		}
	}
}

func TestKeyFile(t *testing.T) {
	k := newKey(t)
	got, err := ParseKey(k.Marshal())
	if err != nil || got.Public().String() != k.Public().String() {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(k.Marshal()), ":1,", ":2,", 1), strings.Replace(string(k.Marshal()), "example", "exa+mple", 1), strings.Replace(string(k.Marshal()), `519":"`, `519":"AAAA`, 1)} {
		if _, err := ParseKey([]byte(bad)); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
	for _, bad := range []string{"", "a b", "a+b", "a\n"} {
		if _, err := NewKey(bad); err == nil {
			t.Errorf("%q is a name", bad)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("old 0\n\nnote"))
	f.Add([]byte(body(3, make([]digest.Hash, 2), []byte("a\n\nb"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseRequest(b); err == nil && !bytes.Equal(r.appendTo(nil), b) {
			t.Errorf("%q is read as %q", b, r.appendTo(nil))
		}
	})
}

// ask has a new client ask for a head and checks the lines with torchwood.
func ask(t *testing.T, url string, key checkpoint.Key, l *tiletest.Log, sizes ...int) error {
	t.Helper()
	c, err := NewClient(url, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		if err := askFor(t, c, l, size); err != nil {
			return err
		}
	}
	return nil
}

func askFor(t *testing.T, c *Client, l *tiletest.Log, size int) error {
	t.Helper()
	lines, err := c.Cosign(context.Background(), l.Signed(size), func(old uint64) ([]digest.Hash, error) {
		return l.Consistency(int(old), size), nil
	})
	if err != nil {
		return err
	}
	if _, n, err := checkpoint.Open(append(l.Signed(size), lines...), c.Key().Verifier(), l.Key.Verifier()); err != nil || len(n.Sigs) != 2 {
		t.Errorf("size %d: %v", size, err)
	}
	return nil
}

var testTime = time.Unix(1679315147, 0)
