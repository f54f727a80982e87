package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// lines reads an NDJSON answer with a bound on each line. A line without its
// end is one that broke off.
type lines struct {
	s   *bufio.Scanner
	cut bool
}

func newLines(r io.Reader) *lines {
	l := &lines{s: bufio.NewScanner(r)}
	l.s.Buffer(make([]byte, 0, 64<<10), maxLine)
	l.s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, data[:i], nil
		}
		if atEOF && len(data) > 0 { // by whatever error
			l.cut = true
			return len(data), nil, nil
		}
		return 0, nil, nil
	})
	return l
}

// next returns the next line that is not empty, valid until the one after it;
// io.EOF when the answer ended in order.
func (l *lines) next() ([]byte, error) {
	for l.s.Scan() {
		if line := bytes.TrimSpace(l.s.Bytes()); len(line) > 0 {
			return line, nil
		}
	}
	switch err := l.s.Err(); err {
	case nil:
		if l.cut {
			return nil, &brokenError{io.ErrUnexpectedEOF}
		}
		return nil, io.EOF
	case bufio.ErrTooLong:
		return nil, fmt.Errorf("the answer has a line of more than %d bytes", maxLine)
	default:
		return nil, &brokenError{err}
	}
}

// sleep waits for d and reports whether ctx still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
