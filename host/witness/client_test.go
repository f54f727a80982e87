package witness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The client learns how far the witness is, also one that was ahead of it, or has
// forgotten everything.
func TestClient(t *testing.T) {
	l, k := tiletest.New(t, origin), newKey(t)
	l.Grow(600, 0)
	s := open(t, t.TempDir(), k, l.Key)
	var asked []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		old, _, _ := strings.Cut(string(b), "\n")
		asked = append(asked, old)
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		s.ServeHTTP(w, r)
	})
	server := httptest.NewServer(http.StripPrefix("/below", handler))
	defer server.Close()
	c, err := NewClient(server.URL+"/below/", k.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{5, 5, 300, 555} {
		if err := askFor(t, c, l, size); err != nil {
			t.Error(err)
		}
	}
	if err := ask(t, server.URL+"/below", k.Public(), l, 560); err != nil { // one that knows nothing
		t.Error(err)
	}
	if err := askFor(t, c, l, 600); err != nil { // ours is behind
		t.Error(err)
	}
	if got, want := strings.Join(asked, ", "), "old 0, old 5, old 5, old 300, old 0, old 555, old 555, old 560"; got != want {
		t.Errorf("asked with %s, want %s", got, want)
	}
	if err := askFor(t, c, l, 10); err == nil || !strings.Contains(err.Error(), "at size 600, beyond this head's 10") {
		t.Errorf("a smaller head: %v", err)
	}
	s = open(t, t.TempDir(), k, l.Key)
	if err := askFor(t, c, l, 600); err != nil {
		t.Errorf("of a witness that forgot: %v", err)
	}
	fork := l.Fork(0)
	fork.Grow(600, 1)
	if err := askFor(t, c, fork, 600); err == nil || !strings.Contains(err.Error(), "another root") {
		t.Errorf("a contradiction: %v", err)
	}
}

// What a witness answers that is none is an error, and none of its lines gets in.
func TestWrongAnswers(t *testing.T) {
	l, k, other := tiletest.New(t, origin), newKey(t), newKey(t)
	l.Grow(5, 0)
	text := l.Head(5).Text()
	good := checkpoint.Cosign(text, k.Name, k.private, testTime)
	theirs := checkpoint.Cosign(text, other.Name, other.private, testTime)
	for _, c := range []struct {
		name, answer string
		status       int
		header       string
		lines        string // "": an error
	}{
		{"good", good, 200, "", good},
		{"with others'", theirs + good + good, 200, "", good + good},
		{"with nonsense", "<html>\n" + good, 200, "", good},
		{"another key's", theirs, 200, "", ""},
		{"of another text", checkpoint.Cosign(l.Head(4).Text(), k.Name, k.private, testTime), 200, "", ""},
		{"the log's own", string(l.Signed(5)[len(text)+1:]), 200, "", ""},
		{"nothing", "", 200, "", ""},
		{"without end", strings.TrimSuffix(good, "\n"), 200, "", ""},
		{"endless", strings.Repeat(good, 300), 200, "", ""},
		{"no size", "many\n", 409, "text/x.tlog.size", ""},
		{"a larger size", "7\n", 409, "text/x.tlog.size", ""},
		{"the same size", "0\n", 409, "text/x.tlog.size", ""},
		{"another conflict", "3\n", 409, "text/plain", ""},
		{"elsewhere", "", 307, "", ""},
		{"unknown", "no", 404, "", ""},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.Header().Set("Content-Type", c.header)
			w.Header().Set("Location", "/other")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.answer)
		}))
		client, err := NewClient(server.URL, k.Public(), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := client.Cosign(t.Context(), l.Signed(5), func(old uint64) ([]digest.Hash, error) { return l.Consistency(int(old), 5), nil })
		if string(lines) != c.lines || (err == nil) != (c.lines != "") || asked > 1 {
			t.Errorf("%s: %q, %v after %d requests", c.name, lines, err, asked)
		}
		server.Close()
	}
	for _, url := range []string{"", "x", "ftp://a", "https://user:secret@a", "https://a?b"} {
		if _, err := NewClient(url, k.Public(), nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := NewClient("https://a", l.Key, nil); err == nil {
		t.Error("a log's key is a witness's")
	}
}
