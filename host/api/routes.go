package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/eventseal/eventseal/wasm/code"
)

// An endpoint is one method of one path.
type endpoint struct {
	method, path string
	handle       func(*response, *http.Request) error
	params       []string // of the query that it knows
	compress     bool     // its answer, where the client can take it
	quiet        bool     // logged at debug level when all is well
	always       bool     // served when overloaded and while draining, for probes
	long         bool     // has no deadline of its own, and ends itself when the server drains
	noHead       bool     // HEAD would never end
	uncounted    bool     // waits more than it works
	admin        bool     // for who bears the token, and not there without one

	metrics endpointMetrics
}

// endpoints is the whole interface.
func (s *Server) endpoints() []*endpoint {
	return []*endpoint{
		{method: "POST", path: "/v1/events", handle: s.store, params: []string{"wait", "receipt"}},
		{method: "GET", path: "/v1/events", handle: s.query, compress: true,
			params: slices.Concat(choosing, timing, []string{"after", "cursor", "limit", "order", "include", "count"})},
		{method: "POST", path: "/v1/events:batch", handle: s.batch, params: []string{"wait", "receipt"}, long: true},
		{method: "GET", path: "/v1/events:export", handle: s.export, compress: true, long: true, noHead: true,
			params: slices.Concat(choosing, timing, []string{"after"})},
		{method: "GET", path: "/v1/events/{hash}", handle: s.record, quiet: true},
		{method: "POST", path: "/v1/events:retrieve", handle: s.retrieve, compress: true},
		{method: "GET", path: "/v1/events/{hash}/status", handle: s.status, compress: true},
		{method: "GET", path: "/v1/events/{hash}/proof", handle: s.proof, compress: true, params: []string{"format", "wait"}},
		{method: "GET", path: "/v1/events/{hash}/ancestors", handle: s.ancestors, compress: true, params: []string{"limit", "include"}},

		{method: "GET", path: "/v1/anchor", handle: s.anchored, compress: true, quiet: true},

		{method: "GET", path: "/v1/stream", handle: s.follow, params: slices.Concat(choosing, []string{"after", "from"}), long: true, uncounted: true, noHead: true},

		{method: "POST", path: "/v1/admin/scrub", handle: s.scrub, params: []string{"rate", "read_only", "fill_caches"}, long: true, uncounted: true, admin: true},
		{method: "GET", path: "/v1/admin/lost", handle: s.lost, params: []string{"after", "limit"}, compress: true, admin: true},

		{method: "GET", path: "/log/checkpoint", handle: s.serveLog, quiet: true},
		{method: "GET", path: "/log/tile/{path...}", handle: s.serveLog, quiet: true},
		{method: "GET", path: "/log/tile/entries/{path...}", handle: s.serveLog, compress: true, quiet: true},
		{method: "GET", path: "/log/keys", handle: s.serveLog, quiet: true},

		{method: "GET", path: "/v1/types", handle: s.serveDocument(&s.types), compress: true},
		{method: "GET", path: "/v1/module.wasm", handle: s.serveModule, compress: true},
		{method: "GET", path: "/v1/openapi.json", handle: s.serveDocument(&s.openAPI), compress: true},
		{method: "GET", path: "/v1/health", handle: s.health, compress: true, quiet: true, always: true},
		{method: "GET", path: "/livez", handle: s.livez, quiet: true, always: true},
		{method: "GET", path: "/readyz", handle: s.readyz, quiet: true, always: true},
		{method: "GET", path: "/metrics", handle: s.serveMetrics, quiet: true, always: true},
	}
}

// routes hands every endpoint to the mux. Methods are told apart here, so that
// a wrong one is a problem document like any other refusal.
func (s *Server) routes() error {
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024))
	if err != nil {
		return err
	}
	paths := map[string]map[string]*endpoint{}
	for _, e := range s.endpoints() {
		if e.admin && (s.o.Admin.Token == "" || s.o.Admin.Scrubber == nil) {
			continue
		}
		s.metrics.of(e)
		if paths[e.path] == nil {
			paths[e.path] = map[string]*endpoint{}
			s.mux.Handle(e.path, s.methods(paths[e.path], compress))
		}
		paths[e.path][e.method] = e
		if e.method == "GET" && !e.noHead {
			paths[e.path]["HEAD"] = e
		}
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		rw := w.(*response)
		if s.page != nil && !strings.HasPrefix(r.URL.Path, "/v1/") && r.URL.Path != "/v1" {
			rw.endpoint = s.metrics.pages
			if r.Method != "GET" && r.Method != "HEAD" {
				rw.Header()["Allow"] = []string{"GET, HEAD"}
				s.fail(rw, r, &code.Error{Code: code.MethodNotAllowed})
				return
			}
			compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !s.page.serve(w, r) {
					s.fail(rw, r, &code.Error{Code: code.NotFound, Detail: "there is nothing at this path"})
				}
			})).ServeHTTP(rw, r)
			return
		}
		s.fail(rw, r, &code.Error{Code: code.NotFound, Detail: "there is nothing at this path"})
	})
	return nil
}

// methods serves one path.
func (s *Server) methods(by map[string]*endpoint, compress func(http.Handler) http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rw := w.(*response)
		e := by[r.Method]
		if e == nil {
			allow := []string{"OPTIONS"}
			for method := range by {
				allow = append(allow, method)
			}
			slices.Sort(allow)
			rw.Header()["Allow"] = []string{strings.Join(allow, ", ")}
			if r.Method == "OPTIONS" {
				rw.WriteHeader(http.StatusNoContent)
				return
			}
			s.fail(rw, r, &code.Error{Code: code.MethodNotAllowed, Detail: "allowed are " + strings.Join(allow, ", ")})
			return
		}
		rw.endpoint = e
		if e.compress && len(r.Header["Accept-Encoding"]) > 0 {
			compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// Below the compression the watcher is still the same one.
				s.admit(&response{ResponseWriter: w, id: rw.id, endpoint: e}, rw, r)
			})).ServeHTTP(rw, r)
			return
		}
		if e.compress {
			rw.Header().Add("Vary", "Accept-Encoding")
		}
		s.admit(rw, rw, r)
	})
}

// admit refuses what cannot be served now and calls the endpoint. w is what
// the handler writes to, outer what the log and the metrics look at.
func (s *Server) admit(w, outer *response, r *http.Request) {
	e := w.endpoint
	fail := func(err error) {
		s.fail(w, r, err)
		outer.cause = w.cause
		if !w.wrote {
			outer.status = w.status // the client is gone
		}
	}
	if e.admin {
		if err := s.authorized(r); err != nil {
			fail(err)
			return
		}
	}
	if !e.always {
		if s.closing() {
			fail(&code.Error{Code: code.ShuttingDown})
			return
		}
	}
	if !e.always && !e.uncounted {
		if n := s.inFlight.Add(1); n > int64(s.o.Limits.InFlight) {
			s.inFlight.Add(-1)
			fail(&code.Error{Code: code.Overloaded})
			return
		}
		defer s.inFlight.Add(-1)
	}
	if err := s.knownParameters(r, e.params); err != nil {
		fail(err)
		return
	}
	if !e.long {
		ctx, cancel := context.WithTimeout(r.Context(), s.o.Limits.WorkTimeout)
		defer cancel()
		r = r.WithContext(ctx)
	}
	if err := e.handle(w, r); err != nil {
		fail(err)
	}
}
