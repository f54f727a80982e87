package sqlite

import (
	"encoding/binary"
	"errors"
)

// A copyState is one copy as the writer sees it.
type copyState struct {
	replica  int64
	location string
	owed     bool
	attempts int64
	due      int64 // Unix milliseconds, while owed
	err      string
	updated  int64 // Unix milliseconds
}

// appendCopy appends the form that copies.state holds of a copy that is not
// owed: replica, updated, attempts (unsigned varints), location and error
// (length as unsigned varint, bytes).
func appendCopy(b []byte, c copyState) []byte {
	b = binary.AppendUvarint(b, uint64(c.replica))
	b = binary.AppendUvarint(b, uint64(c.updated))
	b = binary.AppendUvarint(b, uint64(c.attempts))
	b = binary.AppendUvarint(b, uint64(len(c.location)))
	b = append(b, c.location...)
	b = binary.AppendUvarint(b, uint64(len(c.err)))
	return append(b, c.err...)
}

var errCopies = errors.New("a row of copies is damaged")

func parseCopies(b []byte) (cs []copyState, err error) {
	number := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			err, b = errCopies, nil
			return 0
		}
		b = b[n:]
		return x
	}
	text := func() string {
		n := number()
		if n > uint64(len(b)) {
			err, b = errCopies, nil
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	for len(b) > 0 && err == nil {
		c := copyState{replica: int64(number()), updated: int64(number()), attempts: int64(number())}
		c.location, c.err = text(), text()
		cs = append(cs, c)
	}
	return cs, err
}

// maxError bounds what is kept of an error's text.
const maxError = 500

// apply returns the copy after the news.
func (c copyState) apply(n news) copyState {
	c.updated = n.at
	if n.Err == "" {
		c.location, c.owed, c.attempts, c.due, c.err = n.Location, false, 0, 0, ""
		return c
	}
	if !c.owed {
		c.attempts = 0
	}
	c.attempts++
	c.err = n.Err
	if len(c.err) > maxError {
		c.err = c.err[:maxError]
	}
	c.owed, c.due = n.Owed, 0
	c.location = ""
	if n.Owed {
		c.due = n.at + n.RetryIn.Milliseconds()
	}
	return c
}
