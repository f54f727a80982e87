package bulk

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers"
)

// Behind a proxy that takes no more than some bytes, and one event not at all,
// everything else is imported, and the report names that one.
func TestAnImportIsCutUntilItPasses(t *testing.T) {
	host := servers.Host(t, "")
	target, err := url.Parse(host.URL())
	if err != nil {
		t.Fatal(err)
	}
	lines := events(t, 40, never)
	const bad = 7
	on := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if len(body) > 3*len(lines[0]) || bytes.Contains(body, []byte(lines[bad])) {
			http.Error(w, "a proxy", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		on.ServeHTTP(w, r)
	}))
	defer front.Close()
	cl, err := client.New(client.Options{Server: front.URL, Verifier: moduletest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, file, lines)
	done, err := Import(t.Context(), ImportOptions{Client: cl, Server: front.URL, File: file, State: file + ".state", Report: file + ".refused"})
	if err != nil || done != (Imported{Lines: 40, Created: 39, Refused: 1, Complete: true}) {
		t.Errorf("%+v, %v", done, err)
	}
	var r Refusal
	if err := json.Unmarshal([]byte(read(t, file+".refused")), &r); err != nil || r.Line != bad+1 || r.Code != "too_large" {
		t.Errorf("%+v, %v", r, err)
	}
}
