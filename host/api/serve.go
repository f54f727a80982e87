package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
)

// A response watches what is answered, for the log and the metrics.
type response struct {
	http.ResponseWriter
	id       string
	endpoint *endpoint // nil: none was found
	status   int       // 0: nothing is written
	bytes    int64
	wrote    bool
	cause    error // of a problem
}

// Unwrap lets http.ResponseController find deadlines and full duplex.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if !w.wrote {
		w.status, w.wrote = http.StatusOK, true
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher, which compression looks for.
func (w *response) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a lost connection shows in the next write
}

// serve is around every request: its id, its log line, its figures, and the
// net below a handler that panics.
func (s *Server) serve(rw http.ResponseWriter, r *http.Request) {
	began := time.Now()
	w := &response{ResponseWriter: rw, id: s.ids.of(r)}
	rw.Header()["X-Request-Id"] = []string{w.id}
	defer func() {
		fault := recover()
		if fault != nil {
			s.recovered(w, r, fault)
		}
		s.done(w, r, time.Since(began))
		if fault != nil && w.wrote && (w.status < 400 || fault == http.ErrAbortHandler) {
			// net/http cuts the connection, and must not wait for its body before.
			_ = http.NewResponseController(rw).SetReadDeadline(time.Unix(1, 0))
			panic(http.ErrAbortHandler)
		}
	}()
	control := http.NewResponseController(rw)
	// Whatever is read of the body, by a handler or after it, is read in time.
	if r.ContentLength != 0 {
		_ = control.SetReadDeadline(began.Add(s.o.Limits.BodyTimeout)) // not every writer has deadlines
	}
	_ = control.SetWriteDeadline(began.Add(s.o.Limits.WorkTimeout + s.o.Limits.WriteTimeout))
	if !cleanPath(r.URL.Path) {
		s.fail(w, r, &code.Error{Code: code.NotFound, Detail: "there is nothing at this path"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// cleanPath reports whether http.ServeMux takes the path as it is; it answers
// others with a redirect that nobody asked for.
func cleanPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.Contains(p, "//") && !strings.Contains(p, "/.")
}

// recovered answers a request whose handler panicked, if it still can be.
func (s *Server) recovered(w *response, r *http.Request, fault any) {
	if fault == http.ErrAbortHandler {
		return
	}
	s.o.Log.Error("panic", "request_id", w.id, "method", r.Method, "path", clip(r.URL.Path), "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
	s.metrics.panics.Inc()
	if !w.wrote {
		defer func() { _ = recover() }() // the connection may be gone by now
		s.fail(w, r, errors.New("a handler panicked"))
	}
}

// done counts and logs a request that is over. Reads of single events and
// probes, of which there can be tens of thousands in a second, are logged at
// debug level when they went well, everything else at info.
func (s *Server) done(w *response, r *http.Request, took time.Duration) {
	if w.status == 0 {
		w.status = statusGone // nothing was answered: the connection was cut
	}
	e := w.endpoint
	if e == nil {
		e = s.metrics.nowhere
	}
	e.metrics.observe(w.status, took)
	level := slog.LevelInfo
	switch {
	case w.status >= 500 && w.status != http.StatusServiceUnavailable:
		level = slog.LevelError
	case w.status >= 500:
		level = slog.LevelWarn
	case w.status < 400 && e.quiet:
		level = slog.LevelDebug
	}
	ctx := r.Context()
	if !s.o.Log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", w.id), slog.String("method", r.Method), slog.String("path", clip(r.URL.Path)),
		slog.Int("status", w.status), slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("client", r.RemoteAddr),
	}
	if w.cause != nil {
		attrs = append(attrs, slog.String("error", short(w.cause.Error())))
	}
	s.o.Log.LogAttrs(context.WithoutCancel(ctx), level, "request", attrs...)
}

// clip bounds what a client can put into the log.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// requestIDs are unique among all processes: 60 random bits of this one and a
// count.
type requestIDs struct {
	process string
	last    *atomic.Uint64
}

func newRequestIDs() requestIDs {
	return requestIDs{strings.ToLower(rand.Text()[:12]) + "-", new(atomic.Uint64)}
}

// of returns the client's own id where it is one that a log can hold, else a
// new one.
func (ids requestIDs) of(r *http.Request) string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && saneID(given[0]) {
		return given[0]
	}
	return ids.process + strconv.FormatUint(ids.last.Add(1), 36)
}

func saneID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}
