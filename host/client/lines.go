package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// lines reads an NDJSON answer with a bound on each line.
type lines struct{ s *bufio.Scanner }

func newLines(r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	return &lines{s}
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
