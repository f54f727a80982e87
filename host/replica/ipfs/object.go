package ipfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

var _ replica.Objects = (*Replica)(nil)

// Objects are raw blocks with names in the node's own file system (MFS), under
// this folder: so they are found by name alone, and the node's garbage
// collection keeps them. What they replace, and the folders as they were
// before, is left to it.
const folder = "/eventseal"

// The node forgets changes that it was told to flush later when somebody flushes
// a folder above meanwhile (boxo's mfs drops the folders that it has in memory,
// with what is under way in them). So one call of this process at a time makes
// changes, and what it answers it has seen after the flush.

const (
	allObjects = 1 << 20
	// The node takes 256 changes, of whoever, before it wants them flushed.
	maxLinks = 100
	linksAt  = 8 // requests at once
	rounds   = 4 // of a name that others or the node take away
)

// errAgain: the change was not made, or is gone.
var errAgain = errors.New("ipfs: the node has not kept the name")

// lock waits until nobody is at the objects, or with shared nobody who makes
// changes. Without an error, unlock must be called.
func (r *Replica) lock(ctx context.Context, shared bool) (unlock func(), err error) {
	if r.closed.Load() {
		return nil, replica.ErrClosed
	}
	n := int64(allObjects)
	if shared {
		n = 1
	}
	if err := r.objects.Acquire(ctx, n); err != nil {
		return nil, wrap(ctx, err)
	}
	return func() { r.objects.Release(n) }, nil
}

// PutObjects implements replica.Objects: one import of blocks, two requests for
// each name, and one that makes all of them durable. Where two processes put
// different objects of one name at the same moment, the node decides.
func (r *Replica) PutObjects(ctx context.Context, os []replica.Object) []error {
	unlock, err := r.lock(ctx, false)
	if err != nil {
		return replica.EachError(len(os), err)
	}
	defer unlock()
	return replica.PutObjects(os, func(os []replica.Object) (errs []error) {
		for part := range slices.Chunk(os, maxLinks) {
			errs = append(errs, r.putObjects(ctx, part)...)
		}
		return errs
	})
}

func (r *Replica) putObjects(ctx context.Context, os []replica.Object) []error {
	if err := r.importBlocks(ctx, os); err != nil {
		return replica.EachError(len(os), err)
	}
	errs := replica.EachError(len(os), errAgain)
	names := make([]string, len(os))
	for i, o := range os {
		names[i] = o.Name
	}
	for range rounds {
		var todo []int
		for i, err := range errs {
			if errors.Is(err, errAgain) {
				todo = append(todo, i)
			}
		}
		if todo == nil {
			break
		}
		replica.Each(len(todo), linksAt, func(k int) { errs[todo[k]] = r.link(ctx, os[todo[k]]) })
		err := r.flush(ctx, names)
		replica.Each(len(todo), linksAt, func(k int) {
			i := todo[k]
			if errs[i] == nil {
				errs[i] = err
			}
			if errs[i] == nil {
				errs[i] = r.named(ctx, os[i].Name, sha256.Sum256(os[i].Data))
			}
		})
	}
	return errs
}

// named fails with errAgain unless the name is the block's.
func (r *Replica) named(ctx context.Context, name string, block digest.Hash) error {
	held, err := r.stat(ctx, name)
	if errors.Is(err, replica.ErrNotFound) || err == nil && held != block {
		return fmt.Errorf("%w: %s", errAgain, name)
	}
	return err
}

// importBlocks stores the objects' blocks, which nothing keeps yet.
func (r *Replica) importBlocks(ctx context.Context, os []replica.Object) error {
	size := 0
	for _, o := range os {
		size += len(o.Data) + 48
	}
	c := newCar(rawPrefix, sha256.Sum256(os[0].Data), size)
	for _, o := range os {
		c.add(rawPrefix, sha256.Sum256(o.Data), o.Data)
	}
	resp, err := r.api.Request("dag/import").Option("pin-roots", false).Option("silent", true).Body(upload(c.b)).Send(ctx)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return wrap(ctx, err)
	}
	defer resp.Cancel()
	_, err = io.Copy(io.Discard, resp.Output)
	return wrap(ctx, err)
}

// link gives the block of an object its name, which is not durable yet.
func (r *Replica) link(ctx context.Context, o replica.Object) error {
	name := digest.Hash(sha256.Sum256(o.Data))
	err := r.copy(ctx, name, o.Name, false, false)
	if !errors.Is(err, errTaken) {
		return err
	}
	held, err := r.stat(ctx, o.Name)
	switch {
	case errors.Is(err, replica.ErrNotFound): // gone since, or a folder
		return fmt.Errorf("%w: %s", errAgain, o.Name)
	case err == nil && held == name:
		return r.mend(ctx, o, name)
	case err == nil:
		_, err = r.content(ctx, held)
	}
	if err == nil {
		return fmt.Errorf("ipfs: %s: %w", o.Name, replica.ErrConflict)
	}
	if !errors.Is(err, replica.ErrCorrupt) {
		return err
	}
	return r.copy(ctx, name, o.Name, true, false)
}

// mend stores the block of an object again where the node has it damaged: it
// does not write one that it believes to have.
func (r *Replica) mend(ctx context.Context, o replica.Object, name digest.Hash) error {
	_, err := r.content(ctx, name)
	if !errors.Is(err, replica.ErrCorrupt) {
		return err
	}
	if err := r.remove(ctx, []string{rawCID(name)}); err != nil {
		return err
	}
	if err := r.putBlock(ctx, name, o.Data, false); err != nil {
		return err
	}
	_, err = r.content(ctx, name)
	return err
}

// errTaken: there is something under the name.
var errTaken = errors.New("ipfs: the name is taken")

// copy gives a block a name in the file system; with force instead of another.
// It fails with errTaken or errAgain.
func (r *Replica) copy(ctx context.Context, block digest.Hash, name string, force, flush bool) error {
	err := r.api.Request("files/cp", "/ipfs/"+rawCID(block), path.Join(folder, name)).
		Option("parents", true).Option("force", force).Option("flush", flush).Option("offline", true).Exec(ctx, nil)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "already has entry"):
		return errTaken
	case strings.Contains(err.Error(), "unflushed MFS operations"): // of others: the flush ends that
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return wrap(ctx, err)
}

// flush makes the names durable as they are, and those of the folder that all
// of them are in.
func (r *Replica) flush(ctx context.Context, names []string) error {
	for at := common(names); ; at = path.Dir(at) {
		err := r.api.Request("files/flush", path.Join(folder, at)).Exec(ctx, nil)
		if err == nil || !absent(err) {
			return wrap(ctx, err)
		}
		if at == "." {
			return nil // there is nothing
		}
	}
}

// common returns the folder that all names are in, "." for the topmost.
func common(names []string) string {
	if len(names) == 0 {
		return "."
	}
	at := path.Dir(names[0])
	for _, name := range names[1:] {
		for at != "." && !strings.HasPrefix(name, at+"/") {
			at = path.Dir(at)
		}
	}
	return at
}

func absent(err error) bool { return strings.Contains(err.Error(), "file does not exist") }

// An info is what the node says of a file or folder.
type info struct{ Hash, Type string }

func (r *Replica) look(ctx context.Context, name string) (i info, err error) {
	err = r.api.Request("files/stat", path.Join(folder, name)).Exec(ctx, &i)
	if err != nil && absent(err) {
		return i, fmt.Errorf("ipfs: %s: %w", name, replica.ErrNotFound)
	}
	err = wrap(ctx, err)
	if errors.Is(err, replica.ErrNotFound) { // of what the name leads to
		err = fmt.Errorf("ipfs: %s: %w: its block is gone", name, replica.ErrCorrupt)
	}
	return i, err
}

// stat returns the block of an object; ErrCorrupt where there is something else.
func (r *Replica) stat(ctx context.Context, name string) (block digest.Hash, err error) {
	i, err := r.look(ctx, name)
	if err != nil {
		return block, err
	}
	if i.Type == "directory" {
		return block, fmt.Errorf("ipfs: %s: %w: it is a folder", name, replica.ErrNotFound)
	}
	block, ok := parseCID(i.Hash)
	if !ok {
		return block, fmt.Errorf("ipfs: %s: %w: %s is no raw block", name, replica.ErrCorrupt, i.Hash)
	}
	return block, nil
}

// content reads the block of a name. One that is gone is damage.
func (r *Replica) content(ctx context.Context, block digest.Hash) ([]byte, error) {
	b, err := r.fetch(ctx, rawCID(block), block, replica.MaxObject)
	if errors.Is(err, replica.ErrNotFound) {
		err = fmt.Errorf("ipfs: block %s is gone: %w", rawCID(block), replica.ErrCorrupt)
	}
	return b, err
}

// GetObject implements replica.Objects.
func (r *Replica) GetObject(ctx context.Context, name string) ([]byte, error) {
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	unlock, err := r.lock(ctx, true)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return r.object(ctx, name)
}

func (r *Replica) object(ctx context.Context, name string) ([]byte, error) {
	block, err := r.stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.content(ctx, block)
}

// SwapObject implements replica.Objects. The node has nothing to compare with:
// two processes that swap at the same moment may both succeed, and the later
// one's stays. Between taking the one away and putting the other there, nothing
// is written down.
func (r *Replica) SwapObject(ctx context.Context, name string, was, now []byte) error {
	o := replica.Object{Name: name, Data: now}
	if err := o.Check(); err != nil {
		return err
	}
	unlock, err := r.lock(ctx, false)
	if err != nil {
		return err
	}
	defer unlock()
	held, err := r.object(ctx, name)
	missing := errors.Is(err, replica.ErrNotFound)
	switch {
	case errors.Is(err, replica.ErrCorrupt):
		return fmt.Errorf("ipfs: %s: %w: %w", name, replica.ErrConflict, err)
	case err != nil && !missing:
		return err
	case missing != (was == nil), !bytes.Equal(held, was):
		return fmt.Errorf("ipfs: %s: %w", name, replica.ErrConflict)
	}
	block := digest.Hash(sha256.Sum256(now))
	if err := r.putBlock(ctx, block, now, false); err != nil {
		return err
	}
	err = r.copy(ctx, block, name, !missing, true)
	if errors.Is(err, errTaken) {
		return fmt.Errorf("ipfs: %s: %w", name, replica.ErrConflict)
	}
	if err != nil {
		return err
	}
	return r.named(ctx, name, block)
}

// DeleteObjects implements replica.Objects. Folders that become empty go, too.
func (r *Replica) DeleteObjects(ctx context.Context, names []string) error {
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	unlock, err := r.lock(ctx, false)
	if err != nil {
		return err
	}
	defer unlock()
	for part := range slices.Chunk(names, maxLinks) {
		folders := map[string]bool{}
		paths := make([]string, len(part))
		for i, name := range part {
			paths[i] = path.Join(folder, name)
			folders[path.Dir(paths[i])] = true
		}
		if err := r.unlink(ctx, paths); err != nil {
			return err
		}
		for at := range folders {
			if err := r.removeEmpty(ctx, at); err != nil {
				return err
			}
		}
		if err := r.flush(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// unlink takes names away; those that are not there, or of folders, are none.
func (r *Replica) unlink(ctx context.Context, paths []string) error {
	resp, err := r.api.Request("files/rm", paths...).Send(ctx)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return wrap(ctx, err)
	}
	defer resp.Cancel()
	var broken []string
	told := 0
	for d := json.NewDecoder(resp.Output); ; {
		var line string
		err := d.Decode(&line)
		if err == io.EOF || err != nil && told > 0 && strings.Contains(err.Error(), "can't remove some files") {
			break
		}
		if err != nil {
			return wrap(ctx, err)
		}
		told++
		at, _, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasSuffix(line, "file does not exist"), strings.Contains(line, "path is a directory"):
		case strings.Contains(line, "ipld: could not find"):
			broken = append(broken, at)
		default:
			return wrap(ctx, errors.New(line))
		}
	}
	if broken == nil {
		return nil
	}
	return wrap(ctx, r.api.Request("files/rm", broken...).Option("force", true).Exec(ctx, nil))
}

// removeEmpty removes a folder that has nothing in it.
func (r *Replica) removeEmpty(ctx context.Context, at string) error {
	var out struct{ Entries []struct{ Name string } }
	err := r.api.Request("files/ls", at).Option("U", true).Exec(ctx, &out)
	if err == nil && len(out.Entries) == 0 {
		err = r.api.Request("files/rm", at).Option("recursive", true).Exec(ctx, nil)
	}
	if err != nil && absent(err) {
		return nil
	}
	return wrap(ctx, err)
}
