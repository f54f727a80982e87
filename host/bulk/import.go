// Package bulk moves many events between a host and a file with a record on
// each line (JSON Lines), plain or compressed by its ending: .gz, .zst. What is
// interrupted, by whatever, goes on exactly where it was.
package bulk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// ImportOptions say what is stored where. Client is required, and File or Input.
type ImportOptions struct {
	Client *client.Client
	Server string    // the client's; an interrupted import goes on at the same one only
	Wait   string    // when a store counts as done; see client.Store
	File   string    // "": Input, which cannot be gone on with
	Input  io.Reader // lines, not compressed
	Report string    // file for refusals, a JSON object a line, which goes when there are none; "": none
	State  string    // file that remembers how far an import of File came; "": none
	// Progress is told after every few events: how many bytes of the file were
	// read, and of how many, 0 where that is not known. nil: nobody.
	Progress func(i Imported, read, size uint64)

	saveEvery time.Duration
}

// Imported counts what became of the lines.
type Imported struct {
	Lines    uint64 `json:"lines"`   // that are not blank
	Created  uint64 `json:"created"` // new to the host
	Known    uint64 `json:"known"`   // the host had them before
	Refused  uint64 `json:"refused"` // they are in the report
	Complete bool   `json:"complete"`
}

// A Refusal is a line of the report.
type Refusal struct {
	Line    uint64 `json:"line"` // of the file, from 1
	Code    string `json:"code"`
	Pointer string `json:"pointer,omitempty"`
	Detail  string `json:"detail"`
}

// importState is a point up to which every line has had its answer.
type importState struct {
	Server   string   `json:"server"`
	Epoch    string   `json:"epoch"` // of the host's order, which the receipts named
	Line     uint64   `json:"line"`
	Content  hexBytes `json:"content"` // SHA-256 of the lines up to it
	Report   int64    `json:"report"`  // length of the report
	Imported Imported `json:"imported"`
}

// saveEvery is how often progress is made durable: what an interrupted import
// has to send again, which the host then knows, is what came after that.
const saveEvery = time.Second

type importer struct {
	o      ImportOptions
	in     *reader
	report *os.File

	mu      sync.Mutex
	pending []line // sent and not answered, or refused here, in order

	epoch   string    // of the receipts so far; "": there are none
	content hash.Hash // of the lines that were answered
	at      uint64
	done    Imported
	saved   time.Time
}

// Import stores every line of the file, in its order, which is the order in
// which the host admits them, but for those that it could not take at once and
// that are sent again: of an author over the rate, for example. A line that the host refuses goes into the
// report, and the import goes on. It ends with an error when the host cannot
// store now, and when ctx ends; with a State file the next Import of the same
// file goes on after the last line whose answer was noted, so that no line is
// counted or reported twice. The state file goes when the import is complete.
// When the host's order has become another one since the first line, its
// receipts before are of what it may not have any more: File is begun anew.
func Import(ctx context.Context, o ImportOptions) (done Imported, err error) {
	if o.File == "" {
		o.State = ""
	}
	for began := 1; ; began++ {
		done, err = importOnce(ctx, o)
		if !errors.Is(err, errReordered) || o.File == "" || began == beginnings {
			return done, err
		}
		if o.State != "" {
			if err := os.Remove(o.State); err != nil && !errors.Is(err, os.ErrNotExist) {
				return done, err
			}
		}
	}
}

var errReordered = errors.New("the host's journal was rebuilt, restored or rolled back since the first line: import all of it again")

func importOnce(ctx context.Context, o ImportOptions) (done Imported, err error) {
	i := &importer{o: o, content: sha256.New(), saved: time.Now()}
	if i.in, err = openLines(o.File, o.Input); err != nil {
		return Imported{}, err
	}
	defer i.in.close()
	defer func() {
		if i.report != nil {
			i.report.Close()
		}
	}()
	if err := i.begin(ctx); err != nil {
		return Imported{}, err
	}
	err = o.Client.StoreStream(ctx, o.Wait, i.events(), i.answered)
	if err == nil {
		err = i.local()
	}
	if err == nil {
		i.done.Complete = true
		if i.report != nil {
			err = i.report.Sync()
		}
		if err == nil && i.report != nil && i.done.Refused == 0 {
			err = os.Remove(i.o.Report)
		}
		if err == nil && o.State != "" {
			if err = os.Remove(o.State); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
	} else {
		err = errors.Join(err, i.save())
	}
	return i.done, err
}

// begin takes up an interrupted import, if there is one.
func (i *importer) begin(ctx context.Context) error {
	var state importState
	resumed := false
	if i.o.State != "" {
		var err error
		if resumed, err = readState(i.o.State, &state); err != nil {
			return err
		}
	}
	if resumed && state.Line == 0 { // it came to nothing, at a wrong address perhaps
		resumed, state = false, importState{}
	}
	if resumed && state.Server != i.o.Server {
		return fmt.Errorf("%s is of an import into %s; remove it to import into %s", i.o.State, state.Server, i.o.Server)
	}
	if i.o.Report != "" {
		flags := os.O_RDWR | os.O_CREATE
		if !resumed {
			flags |= os.O_TRUNC
		}
		f, err := os.OpenFile(i.o.Report, flags, 0o644)
		if err != nil {
			return err
		}
		i.report = f
		// What was reported after the state was saved is reported again.
		if info, err := f.Stat(); err != nil || info.Size() < state.Report {
			return errors.Join(fmt.Errorf("%s is not the report of the interrupted import; remove %s to start anew", i.o.Report, i.o.State), err)
		}
		if err := f.Truncate(state.Report); err != nil {
			return err
		}
		if _, err := f.Seek(state.Report, io.SeekStart); err != nil {
			return err
		}
	}
	if !resumed {
		return nil
	}
	for i.at < state.Line {
		l, err := i.in.next()
		if err == nil && l.number <= state.Line {
			i.pass(l)
			continue
		}
		if err == nil || errors.Is(err, io.EOF) {
			break
		}
		return err
	}
	if i.at != state.Line || string(i.content.Sum(nil)) != string(state.Content) {
		return fmt.Errorf("%s is not the file whose import was interrupted; remove %s to start anew", i.o.File, i.o.State)
	}
	i.done, i.epoch = state.Imported, state.Epoch
	if i.epoch == "" { // every line so far was refused
		return nil
	}
	if now, err := i.o.Client.Epoch(ctx); err != nil || now != i.epoch {
		return cmp.Or(err, errReordered)
	}
	return nil
}

// pass counts a line as dealt with.
func (i *importer) pass(l line) {
	i.content.Write(l.text)
	i.content.Write([]byte{'\n'})
	i.at = l.number
}

// events yields the lines to be stored and notes each as pending.
func (i *importer) events() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			l, err := i.in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("reading line %d: %w", i.in.number+1, err))
				return
			}
			i.mu.Lock()
			i.pending = append(i.pending, l)
			i.mu.Unlock()
			if l.text != nil && !yield(l.text, nil) {
				return
			}
		}
	}
}

// take returns the oldest pending line.
func (i *importer) take(refusedHere bool) (line, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.pending) == 0 || (i.pending[0].text == nil) != refusedHere {
		return line{}, false
	}
	l := i.pending[0]
	i.pending = i.pending[1:]
	return l, true
}

// local deals with the pending lines that no host was asked about.
func (i *importer) local() error {
	for {
		l, ok := i.take(true)
		if !ok {
			return nil
		}
		if err := i.refuse(l, &code.Error{Code: code.TooLarge, Detail: fmt.Sprintf("more than %d bytes", module.MaxRecordBytes)}); err != nil {
			return err
		}
		i.pass(l)
	}
}

// answered files the host's answer for the oldest line that was sent.
func (i *importer) answered(_ int, s client.Stored) error {
	if err := i.local(); err != nil {
		return err
	}
	var refusal *code.Error
	if s.Err != nil && (!errors.As(s.Err, &refusal) || !client.Final(refusal.Code)) {
		return s.Err // the event stays pending, and is the first of the next import
	}
	if s.Err == nil {
		if i.epoch != "" && s.Receipt.Epoch != i.epoch {
			return errReordered
		}
		i.epoch = s.Receipt.Epoch
	}
	l, ok := i.take(false)
	if !ok {
		return errors.New("more answers than events")
	}
	switch {
	case s.Err != nil:
		if err := i.refuse(l, refusal); err != nil {
			return err
		}
	case s.Receipt.Created:
		i.done.Created++
		i.done.Lines++
	default:
		i.done.Known++
		i.done.Lines++
	}
	i.pass(l)
	if i.o.Progress != nil && i.done.Lines%64 == 0 {
		i.o.Progress(i.done, i.in.raw.n.Load(), uint64(i.in.size))
	}
	if time.Since(i.saved) >= cmp.Or(i.o.saveEvery, saveEvery) {
		return i.save()
	}
	return nil
}

func (i *importer) refuse(l line, refusal *code.Error) error {
	i.done.Refused++
	i.done.Lines++
	if i.report == nil {
		return nil
	}
	detail := refusal.Detail
	if detail == "" {
		detail = refusal.Code.Title()
	}
	b, err := json.Marshal(Refusal{Line: l.number, Code: refusal.Code.String(), Pointer: refusal.Pointer, Detail: detail})
	if err != nil {
		return err
	}
	_, err = i.report.Write(append(b, '\n'))
	return err
}

// save makes how far the import is durable.
func (i *importer) save() error {
	if i.o.State == "" {
		return nil
	}
	state := importState{Server: i.o.Server, Epoch: i.epoch, Line: i.at, Content: i.content.Sum(nil), Imported: i.done}
	if i.report != nil {
		var err error
		if state.Report, err = i.report.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		if err := i.report.Sync(); err != nil {
			return err
		}
	}
	i.saved = time.Now()
	return writeState(i.o.State, state)
}
