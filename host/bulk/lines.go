package bulk

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/module"
)

// The endings of compressed files.
const (
	gzipEnding = ".gz"
	zstdEnding = ".zst"
)

// maxWindow bounds the memory that a zstd file can ask for.
const maxWindow = 64 << 20

// A line is one line of a file, without its end and without white space around it.
type line struct {
	number uint64 // from 1
	text   []byte // nil: longer than any event
}

// A reader cuts a file, compressed or not, into lines.
type reader struct {
	size   int64 // of the file; 0: not known
	raw    *counter
	in     *bufio.Reader
	close  func()
	number uint64
}

// counter counts what is read of the file itself.
type counter struct {
	r io.Reader
	n atomic.Uint64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(uint64(n))
	return n, err
}

func openLines(path string, in io.Reader) (*reader, error) {
	r := &reader{close: func() {}}
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			r.size = info.Size()
		}
		in = f
		r.close = func() { f.Close() }
	}
	r.raw = &counter{r: in}
	var plain io.Reader = r.raw
	switch {
	case strings.HasSuffix(path, gzipEnding):
		z, err := gzip.NewReader(r.raw)
		if err != nil {
			r.close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		plain = z
	case strings.HasSuffix(path, zstdEnding):
		z, err := zstd.NewReader(r.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			r.close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		plain = z
		file := r.close
		r.close = func() { z.Close(); file() }
	}
	r.in = bufio.NewReaderSize(plain, 256<<10)
	return r, nil
}

// next returns the next line that is not blank; io.EOF when there is none.
// The text is the caller's own.
func (r *reader) next() (line, error) {
	for {
		var text []byte
		long := false
		n := 0
		var err error
		for {
			var part []byte
			part, err = r.in.ReadSlice('\n')
			n += len(part)
			if len(text)+len(part) > module.MaxRecordBytes+2 {
				long, text = true, nil
			}
			if !long {
				text = append(text, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
			return line{}, err
		}
		r.number++
		if text = bytes.TrimSpace(text); len(text) > 0 || long {
			return line{r.number, text}, nil
		}
	}
}
