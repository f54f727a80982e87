package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header values that many answers share; nothing appends to them.
var (
	noStore   = []string{"no-store"}
	immutable = []string{"public, max-age=31536000, immutable"}
	revisit   = []string{"public, no-cache"}
	typeJSON  = []string{"application/json"}
	nosniff   = []string{"nosniff"}
	sameSite  = []string{"same-origin"}
	nothing   = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferer = []string{"no-referrer"}

	newline = []byte{'\n'}
)

// ndjson is the media type of answers that are JSON documents, one a line.
const ndjson = "application/x-ndjson"

// secure sets what every answer but the page says to a browser that shows it:
// run nothing, guess no type, be in no frame. CORS is on top of it.
func secure(h http.Header) {
	h["X-Content-Type-Options"] = nosniff
	h["Content-Security-Policy"] = nothing
	h["Cross-Origin-Resource-Policy"] = sameSite
	h["Referrer-Policy"] = noReferer
}

// writeBody answers with a whole body. A client that is gone is no error.
func writeBody(w http.ResponseWriter, kind string, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the connection tells
}

// writeJSON answers with a document that is no longer true tomorrow.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	secure(w.Header())
	w.Header()["Cache-Control"] = noStore
	writeBody(w, "application/json", status, append(body, '\n'))
	return nil
}

// matches reports whether If-None-Match names etag (RFC 9110 §13.1.2: weak
// comparison).
func matches(r *http.Request, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for _, field := range r.Header["If-None-Match"] {
		for field != "" {
			var one string
			one, field, _ = strings.Cut(field, ",")
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == etag {
				return true
			}
		}
	}
	return false
}

// A stream is an answer that is written in pieces, each of which the client
// has to take in time.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	unsent  int
}

func (s *Server) stream(w http.ResponseWriter, kind string, status int) *stream {
	h := w.Header()
	secure(h)
	h["Content-Type"] = []string{kind}
	h["Cache-Control"] = noStore
	h["X-Accel-Buffering"] = []string{"no"} // a proxy should not gather it
	st := &stream{w: w, control: http.NewResponseController(w), timeout: s.o.Limits.WriteTimeout}
	st.extend()
	w.WriteHeader(status)
	return st
}

func (st *stream) extend() {
	_ = st.control.SetWriteDeadline(time.Now().Add(st.timeout)) // not every writer has deadlines
}

// write writes b and sends it on when enough is gathered.
func (st *stream) write(b []byte) error {
	if st.unsent == 0 {
		st.extend()
	}
	st.unsent += len(b)
	if _, err := st.w.Write(b); err != nil {
		return err
	}
	if st.unsent >= 64<<10 {
		return st.flush()
	}
	return nil
}

// writeLine is write of b and a line's end.
func (st *stream) writeLine(b []byte) error {
	if err := st.write(b); err != nil {
		return err
	}
	return st.write(newline)
}

// flush sends what is written.
func (st *stream) flush() error {
	if st.unsent == 0 {
		return nil
	}
	st.extend()
	st.unsent = 0
	return st.control.Flush()
}
