package log

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/code"
)

// A Document is an answer to a GET below /log/.
type Document struct {
	Type      string // media type
	Body      []byte
	Immutable bool // it will be the same for ever
}

// Get answers for a path below /log/: "checkpoint", "keys", "tile/…". Tiles are
// those of the head that is served, in every width that it covers. Errors are
// *code.Error, or the journal's.
func (l *Log) Get(ctx context.Context, path string) (d Document, err error) {
	l.mu.Lock()
	s, state := l.served, l.state
	l.mu.Unlock()
	if path == "keys" {
		if state.Origin == "" {
			return d, unserved(state)
		}
		text := l.o.Key.Log(state.Origin).String() + "\n" + l.o.Key.Public() + "\n"
		if l.o.Chain != "" {
			text += l.o.Chain + "\n"
		}
		return Document{Type: plain, Body: []byte(text)}, nil
	}
	n, err := tile.ParsePath(path)
	switch {
	case path != "checkpoint" && err != nil:
		return d, &code.Error{Code: code.NotFound, Detail: "there is nothing at this path"}
	case state.State == Stopped, s == nil:
		return d, unserved(state)
	case path == "checkpoint":
		return Document{Type: plain, Body: s.note}, nil
	}
	return l.tile(ctx, s, n)
}

const plain = "text/plain; charset=utf-8"

// unserved says why there is no head.
func unserved(s State) error {
	switch {
	case s.State == Stopped:
		return &code.Error{Code: code.LogStopped, Detail: s.Why}
	case s.State == Publishing && s.Size == 0:
		return &code.Error{Code: code.NotFound, Detail: "the log is empty yet: its first head covers the first event"}
	}
	return &code.Error{Code: code.ProofPending, Detail: "no head was published since the start; the log is " + s.State}
}

func (l *Log) tile(ctx context.Context, s *served, n tile.Name) (d Document, err error) {
	level := max(0, n.Level)
	r := read(l.o.Journal, s.Size)
	if n.Width > r.width(level, n.Number) {
		return d, &code.Error{Code: code.NotFound, Detail: "the published head does not cover this tile"}
	}
	sh, err := r.sheet(ctx, level, n.Number)
	if err == nil {
		err = r.check(ctx, s.edge, sh)
	}
	if err != nil {
		return d, l.unreadable(err)
	}
	d = Document{Type: "application/octet-stream", Immutable: true}
	if n.Level == tile.Entries {
		d.Body = tile.AppendEntries(nil, sh.entries[:n.Width])
	} else {
		d.Body = join(sh.hashes[:n.Width])
	}
	return d, nil
}

// ServeHTTP implements http.Handler for what is below /log/.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, code.MethodNotAllowed.Title(), http.StatusMethodNotAllowed)
		return
	}
	d, err := l.Get(r.Context(), strings.TrimPrefix(r.URL.Path, "/log/"))
	var refusal *code.Error
	switch {
	case errors.As(err, &refusal):
		http.Error(w, refusal.Error(), refusal.Code.Status())
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	sum := sha256.Sum256(d.Body)
	h := w.Header()
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Content-Type", d.Type)
	h.Set("Cache-Control", "public, no-cache")
	if d.Immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(d.Body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(d.Body)
	}
}
