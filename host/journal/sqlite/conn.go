package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/eventseal/eventseal/host/journal"
)

// A conn is one connection for one goroutine, used through the driver's own
// interface: database/sql costs a lock and several allocations a statement,
// and the writer runs some ten thousand of them a second.
type conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
}

// dsn names the file with pragmas that every connection to it needs.
func dsn(path, query string, pragmas ...string) (string, error) {
	if err := installVFS(); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query += "&vfs=" + vfsName
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}
	for _, p := range pragmas {
		query += "&_pragma=" + url.QueryEscape(p)
	}
	return u.String() + "?" + query, nil
}

func connect(name string) (*conn, error) {
	c, err := (&sqlite.Driver{}).Open(name)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]driver.Stmt{}}, nil
}

// stmt prepares each text once. The texts are a small fixed set.
func (c *conn) stmt(text string) (driver.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	s, err := c.c.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, text)
	}
	c.stmts[text] = s
	return s, nil
}

func (c *conn) exec(text string, args ...driver.Value) error {
	s, err := c.stmt(text)
	if err != nil {
		return err
	}
	//lint:ignore SA1019 the variant with a context is for those who interrupt; a commit must not be
	_, err = s.Exec(args)
	return err
}

// query calls row with each row; the values are valid during the call alone.
func (c *conn) query(text string, args []driver.Value, row func([]driver.Value) error) (err error) {
	s, err := c.stmt(text)
	if err != nil {
		return err
	}
	//lint:ignore SA1019 as in exec
	rows, err := s.Query(args)
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(values); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

// script runs several statements that return nothing.
func (c *conn) script(text string) error {
	s, err := c.c.Prepare(text)
	if err != nil {
		return err
	}
	//lint:ignore SA1019 as in exec
	_, err = s.Exec(nil)
	if e := s.Close(); err == nil {
		err = e
	}
	return err
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Close() // repeats the error of its last run
	}
	return c.c.Close()
}

// Result codes, see https://www.sqlite.org/rescode.html.
const (
	codeBusy     = 5
	codeLocked   = 6
	codeMemory   = 7
	codeIO       = 10
	codeFull     = 13
	codeCantOpen = 14
	codeProtocol = 15             // a race for the log's index
	codeShmSize  = codeIO | 19<<8 // no room to grow the WAL's index
)

// harmless are the errors of input and output that come before anything is
// written: of reading, of opening, of locking, of memory.
var harmless = map[int]bool{
	codeIO | 1<<8: true, codeIO | 2<<8: true, codeIO | 7<<8: true, codeIO | 9<<8: true, codeIO | 12<<8: true, codeIO | 13<<8: true,
	codeIO | 14<<8: true, codeIO | 15<<8: true, codeIO | 18<<8: true, codeIO | 20<<8: true, codeIO | 21<<8: true, codeIO | 25<<8: true,
}

// held says whether another program holds a lock.
func held(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == codeBusy || e.Code()&0xff == codeLocked || e.Code()&0xff == codeProtocol)
}

// classify wraps a writer's error in the contract's. What is not known to
// leave the file as it was, such as a write or a sync that failed, closes the
// journal to writes: after a failed fsync the kernel may have dropped the pages,
// and a second fsync would lie.
func classify(err error) error {
	if err == nil || errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrFailed) {
		return err
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch code := e.Code(); {
		case code&0xff == codeFull, code == codeShmSize:
			return fmt.Errorf("%w: %w", journal.ErrFull, err)
		case held(err):
			return fmt.Errorf("%w: held by another program: %w", journal.ErrBusy, err)
		case code&0xff == codeMemory, code&0xff == codeCantOpen, harmless[code]:
			return fmt.Errorf("%w: %w", journal.ErrBusy, err)
		}
	}
	if damaged(err) {
		return asDamage(err) // found by reading: nothing was written
	}
	return fmt.Errorf("%w: %w", journal.ErrFailed, err)
}

// values is "(?,?),(?,?)" for rows of so many columns.
func values(columns, rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + "),"
	return strings.TrimSuffix(strings.Repeat(row, rows), ",")
}
