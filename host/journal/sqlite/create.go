package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// A format is how a file that is there keeps its pages.
type format int

const (
	formatNone  format = iota // there is no file
	formatPlain               // without sums
	formatSums
)

func formatOf(path string) (format, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return formatNone, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	header := make([]byte, headerBytes)
	switch _, err := io.ReadFull(f, header); {
	case err == io.EOF:
		return formatNone, nil
	case err != nil && err != io.ErrUnexpectedEOF:
		return 0, err
	case hasSums(header):
		return formatSums, nil
	}
	return formatPlain, nil
}

// create makes an empty database whose pages have sums and which can give back
// pages that it does not need. SQLite has no statement that reserves bytes, so
// this is the first page of its file format, as it would write it.
func create(path string) error {
	p := make([]byte, pageBytes)
	copy(p, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(p[16:], pageBytes)
	p[18], p[19] = 1, 1 // rollback journal, until the first connection chooses the log
	p[20] = sumBytes
	p[21], p[22], p[23] = 64, 32, 32
	put := func(at int, v uint32) { binary.BigEndian.PutUint32(p[at:], v) }
	put(24, 1) // changes
	put(28, 1) // pages
	put(44, 4) // schema format
	put(52, 1) // the largest root: the file can be vacuumed in steps,
	put(56, 1) // UTF-8
	put(64, 1) // and is when asked to
	put(68, applicationID)
	put(92, 1)       // the change that the next is valid for
	put(96, 3046000) // some version of SQLite
	p[100] = 13      // a leaf of a table, without cells
	binary.BigEndian.PutUint16(p[105:], bodyBytes)
	seal(p, 1)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(p)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
