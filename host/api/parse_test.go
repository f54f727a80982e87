package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
)

// FuzzLines cuts a body as a simpler cutter does, compressed or not.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\n\n \r\nbb\r\nc"), false)
	f.Add(bytes.Repeat([]byte("x"), 100), true)
	f.Add([]byte("\n\n\n"), true)
	f.Add([]byte{0x1f, 0x8b, 8, 0}, false)
	f.Fuzz(func(t *testing.T, body []byte, compressed bool) {
		const limit = 20
		type line struct {
			text   string
			number int
		}
		var want []line
		number := 0
		for l := range bytes.Lines(body) {
			number++
			switch trimmed := bytes.TrimSpace(l); {
			case len(l) > limit+2:
				want = append(want, line{"too long", number})
			case len(trimmed) > 0:
				want = append(want, line{string(trimmed), number})
			}
		}
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		if compressed {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(body)
			w.Close()
			r = httptest.NewRequest("POST", "/", &b)
			r.Header.Set("Content-Encoding", "gzip")
		}
		lines, err := newLineReader(httptest.NewRecorder(), r, limit, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer lines.close()
		at := 0
		for _, w := range want {
			got, n, err := lines.next()
			at += n
			if errors.Is(err, errLongLine) {
				got, err = []byte("too long"), nil
			}
			if err != nil || string(got) != w.text || at != w.number {
				t.Fatalf("line %d is %q, want %q in %d: %v", at, got, w.text, w.number, err)
			}
		}
		if got, _, err := lines.next(); !errors.Is(err, io.EOF) {
			t.Fatalf("one more: %q %v", got, err)
		}
	})
}

// FuzzInflate feeds what may be no compression at all.
func FuzzInflate(f *testing.F) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte("a\nb\n"))
	w.Close()
	f.Add(b.Bytes(), "gzip")
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x21\x00\x00a\nb\n\x00\x00\x00\x00"), "zstd")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", encoding)
		lines, err := newLineReader(httptest.NewRecorder(), r, 100, time.Minute)
		if err != nil {
			if refusal(err).Code != code.UnsupportedMediaType {
				t.Fatal(err)
			}
			return
		}
		defer lines.close()
		for {
			line, _, err := lines.next()
			switch {
			case errors.Is(err, errLongLine):
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				if c := refusal(err).Code; c != code.InvalidArgument && c != code.TooLarge {
					t.Fatal(err)
				}
				return
			case len(line) == 0 || len(line) > 102:
				t.Fatalf("a line of %d bytes", len(line))
			}
		}
	})
}

// FuzzCursor takes nothing but cursors that this very query gave out.
func FuzzCursor(f *testing.F) {
	q := journal.Filter{Types: []string{"VOTE"}, Descending: true}
	f.Add(encodeCursor(&q, journal.Position{Epoch: "00112233445566ff", Sequence: 7}), "VOTE", true)
	f.Add(encodeCursor(&q, journal.Position{Epoch: "00112233445566ff", Sequence: 1 << 53}), "VOTE", true)
	f.Add("", "", false)
	f.Add("AAAAAAAAAAAAAAAAAAAAAAA", "LIKE", false)
	f.Fuzz(func(t *testing.T, cursor, kind string, down bool) {
		q := journal.Filter{Descending: down}
		if kind != "" {
			q.Types = []string{kind}
		}
		p, err := decodeCursor(&q, cursor)
		if err != nil {
			if refusal(err).Code != code.InvalidCursor {
				t.Fatal(err)
			}
			return
		}
		if p.Sequence == 0 || encodeCursor(&q, p) != cursor {
			t.Fatalf("%q is taken for one to %s", cursor, p)
		}
		other := journal.Filter{Types: q.Types, Descending: !down}
		if _, err := decodeCursor(&other, cursor); err == nil {
			t.Fatalf("%q is a cursor of both orders", cursor)
		}
	})
}

// FuzzHashes reads the body of a retrieval.
func FuzzHashes(f *testing.F) {
	f.Add([]byte(`{"hashes":["0000000000000000000000000000000000000000000000000000000000000000"]}`))
	f.Add([]byte(`{"hashes":[]}{}`))
	f.Add([]byte(`{"Hashes":null,"hashes":[1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hs, err := parseHashes(body, 3)
		if err != nil {
			if c := refusal(err).Code; c != code.InvalidArgument && c != code.InvalidJSON && c != code.TooLarge {
				t.Fatal(err)
			}
			return
		}
		if len(hs) > 3 {
			t.Fatalf("%d hashes", len(hs))
		}
		for _, h := range hs {
			if !bytes.Contains(body, h.AppendHex(nil)) {
				t.Fatalf("%s is not in the body", h)
			}
		}
	})
}
