package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// calls are those that must notice that the folder is not at its path.
var calls = map[string]func(r *Replica, held module.Verified) error{
	"a put": func(r *Replica, _ module.Verified) error {
		_, err := r.Put(context.Background(), replicatest.Event(999, 300, 0))
		return err
	},
	"an equal put, which writes nothing": func(r *Replica, held module.Verified) error {
		_, err := r.Put(context.Background(), held)
		return err
	},
	"a delete of what is not there": func(r *Replica, _ module.Verified) error {
		return r.Delete(context.Background(), replica.Ref{Hash: replicatest.Event(998, 300, 0).Hash()})
	},
	"a check": func(r *Replica, _ module.Verified) error { return r.Check(context.Background()) },
	"a batch of reads": func(r *Replica, held module.Verified) error {
		return r.GetBatch(context.Background(), []replica.Ref{{Hash: held.Hash()}})[0].Err
	},
	"a put of an object": func(r *Replica, _ module.Verified) error {
		return r.PutObjects(context.Background(), []replica.Object{replicatest.Object("a/a", 1, 10)})[0]
	},
	"a swap": func(r *Replica, _ module.Verified) error {
		return r.SwapObject(context.Background(), "a/swapped", nil, []byte("now"))
	},
	"a delete of an object": func(r *Replica, _ module.Verified) error {
		return r.DeleteObjects(context.Background(), []string{"a/a"})
	},
	"a read of an object": func(r *Replica, _ module.Verified) error {
		_, err := r.GetObject(context.Background(), "a/a")
		return err
	},
	"a list of objects": func(r *Replica, _ module.Verified) error {
		for _, err := range r.ListObjects(context.Background(), "") {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"an identifying": func(r *Replica, _ module.Verified) error { return r.Identify(context.Background(), "new") },
}

// A folder that is not at its path any more is not stored into or read from: the
// replica goes on in what is there, under the identity that that has.
func TestMovedFolder(t *testing.T) {
	ctx := context.Background()
	for name, replace := range map[string]func(t *testing.T, path string){
		"nothing there": func(*testing.T, string) {},
		"an empty one": func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"another one": func(t *testing.T, path string) { // with an event of its own
			o := open(t, path, Options{})
			put(t, o, replicatest.Event(500, 300, 0))
			if err := o.Identify(ctx, "other"); err != nil {
				t.Fatal(err)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"a link to another one": func(t *testing.T, path string) {
			to := filepath.Join(t.TempDir(), "to")
			o := open(t, to, Options{})
			put(t, o, replicatest.Event(500, 300, 0))
			if err := o.Identify(ctx, "other"); err != nil {
				t.Fatal(err)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(to, path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for what, call := range calls {
			t.Run(name+", "+what, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "r")
				away := path + " moved away"
				r := open(t, path, Options{SegmentBytes: 1000})
				vs := events(0, 8, 300)
				for _, v := range vs {
					put(t, r, v)
				}
				if err := r.Identify(ctx, "own"); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path, away); err != nil {
					t.Fatal(err)
				}
				replace(t, path)
				want := ""
				other := replicatest.Event(500, 300, 0)
				if name == "another one" || name == "a link to another one" {
					want = "other"
				}
				if id, err := r.Identity(ctx, nil); err != nil || id != want {
					t.Fatalf("Identity: %q, %v, want %q", id, err, want)
				}
				if err := call(r, vs[7]); !errors.Is(err, ErrVanished) {
					t.Fatalf("%v, want ErrVanished", err)
				}
				if writes := what == "a put" || what == "a put of an object" || what == "a swap"; r.Suffered() != 8 && !writes || r.Suffered() < 8 {
					t.Errorf("%d suffered", r.Suffered())
				}
				if err := r.Check(ctx); err != nil {
					t.Fatalf("Check afterwards: %v", err)
				}
				for i, v := range vs {
					if err := outcome(t, r, v); !errors.Is(err, replica.ErrNotFound) {
						t.Fatalf("event %d is read from the folder that was moved: %v", i, err)
					}
				}
				if err := outcome(t, r, other); (err == nil) != (want != "") {
					t.Fatalf("the other folder's event: %v", err)
				}
				if id, err := r.Identity(ctx, nil); err != nil || id != want {
					t.Fatalf("Identity afterwards: %q, %v, want %q", id, err, want)
				}
				if _, err := Open(path, Options{Log: quiet}); !errors.Is(err, ErrInUse) {
					t.Fatalf("the folder is not held: %v", err)
				}
				put(t, r, vs...)
				if err := r.Identify(ctx, "newer"); err != nil {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				was := open(t, away, Options{}) // not held any more, and as it was
				if id, err := was.Identity(ctx, nil); err != nil || id != "own" {
					t.Errorf("the folder that was moved: %q, %v", id, err)
				}
				r = open(t, path, Options{})
				for i, v := range vs {
					if outcome(t, was, v) != nil || outcome(t, r, v) != nil {
						t.Errorf("event %d: %v, %v", i, outcome(t, was, v), outcome(t, r, v))
					}
				}
				if id, err := r.Identity(ctx, nil); err != nil || id != "newer" {
					t.Errorf("Identity after a restart: %q, %v", id, err)
				}
			})
		}
	}
}

// As long as there is nothing to go on in, nothing is held and nothing stored;
// then it goes on, with what is there.
func TestNothingToGoOnIn(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		take func(t *testing.T, above, path string) (back func())
		want error
	}{
		"what is above is gone, too": {func(t *testing.T, above, path string) func() {
			if err := os.Rename(above, above+" moved"); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := os.Rename(above+" moved", above); err != nil {
					t.Fatal(err)
				}
			}
		}, os.ErrNotExist},
		"another process has what is there": {func(t *testing.T, above, path string) func() {
			if err := os.Rename(path, path+" moved"); err != nil {
				t.Fatal(err)
			}
			o := open(t, path, Options{})
			return func() {
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path, path+" other"); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path+" moved", path); err != nil {
					t.Fatal(err)
				}
			}
		}, ErrInUse},
		"a file": {func(t *testing.T, above, path string) func() {
			if err := os.Rename(path, path+" moved"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path+" moved", path); err != nil {
					t.Fatal(err)
				}
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			above := filepath.Join(t.TempDir(), "above")
			path := filepath.Join(above, "r")
			r := open(t, path, Options{})
			vs := events(0, 4, 300)
			put(t, r, vs...)
			back := c.take(t, above, path)
			for range 3 {
				for what, call := range calls {
					if err := call(r, vs[0]); !errors.Is(err, ErrVanished) || c.want != nil && !errors.Is(err, c.want) {
						t.Fatalf("%s: %v", what, err)
					}
				}
				if err := outcome(t, r, vs[0]); !errors.Is(err, replica.ErrNotFound) {
					t.Fatal(err)
				}
				if _, err := r.Newest(ctx, 1); !errors.Is(err, ErrVanished) {
					t.Fatalf("Newest: %v", err)
				}
				var last error
				for _, err := range r.List(ctx) {
					last = err
				}
				if !errors.Is(last, ErrVanished) {
					t.Fatalf("List: %v", last)
				}
			}
			if _, err := os.Stat(above); err == nil == (name == "what is above is gone, too") {
				t.Fatalf("a folder was made above the replica's: %v", err)
			}
			back()
			if err := r.Check(ctx); err != nil {
				t.Fatal(err)
			}
			for i, v := range vs {
				if err := outcome(t, r, v); err != nil {
					t.Errorf("event %d: %v", i, err)
				}
			}
			put(t, r, events(10, 12, 300)...)
		})
	}
}

// A segment that was moved to where no restart looks for it is gone, be it not
// removed, and no equal put is answered from it.
func TestMovedSegment(t *testing.T) {
	for _, id := range []uint64{1, 3} { // sealed, and written to
		path := filepath.Join(t.TempDir(), "r")
		r := open(t, path, Options{SegmentBytes: 1000})
		vs := events(0, 9, 300)
		for _, v := range vs {
			put(t, r, v)
		}
		if r.active.id != 3 {
			t.Fatalf("segment %d is written to", r.active.id)
		}
		name := filepath.Join(path, fileName(id, logSuffix))
		if err := os.Rename(name, path+".log"); err != nil {
			t.Fatal(err)
		}
		first := vs[(id-1)*3]
		if _, err := r.Put(context.Background(), first); !errors.Is(err, ErrVanished) {
			t.Fatalf("an equal put: %v", err)
		}
		if r.Suffered() != 3 {
			t.Errorf("%d suffered", r.Suffered())
		}
		for i, v := range vs {
			if err := outcome(t, r, v); errors.Is(err, replica.ErrNotFound) != (uint64(i)/3 == id-1) {
				t.Errorf("segment %d: event %d: %v", id, i, err)
			}
		}
		put(t, r, vs...)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = open(t, path, Options{})
		for i, v := range vs {
			if err := outcome(t, r, v); err != nil {
				t.Errorf("segment %d: event %d after a restart: %v", id, i, err)
			}
		}
	}
}

// What cannot be looked at for the moment is not answered from, and is no loss.
func TestPathThatCannotBeLookedAt(t *testing.T) {
	above := filepath.Join(t.TempDir(), "above")
	path := filepath.Join(above, "r")
	r := open(t, path, Options{})
	vs := events(0, 4, 300)
	put(t, r, vs...)
	if err := os.Rename(above, above+" moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("above", above); err != nil {
		t.Fatal(err)
	}
	for what, call := range calls {
		if err := call(r, vs[0]); !errors.Is(err, syscall.ELOOP) || errors.Is(err, ErrVanished) || errors.Is(err, ErrFailed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Remove(above); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(above+" moved", above); err != nil {
		t.Fatal(err)
	}
	put(t, r, vs...)
	if err := r.Check(context.Background()); err != nil || r.Suffered() != 0 {
		t.Errorf("%v, %d suffered", err, r.Suffered())
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
