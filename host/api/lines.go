package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/wasm/code"
)

// maxSkipped bounds what of a line over the limit, or of blank lines in a row,
// is read and thrown away. A body that goes on is refused as a whole: a few
// bytes of a compressed one can stand for terabytes.
const maxSkipped = 8 << 20

// A timedBody reads a request's body and gives each line the whole of the time
// limit. It touches the deadline only when it really waits for the client.
type timedBody struct {
	body    io.Reader
	control *http.ResponseController
	timeout time.Duration
	renew   bool // a new line has begun
}

func (b *timedBody) Read(p []byte) (int, error) {
	if b.renew {
		b.renew = false
		_ = b.control.SetReadDeadline(time.Now().Add(b.timeout)) // not every writer has deadlines
	}
	return b.body.Read(p)
}

// A lineReader cuts a body, compressed or not, into lines.
type lineReader struct {
	timed *timedBody
	r     *bufio.Reader
	zr    io.Closer // of the decompressor; nil: none
	limit int
}

func newLineReader(w http.ResponseWriter, r *http.Request, limit int, timeout time.Duration) (*lineReader, error) {
	timed := &timedBody{body: r.Body, control: http.NewResponseController(w), timeout: timeout}
	l := &lineReader{timed: timed, limit: limit}
	var in io.Reader = timed
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		in = &lazyGzip{in: timed}
	case "zstd":
		d, err := zstd.NewReader(timed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, err
		}
		l.zr = d.IOReadCloser()
		in = d
	default:
		return nil, &code.Error{Code: code.UnsupportedMediaType, Detail: fmt.Sprintf("a body may be compressed with gzip or zstd, not with %s", quoted(encoding))}
	}
	l.r = bufio.NewReaderSize(in, 64<<10)
	return l, nil
}

// lazyGzip reads the header with the first line and not before: a client may
// send its first bytes after it has seen ours.
type lazyGzip struct {
	in io.Reader
	z  *gzip.Reader
}

func (g *lazyGzip) Read(p []byte) (n int, err error) {
	if g.z == nil {
		if g.z, err = gzip.NewReader(g.in); err != nil {
			return 0, err
		}
	}
	return g.z.Read(p)
}

func (l *lineReader) close() {
	if l.zr != nil {
		_ = l.zr.Close() // a reader's
	}
}

// next returns the next line that is not blank, without its end, as the
// caller's own, and how many lines it went on. io.EOF after the last. A line
// over the limit is code.TooLarge and the next one can be read; after any
// other error nothing can.
func (l *lineReader) next() (line []byte, lines int, err error) {
	skipped := 0
	for {
		l.timed.renew = true
		lines++
		line, err := l.line()
		if err != nil {
			return nil, lines, err
		}
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			return trimmed, lines, nil
		}
		if skipped += len(line) + 1; skipped > maxSkipped {
			return nil, lines, errEndless
		}
	}
}

var (
	errEndless  = &code.Error{Code: code.TooLarge, Detail: "the body has no end of a line in too many bytes"}
	errLongLine = errors.New("line over the limit")
)

func (l *lineReader) line() (line []byte, err error) {
	skipped := 0
	for {
		part, err := l.r.ReadSlice('\n')
		if skipped == 0 && len(line)+len(part) > l.limit+2 { // with \r\n
			line, skipped = nil, l.limit
		}
		switch {
		case skipped > 0:
			if skipped += len(part); skipped > maxSkipped {
				return nil, errEndless
			}
		default:
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			if skipped > 0 {
				return nil, errLongLine
			}
			if len(line) == 0 {
				return nil, io.EOF
			}
			return line, nil
		case err != nil:
			return nil, bodyError(err)
		case skipped > 0:
			return nil, errLongLine
		}
		return line, nil
	}
}
