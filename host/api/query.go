package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// pageBytes ends a page early when its records are large; the next one goes on
// from there.
const pageBytes = 8 << 20

// An eventLine is an event in an answer that names many. Event is the record,
// or absent: when only hashes were asked for, and beside Problem, when no good
// copy can be had now.
type eventLine struct {
	Hash       string          `json:"hash"`
	Sequence   uint64          `json:"sequence,omitempty"`
	AdmittedAt string          `json:"admitted_at,omitempty"`
	Depth      int             `json:"depth,omitempty"`
	Missing    bool            `json:"missing,omitempty"`
	Type       string          `json:"type,omitempty"`
	Author     string          `json:"author_pubkey,omitempty"`
	CreatedAt  *uint64         `json:"created_at,omitempty"`
	Parents    *[]string       `json:"parents,omitempty"`
	Event      json.RawMessage `json:"event,omitempty"`
	Problem    *problem        `json:"problem,omitempty"`
}

// timeFormat is RFC 3339 with the milliseconds that the journal keeps.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func lineOf(e *journal.Entry) eventLine {
	return eventLine{Hash: e.Hash.String(), Sequence: e.Sequence, AdmittedAt: e.AdmittedAt.UTC().Format(timeFormat)}
}

// describe adds what the journal knows of the event itself.
func (l *eventLine) describe(e *journal.Entry) {
	parents := hexes(e.Parents)
	l.Type, l.Author, l.CreatedAt, l.Parents = e.Type, e.Author, &e.CreatedAt, &parents
}

// failed notes that the record cannot be had.
func (s *Server) failed(l *eventLine, err error) {
	p := problemOf(err)
	l.Problem = &p
	s.o.Log.Warn("an event of a list cannot be read", "hash", l.Hash, "error", err)
}

// An arrayWriter writes a JSON object with the members "epoch" and "events"
// piece by piece.
type arrayWriter struct {
	st    *stream
	epoch string // of the order in which events have their numbers
	buf   bytes.Buffer
	enc   *json.Encoder
	count int
	size  int
	bad   []passed // that lie in the page and cannot be read
}

func (s *Server) array(w *response, epoch string) *arrayWriter {
	ordered(w, epoch)
	a := &arrayWriter{st: s.stream(w, "application/json", http.StatusOK), epoch: epoch}
	a.enc = json.NewEncoder(&a.buf)
	a.enc.SetEscapeHTML(false)
	return a
}

func (a *arrayWriter) begin() { a.buf.WriteString(`{"epoch":"` + a.epoch + `","events":[`) }

func (a *arrayWriter) add(l eventLine) error {
	a.buf.Reset()
	if a.count == 0 {
		a.begin()
	} else {
		a.buf.WriteByte(',')
	}
	a.count++
	// The record is canonical: it is written as it is, without being parsed again.
	record := l.Event
	l.Event = nil
	if err := a.enc.Encode(l); err != nil {
		return err
	}
	if record != nil {
		a.buf.Truncate(a.buf.Len() - len("}\n"))
		a.buf.WriteString(`,"event":`)
		a.buf.Write(record)
		a.buf.WriteString("}\n")
	}
	a.size += a.buf.Len()
	return a.st.write(a.buf.Bytes())
}

// end closes the object with further members, which are JSON or nil.
func (a *arrayWriter) end(name string, member json.RawMessage, count *uint64) error {
	a.buf.Reset()
	if a.count == 0 {
		a.begin()
	}
	a.buf.WriteString("]")
	if member != nil {
		a.buf.WriteString(`,"` + name + `":`)
		a.buf.Write(member)
	}
	if a.bad != nil {
		damaged, _ := json.Marshal(a.bad) // numbers and plain strings
		a.buf.WriteString(`,"damaged":`)
		a.buf.Write(damaged)
	}
	if count != nil {
		a.buf.WriteString(`,"count":` + strconv.FormatUint(*count, 10))
	}
	a.buf.WriteString("}\n")
	if err := a.st.write(a.buf.Bytes()); err != nil {
		return err
	}
	return a.st.flush()
}

// query serves GET /v1/events. Pages hang together by sequence numbers, which
// are given out in order and in one epoch never again: whoever follows the
// cursors sees each event once, whatever is stored meanwhile.
func (s *Server) query(w *response, r *http.Request) error {
	p := parametersOf(r)
	f, err := s.filter(r.Context(), p)
	if err != nil {
		return err
	}
	order, err := p.choice("order", "desc", "asc")
	if err != nil {
		return err
	}
	f.Descending = order == "desc"
	include, err := p.choice("include", "records", "hashes")
	if err != nil {
		return err
	}
	counted, err := p.choice("count", "false", "true")
	if err != nil {
		return err
	}
	limit, err := p.number("limit", 100, 1, journal.MaxPage)
	if err != nil {
		return err
	}
	var count *uint64
	if counted == "true" {
		n, err := s.o.Journal.Count(r.Context(), f) // of all pages
		if err != nil {
			return err
		}
		count = &n
	}
	epoch := s.o.Journal.Epoch()
	if err := s.begins(r, p, &f, epoch); err != nil {
		return err
	}
	// One more than asked for tells whether there is a next page. At the largest
	// page there may be a cursor to an empty one.
	f.Limit = int(min(limit+1, journal.MaxPage))
	found, err := s.o.Journal.Walk(r.Context(), f)
	if err != nil {
		return err
	}
	entries := found.Entries[:min(len(found.Entries), int(limit))]

	out := s.array(w, epoch)
	last, err := s.writeEntries(r, out, entries, include == "records")
	if err != nil {
		return err
	}
	place := found.Next
	if last < len(found.Entries) {
		place = entries[last-1].Sequence
	}
	for _, d := range found.Damaged {
		if place == 0 || d.From > place == f.Descending { // what lies beyond is for the next page to say
			out.bad = append(out.bad, passedDamage(d))
			s.o.Log.Warn("a list goes past what cannot be read in the journal", "damage", d.String())
		}
	}
	var next json.RawMessage
	if place > 0 {
		next = json.RawMessage(`"` + encodeCursor(&f, journal.Position{Epoch: epoch, Sequence: place}) + `"`)
	}
	return s.gone(w, out.end("next_cursor", next, count))
}

// begins makes f begin after a cursor, or another place in the answer's order.
func (s *Server) begins(r *http.Request, p parameters, f *journal.Filter, epoch string) error {
	cursor, paging, err := p.one("cursor")
	if err != nil {
		return err
	}
	after, given, err := p.one("after")
	if err != nil || (!paging && !given) {
		return err
	}
	if paging && given {
		return invalid("after", "given without cursor")
	}
	if paging {
		position, err := decodeCursor(f, cursor)
		if err != nil {
			return err
		}
		after = position.String()
	}
	n, err := s.after(r.Context(), "after", after, epoch, f.Descending)
	if f.Descending {
		f.Before = n
	} else {
		f.After = n
	}
	return err
}

// writeEntries writes entries with or without their records and returns how
// many there was room for, at least one.
func (s *Server) writeEntries(r *http.Request, out *arrayWriter, entries []journal.Entry, records bool) (int, error) {
	if !records {
		for i := range entries {
			l := lineOf(&entries[i])
			l.describe(&entries[i])
			if err := out.add(l); err != nil {
				return 0, err
			}
		}
		return len(entries), nil
	}
	hs := make([]digest.Hash, len(entries))
	for i := range entries {
		hs[i] = entries[i].Hash
	}
	i := 0
	for v, err := range s.o.Reader.Events(r.Context(), hs) {
		l := lineOf(&entries[i])
		i++
		switch {
		case err != nil && r.Context().Err() != nil:
			return 0, err
		case err != nil:
			s.failed(&l, err)
		default:
			l.Event = v.Record()
		}
		if err := out.add(l); err != nil {
			return 0, err
		}
		if out.size > pageBytes {
			break
		}
	}
	if i == 0 && len(entries) > 0 {
		return 0, &code.Error{Code: code.Internal}
	}
	return i, nil
}
