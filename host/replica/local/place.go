package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/replica"
)

// The file place says in which format the folder's files are, and which place
// it is:
//
//	{"format":1,"id":"32 hex digits","crc32c":"8 hex digits"}
//
// The sum is of all that is before `,"crc32c":`, in every format. Format 2 is
// the one that frame.go and table.go describe. Format 1 is the same without
// objects: a folder is of format 2 from its first object on, so that a program
// that takes their frames for damage refuses it. A folder without the file is of
// format 1, too, and no known place's.
const (
	format      = 2
	firstFormat = 1
	maxPlace    = 64 << 10
	sumField    = `,"crc32c":"`
)

type placeFile struct {
	Format int    `json:"format"`
	ID     string `json:"id,omitempty"`
}

var _ replica.Identified = (*Replica)(nil)

// errPlace: a sum tells that from the file of a newer program.
var errPlace = errors.New("the file is damaged")

func appendPlace(dst []byte, p placeFile) ([]byte, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	b = b[:len(b)-1]
	return fmt.Appendf(append(dst, b...), "%s%08x\"}\n", sumField, crc32.Checksum(b, castagnoli)), nil
}

// parsePlace fails with errPlace or ErrNewer.
func parsePlace(b []byte) (p placeFile, err error) {
	at := bytes.LastIndex(b, []byte(sumField))
	if at < 0 || string(b[at:]) != fmt.Sprintf("%s%08x\"}\n", sumField, crc32.Checksum(b[:at], castagnoli)) {
		return p, errPlace
	}
	if err := json.Unmarshal(b, &p); err != nil || p.Format < 1 {
		return placeFile{}, errPlace
	}
	if p.Format > format {
		return placeFile{}, fmt.Errorf("%w: it has format %d, and this program knows those up to %d", ErrNewer, p.Format, format)
	}
	return p, nil
}

// readPlace returns what a folder says it is; one that says nothing is of the
// first format and no known place. It fails with errPlace or ErrNewer.
func readPlace(d *durable.Folder) (placeFile, error) {
	b, err := d.Read(placeName, maxPlace)
	if errors.Is(err, fs.ErrNotExist) {
		return placeFile{Format: firstFormat}, nil
	}
	if err != nil {
		return placeFile{}, err
	}
	return parsePlace(b)
}

// settlePlace stores p again, because the process before may not have managed
// to sync it. On a full disk it stays as it is.
func (st *state) settlePlace(p placeFile) error {
	b, err := appendPlace(nil, p)
	if err != nil {
		return err
	}
	if err := st.folder.Replace(placeName, b); err != nil && !noSpace(err) {
		return err
	}
	return nil
}

// Identity implements replica.Identified. It reads what is at the path now, be
// that the folder that the replica has open or not.
func (r *Replica) Identity(ctx context.Context, _ []string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	r.mu.RLock()
	closed := r.closed
	r.mu.RUnlock()
	if closed {
		return "", replica.ErrClosed
	}
	d, err := durable.OpenFolder(r.path)
	if err == nil {
		defer d.Close()
		var p placeFile
		if p, err = readPlace(d); err == nil {
			return p.ID, nil
		}
	}
	if gone(err) || errors.Is(err, errPlace) {
		return "", nil
	}
	return "", fmt.Errorf("local: %w", err)
}

// Identify implements replica.Identified. The folder that gets the id is the one
// that the path leads to, and that the replica stores into.
func (r *Replica) Identify(ctx context.Context, id string) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	if id == "" {
		return errors.New("local: the id is empty")
	}
	t := &task{id: id}
	if err := r.submit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// identify is Identify, done by the writer.
func (r *Replica) identify(id string) error {
	b, err := appendPlace(nil, placeFile{Format: r.format, ID: id})
	if err != nil {
		return err
	}
	if err := r.folder.Replace(placeName, b); err != nil {
		return r.refused(err)
	}
	return nil
}

// raise makes the folder one of the format that has objects, durably, before
// there is one.
func (r *Replica) raise() error {
	if r.format == format {
		return nil
	}
	p, err := readPlace(r.folder)
	if err != nil && !errors.Is(err, errPlace) { // a damaged one says nothing that is kept
		return fmt.Errorf("local: %w", err)
	}
	p.Format = format
	b, err := appendPlace(nil, p)
	if err != nil {
		return err
	}
	if err := r.folder.Replace(placeName, b); err != nil {
		return r.refused(err)
	}
	r.format = format
	return nil
}
