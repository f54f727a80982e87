package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// retrieve serves POST /v1/events:retrieve: a line for a hash, in order.
func (s *Server) retrieve(w *response, r *http.Request) error {
	if err := contentType(r, "application/json"); err != nil {
		return err
	}
	// 64 digits, two quotes and a comma, with room for white space.
	text, err := s.body(w, r, 80*s.o.Limits.Hashes+1024)
	if err != nil {
		return err
	}
	hs, err := parseHashes(text, s.o.Limits.Hashes)
	if err != nil {
		return err
	}
	st := s.stream(w, ndjson, http.StatusOK)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	i := 0
	for v, err := range s.o.Reader.Events(r.Context(), hs) {
		out.Reset()
		if err != nil {
			if r.Context().Err() != nil {
				return err
			}
			s.lineProblem(enc, "retrieve", err, problem{Hash: hs[i].String()})
		} else {
			s.metrics.lines.WithLabelValues("retrieve", "ok").Inc()
			out.WriteString(`{"hash":"`)
			out.Write(hs[i].AppendHex(out.AvailableBuffer()))
			out.WriteString(`","event":`)
			out.Write(v.Record())
			out.WriteString("}\n")
		}
		i++
		if err := st.write(out.Bytes()); err != nil {
			return s.gone(w, err)
		}
	}
	if i < len(hs) {
		return fmt.Errorf("the reader gave %d answers for %d hashes", i, len(hs))
	}
	return s.gone(w, st.flush())
}

// parseHashes reads {"hashes":["…",…]}, and nothing that two readers could
// understand in two ways: no second member, no name in letters of another case.
func parseHashes(text []byte, limit int) ([]digest.Hash, error) {
	if !json.Valid(text) {
		return nil, &code.Error{Code: code.InvalidJSON}
	}
	wrong := &code.Error{Code: code.InvalidArgument, Pointer: "/hashes", Detail: `the body must be {"hashes":["…",…]}`}
	d := json.NewDecoder(bytes.NewReader(text))
	token := func() json.Token { t, _ := d.Token(); return t } // of a text that is valid as a whole
	var list []json.RawMessage
	if token() != json.Delim('{') || token() != "hashes" || d.Decode(&list) != nil || list == nil || token() != json.Delim('}') {
		return nil, wrong
	}
	if len(list) > limit {
		return nil, &code.Error{Code: code.TooLarge, Pointer: "/hashes", Detail: fmt.Sprintf("at most %d hashes at once", limit)}
	}
	hs := make([]digest.Hash, len(list))
	for i, t := range list {
		ok := len(t) == 2*digest.Size+2 && t[0] == '"'
		if ok {
			hs[i], ok = digest.ParseHash([]byte(t[1 : len(t)-1]))
		}
		if !ok {
			return nil, &code.Error{Code: code.InvalidArgument, Pointer: fmt.Sprintf("/hashes/%d", i), Detail: "an event's hash is 64 lower-case hex digits"}
		}
	}
	return hs, nil
}
