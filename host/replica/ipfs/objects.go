package ipfs

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
)

// ListObjects implements replica.Objects, with a request for each folder. It
// reads the folders as they are at the beginning, and no object.
func (r *Replica) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		unlock, err := r.lock(ctx, true)
		if err != nil {
			yield("", err)
			return
		}
		above := path.Dir(prefix + "x")
		i, err := r.look(ctx, above)
		unlock()
		if errors.Is(err, replica.ErrNotFound) || err == nil && i.Type != "directory" {
			return
		}
		if err == nil {
			_, err = r.walk(ctx, i.Hash, strings.TrimPrefix(above+"/", "./"), prefix, yield)
		}
		if err != nil {
			yield("", err)
		}
	}
}

// walk yields what is in a folder, whose names begin with at, and in those in it.
// It returns false when that is enough.
func (r *Replica) walk(ctx context.Context, cid, at, prefix string, yield func(string, error) bool) (on bool, err error) {
	var out struct {
		Objects []struct {
			Links []struct{ Name, Hash string }
		}
	}
	// Without their types and sizes nothing is read of what is in the folder.
	err = r.api.Request("ls", "/ipfs/"+cid).Option("resolve-type", false).Option("size", false).Option("offline", true).Exec(ctx, &out)
	if err != nil {
		return false, wrap(ctx, err)
	}
	for _, object := range out.Objects {
		for _, l := range object.Links {
			name := at + l.Name
			if _, raw := parseCID(l.Hash); raw {
				if strings.HasPrefix(name, prefix) && replica.CheckObject(name) == nil && !yield(name, nil) {
					return false, nil
				}
			} else if name += "/"; strings.HasPrefix(name, prefix) || strings.HasPrefix(prefix, name) {
				if on, err := r.walk(ctx, l.Hash, name, prefix, yield); err != nil || !on {
					return on, err
				}
			}
		}
	}
	return true, nil
}
