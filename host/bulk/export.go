package bulk

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// ExportOptions say what is written where. Client is required, with a
// Verifier, and File or Output.
type ExportOptions struct {
	Client *client.Client
	Server string       // the client's; an interrupted export goes on from the same one only
	Query  client.Query // its filters; the order is that of admission, oldest first
	After  string       // the place to begin behind; "": with the first event
	File   string       // must not exist; "": Output, which cannot be gone on with
	Output io.Writer    // lines, not compressed
	// Missing gets what the host could not give, where there is no File: a JSON
	// object a line. nil: nobody.
	Missing io.Writer
	// Progress is told after every few events. nil: nobody.
	Progress func(Exported)

	saveEvery time.Duration
	batch     int
}

// Exported counts what was written.
type Exported struct {
	Events   uint64 `json:"events"`
	Bytes    uint64 `json:"bytes"`   // of the lines, not compressed
	Missing  uint64 `json:"missing"` // events that the host does not have any more, or perhaps does not
	Complete bool   `json:"complete"`
}

// exportState is a point at which the file so far is whole.
type exportState struct {
	Server   string       `json:"server"`
	Query    client.Query `json:"query"`
	Begin    string       `json:"begin,omitempty"` // ExportOptions.After
	After    string       `json:"after"`           // the last event in the file, in the host's order: "epoch-hash"; "": none
	Size     int64        `json:"size"`            // of the file so far
	Missing  int64        `json:"missing"`         // size of the file of what is missing
	Exported Exported     `json:"exported"`
}

// Files of an export that is not complete stand beside the one that it will be.
const (
	partEnding  = ".part"
	stateEnding = ".export.json"
)

// MissingEnding is that of the file beside an export that names what it does
// not have, a JSON object a line. There is none when it has all.
const MissingEnding = ".missing.jsonl"

// beginnings is how often one Export begins a file: a host whose order is
// another one each time is not to be waited for.
const beginnings = 4

// ErrExists: the file to be written is there already.
var ErrExists = errors.New("the file exists already and is left as it is")

// Export writes the record of every event that the query finds, verified, one
// a line, in the order of admission. The lines are the same for every host
// that admitted the same events in the same order. A file appears under its
// name when it is complete and durable; until then it is FILE.part, and after an
// interruption the next Export of the same query goes on with it. Where the
// host's order is another one by then, and does not begin with what the file
// has, the file is begun anew: it misses nothing and has nothing twice. Output
// has some events twice then. What the host can give to nobody does not end an
// export: it is counted, and named in FILE.missing.jsonl.
func Export(ctx context.Context, o ExportOptions) (Exported, error) {
	o.Query.Ascending, o.Query.Limit, o.Query.Cursor, o.Query.After = false, 0, "", ""
	if o.File == "" {
		x := &exporter{o: o, out: plain(o.Output), after: o.After}
		err := errors.Join(x.run(ctx), x.out.Flush())
		x.done.Complete = err == nil
		return x.done, err
	}
	if _, err := os.Lstat(o.File); err == nil {
		if x, err := finished(o); err != nil || x.Complete {
			return x, err
		}
		return Exported{}, fmt.Errorf("%s: %w", o.File, ErrExists)
	}
	x := &exporter{o: o}
	if err := x.open(); err != nil {
		return Exported{}, err
	}
	defer x.close()
	err := x.run(ctx)
	for began := 1; errors.Is(err, &code.Error{Code: code.EpochChanged}) && x.after != o.After && began < beginnings; began++ {
		if err = x.anew(); err == nil {
			err = x.run(ctx)
		}
	}
	if err == nil {
		x.done.Complete = true
	}
	if e := x.save(); e != nil || err != nil {
		return x.done, errors.Join(err, e)
	}
	return x.done, x.finish()
}

// finished completes an export that was interrupted after its file had its name.
func finished(o ExportOptions) (Exported, error) {
	var state exportState
	there, err := readState(o.File+stateEnding, &state)
	if err != nil || !there || !state.Exported.Complete {
		return Exported{}, err
	}
	return state.Exported, os.Remove(o.File + stateEnding)
}

type exporter struct {
	o     ExportOptions
	file  *os.File // nil: Output
	lacks *os.File // what is missing; nil: Missing, or nothing yet
	whole int64    // bytes of lacks that are whole lines
	out   flusher
	done  Exported
	after string
	saved time.Time
}

// A flusher writes through to the file; after Flush what is there is whole.
type flusher interface {
	io.Writer
	Flush() error
}

// open makes the file, or takes up an interrupted one.
func (x *exporter) open() (err error) {
	var state exportState
	resumed, err := readState(x.o.File+stateEnding, &state)
	if err != nil {
		return err
	}
	_, _, placed := strings.Cut(state.After, "-")
	if resumed && !placed && !state.Exported.Complete { // it came to nothing, at a wrong address perhaps, or in an order without a name
		resumed, state = false, exportState{}
	}
	if resumed && !x.same(&state) {
		return fmt.Errorf("%s is of another query or host; remove it to start anew", x.o.File+stateEnding)
	}
	x.after = cmp.Or(state.After, x.o.After)
	if x.file, err = os.OpenFile(x.o.File+partEnding, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	info, err := x.file.Stat()
	if err == nil && info.Size() < state.Size {
		err = fmt.Errorf("%s is shorter than it was; remove %s to start anew", x.file.Name(), x.o.File+stateEnding)
	}
	if err == nil {
		err = x.cut(state.Size, state.Missing)
	}
	if err != nil {
		x.close()
		return err
	}
	x.done, x.saved = state.Exported, time.Now()
	return nil
}

func (x *exporter) close() {
	x.file.Close()
	if x.lacks != nil {
		x.lacks.Close()
	}
}

// cut leaves so much of the file and of what is missing, and goes on there.
func (x *exporter) cut(size, missing int64) error {
	err := cut(x.file, size)
	if err == nil {
		err = x.cutMissing(missing)
	}
	if err == nil {
		x.out, err = compressed(x.o.File, x.file)
	}
	return err
}

func cut(f *os.File, size int64) error {
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = fmt.Errorf("%s is shorter than it was", f.Name())
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	return err
}

// cutMissing is cut of the file of what is missing, which goes when it is empty.
func (x *exporter) cutMissing(size int64) (err error) {
	if x.lacks != nil {
		err = x.lacks.Close()
		x.lacks = nil
	}
	if x.whole = size; size == 0 {
		if e := os.Remove(x.o.File + MissingEnding); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
		return err
	}
	if err == nil {
		x.lacks, err = os.OpenFile(x.o.File+MissingEnding, os.O_RDWR, 0o644)
	}
	if err == nil {
		err = cut(x.lacks, size)
	}
	return err
}

// miss notes what the host went past.
func (x *exporter) miss(p client.Passed, after string) (err error) {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	to := x.o.Missing
	if x.file != nil {
		if x.lacks == nil {
			if x.lacks, err = os.OpenFile(x.o.File+MissingEnding, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644); err != nil {
				return err
			}
		}
		to = x.lacks
	}
	if to != nil {
		n, err := to.Write(append(line, '\n'))
		if err != nil {
			return err
		}
		x.whole += int64(n)
	}
	x.done.Missing += p.Events()
	return x.reached(after)
}

// anew begins the file again. What was written to it is void at once: a state
// that tells of more than the file has would be refused.
func (x *exporter) anew() error {
	x.after, x.done = x.o.After, Exported{}
	if err := os.Remove(x.o.File + stateEnding); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(x.o.File)); err != nil {
		return err
	}
	return x.cut(0, 0)
}

// same reports whether state is of this export.
func (x *exporter) same(state *exportState) bool {
	a, errA := json.Marshal(state.Query)
	b, errB := json.Marshal(x.o.Query)
	return errA == nil && errB == nil && string(a) == string(b) && state.Server == x.o.Server && state.Begin == x.o.After
}

// run writes what follows x.after.
func (x *exporter) run(ctx context.Context) error {
	if x.done.Complete {
		return nil
	}
	r := client.ExportRequest{Query: x.o.Query, After: x.after, Batch: x.o.batch, Once: x.file != nil, Passed: x.miss}
	err := x.o.Client.Export(ctx, r, func(vs []module.Verified, after string) error {
		for _, v := range vs {
			record := v.Record()
			if _, err := x.out.Write(record); err != nil {
				return err
			}
			if _, err := x.out.Write([]byte{'\n'}); err != nil {
				return err
			}
			x.done.Events++
			x.done.Bytes += uint64(len(record)) + 1
		}
		return x.reached(after)
	})
	if errors.As(err, new(*client.PassedError)) { // it is counted
		return nil
	}
	return err
}

// reached notes how far the export is.
func (x *exporter) reached(after string) error {
	x.after = after
	if x.o.Progress != nil {
		x.o.Progress(x.done)
	}
	if x.file != nil && time.Since(x.saved) >= cmp.Or(x.o.saveEvery, saveEvery) {
		return x.save()
	}
	return nil
}

// save makes the file whole and durable, and notes how far it is.
func (x *exporter) save() error {
	if err := errors.Join(x.out.Flush(), x.file.Sync()); err != nil {
		return err
	}
	size, err := x.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if x.lacks != nil {
		if err := x.lacks.Sync(); err != nil {
			return err
		}
	}
	x.saved = time.Now()
	state := exportState{Server: x.o.Server, Query: x.o.Query, Begin: x.o.After, Size: size, Missing: x.whole, Exported: x.done}
	if x.after != x.o.After {
		state.After = x.after
	}
	return writeState(x.o.File+stateEnding, state)
}

// finish gives the file its name.
func (x *exporter) finish() error {
	if err := os.Rename(x.file.Name(), x.o.File); err != nil {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(x.o.File)); err != nil {
		return err
	}
	return os.Remove(x.o.File + stateEnding)
}

func plain(w io.Writer) flusher { return bufio.NewWriterSize(w, 256<<10) }

// compressed returns what writes to w as path's ending says. Each Flush ends a
// frame (zstd) or member (gzip); their sequence is one file to every reader.
func compressed(path string, w io.Writer) (flusher, error) {
	switch {
	case strings.HasSuffix(path, gzipEnding):
		return &frames{w: w, z: gzip.NewWriter(w)}, nil
	case strings.HasSuffix(path, zstdEnding):
		z, err := zstd.NewWriter(w)
		if err != nil {
			return nil, err
		}
		return &frames{w: w, z: z}, nil
	}
	return plain(w), nil
}

type frames struct {
	w io.Writer
	z interface {
		io.WriteCloser
		Reset(io.Writer)
	}
	open bool
}

func (f *frames) Write(b []byte) (int, error) {
	f.open = true
	return f.z.Write(b)
}

func (f *frames) Flush() error {
	if !f.open {
		return nil
	}
	f.open = false
	err := f.z.Close()
	f.z.Reset(f.w)
	return err
}
