package witness

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
)

// A refusal is an answer other than a cosignature.
type refusal struct {
	status int
	text   string
	size   bool // text is the size of the last head that was cosigned
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers POST /add-checkpoint as C2SP tlog-witness has it, GET /keys
// with the witness's vkey, and GET / with that and the logs.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.URL.Path == "/add-checkpoint" && r.Method == http.MethodPost:
		s.serveAdd(w, r)
	case r.URL.Path == "/add-checkpoint":
		w.Header().Set("Allow", "POST")
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
	case r.URL.Path == "/keys" && read:
		fmt.Fprintln(w, s.o.Key.Public())
	case r.URL.Path == "/" && read:
		fmt.Fprintf(w, "%s\n\n", s.o.Key.Public())
		for _, origin := range slices.Sorted(maps.Keys(s.logs)) {
			fmt.Fprintf(w, "%s %d\n", origin, s.Head(origin).Size)
		}
	default:
		http.Error(w, "not found", http.StatusNotFound)
	}
}

// Head returns the last head of a log that was cosigned; of size 0: none.
func (s *Server) Head(origin string) checkpoint.Checkpoint {
	l := s.logs[origin]
	if l == nil {
		return none(origin)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

func (s *Server) serveAdd(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "the request broke off", http.StatusBadRequest)
		return
	}
	line, err := s.Add(body)
	var no *refusal
	switch {
	case errors.As(err, &no):
		if no.size {
			w.Header().Set("Content-Type", "text/x.tlog.size")
		}
		w.WriteHeader(no.status)
		fmt.Fprintln(w, no.text)
	case err != nil: // told in the log; it names files
		http.Error(w, "the head cannot be kept now", http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, line)
	}
}

// Add judges the body of a request and returns the cosignature's line. Then the
// head is durable, and whatever becomes of this process no head that is not
// consistent with it will be cosigned.
func (s *Server) Add(body []byte) (line string, err error) {
	r, err := parseRequest(body)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	text, err := checkpoint.Text(r.note)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	c, err := checkpoint.ParseText(text)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	l := s.logs[c.Origin]
	if l == nil {
		return "", refuse(http.StatusNotFound, "no log of this origin is watched here")
	}
	n := l.open(r.note)
	if n == nil {
		return "", refuse(http.StatusForbidden, "no key of this log has signed it")
	}
	if r.old > c.Size {
		return "", refuse(http.StatusBadRequest, "the old size is larger than the checkpoint's")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.old != l.head.Size:
		return "", &refusal{status: http.StatusConflict, text: fmt.Sprint(l.head.Size), size: true}
	case r.old == c.Size && c.Root != l.head.Root:
		s.contradicted(c, n)
		return "", refuse(http.StatusConflict, "another root of this size was cosigned")
	case r.old == c.Size && len(r.proof) > 0, r.old < c.Size && !consistent(l.head, c, r.proof):
		s.o.Log.Warn("a head was not proven consistent with the last one", "origin", c.Origin, "had", l.head.Size, "size", c.Size)
		return "", refuse(http.StatusUnprocessableEntity, "the proof does not lead from the last head to this one")
	}
	s.checked()
	line = checkpoint.Cosign(text, s.o.Key.Name, s.o.Key.private, s.now())
	if c == l.head {
		return line, nil // kept already, or the empty tree
	}
	if err := s.keep(c, n, line); err != nil {
		return "", err
	}
	l.head = c
	return line, nil
}

// open returns the note with the signature of the first of the log's keys that
// has signed it; nil: none.
func (l *log) open(signed []byte) *note.Note {
	for _, k := range l.keys {
		if _, n, err := checkpoint.Open(signed, k.Verifier()); err == nil {
			return n
		}
	}
	return nil
}
