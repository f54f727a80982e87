package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/eventseal/eventseal/wasm/code"
)

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// terminal reports whether f is one.
func terminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// read returns the file, or standard input where path is "" or "-". More than
// limit bytes are code.TooLarge. White space at the end is not part of any
// text that a command takes.
func (s *stdio) read(path string, limit int) ([]byte, error) {
	in := s.in
	if path == "" || path == "-" {
		if terminal(s.in) {
			s.say("reading from the terminal; end with Ctrl-D")
		}
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, &usageError{err}
		}
		defer f.Close()
		in = f
	}
	// Room for an editor's line ends beyond the limit.
	b, err := io.ReadAll(io.LimitReader(in, int64(limit)+64))
	if err != nil {
		return nil, &usageError{fmt.Errorf("reading: %w", err)}
	}
	if b = bytes.TrimRight(b, " \t\r\n"); len(b) > limit {
		return nil, &code.Error{Code: code.TooLarge, Detail: fmt.Sprintf("more than %d bytes", limit)}
	}
	return b, nil
}

// line writes b and a line end with one write.
func (s *stdio) line(b []byte) error {
	_, err := s.out.Write(append(bytes.Clone(b), '\n'))
	return err
}

// document writes v as indented JSON.
func (s *stdio) document(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := s.out.Write(b.Bytes())
	return err
}
