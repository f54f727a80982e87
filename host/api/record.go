package api

import (
	"net/http"
	"strconv"
)

// record serves GET and HEAD /v1/events/{hash}: the event's record, which
// never changes. The ETag is the record's digest and not the event's hash:
// two valid signatures make two records of one event.
func (s *Server) record(w *response, r *http.Request) error {
	h, err := pathHash(r)
	if err != nil {
		return err
	}
	v, err := s.o.Reader.Event(r.Context(), h)
	if err != nil {
		return err
	}
	record := v.Record()
	etag := append(make([]byte, 0, 66), '"')
	etag = append(v.Meta().RecordDigest.AppendHex(etag), '"')
	hd := w.Header()
	hd["Etag"] = []string{string(etag)}
	hd["Cache-Control"] = immutable
	secure(hd)
	if len(r.Header["If-None-Match"]) > 0 && matches(r, string(etag)) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	hd["Content-Type"] = typeJSON
	hd["Content-Length"] = []string{strconv.Itoa(len(record))}
	w.WriteHeader(http.StatusOK)
	if r.Method != "HEAD" {
		_, _ = w.Write(record) // the connection tells
	}
	return nil
}
