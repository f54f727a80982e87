package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// postsOf returns everything that a journal knows of posts.
func postsOf(t *testing.T, j *Journal) (out []any) {
	t.Helper()
	ctx := context.Background()
	for _, kind := range []journal.PostKind{journal.PostHead, journal.PostEvents} {
		ps, err := j.Posts(ctx, kind, 0, 100)
		open, e := j.Unfinished(ctx, kind)
		if err = errors.Join(err, e); err != nil {
			t.Fatal(err)
		}
		out = append(out, ps, open)
	}
	for seq := range uint64(20) {
		p, n, err := j.PostOf(ctx, seq)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			t.Fatal(err)
		}
		out = append(out, p.Number, n)
	}
	cursor, ok, err := j.Cursor(ctx)
	passed, total, e := j.Passed(ctx, 0, 100)
	if err = errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
	return append(out, cursor, ok, passed, total)
}

// Where a commit fails, a change of posts is had as a whole or not at all, and
// the next process finds which.
func TestPostsInterrupted(t *testing.T) {
	ctx := context.Background()
	ten, twelve := uint64(10), uint64(12)
	changes := []journal.PostChange{
		{Put: []journal.Post{journaltest.HeadPost(1, 10, journal.PostSubmitted), journaltest.EventsPost(1, journal.PostSubmitted, 3, 4, 5)}, Pass: []uint64{6, 7}, Cursor: &ten},
		{
			Put:  []journal.Post{journaltest.HeadPost(1, 10, journal.PostFinal), journaltest.HeadPost(2, 12, journal.PostSubmitted), journaltest.EventsPost(2, journal.PostSubmitted, 4, 6)},
			Drop: []journal.Post{{Kind: journal.PostEvents, Number: 1}}, Unpass: []uint64{6}, Pass: []uint64{3, 5}, Cursor: &twelve,
		},
	}
	begin := func(path string, o Options) *Journal {
		j := open(t, path, o)
		if _, err := j.Admit(ctx, journaltest.Events(0, 20, 100), both); err != nil {
			t.Fatal(err)
		}
		return j
	}
	var states [][]any // after so many changes
	j := begin(filepath.Join(t.TempDir(), "j.db"), Options{})
	states = append(states, postsOf(t, j))
	for _, c := range changes {
		if err := j.PutPosts(ctx, c); err != nil {
			t.Fatal(err)
		}
		states = append(states, postsOf(t, j))
	}
	for at := range changes {
		for _, failure := range []error{errors.New("input/output error"), journal.ErrFull} {
			for _, applied := range []bool{false, true} {
				path := filepath.Join(t.TempDir(), "j.db")
				var armed atomic.Bool
				j := begin(path, Options{Log: quiet, fault: func(step string) (bool, error) {
					if step == "commit" && armed.Swap(false) {
						return applied, failure
					}
					return true, nil
				}})
				for i := range at {
					if err := j.PutPosts(ctx, changes[i]); err != nil {
						t.Fatal(err)
					}
				}
				armed.Store(true)
				err := j.PutPosts(ctx, changes[at])
				want := failure
				if full := errors.Is(failure, journal.ErrFull); !full {
					want = journal.ErrFailed
				} else if !applied {
					// Nothing of it was kept, the number of passed events included, and it may go on.
					if got := postsOf(t, j); !reflect.DeepEqual(got, states[at]) {
						t.Fatalf("a change that found no room left %v", got)
					}
				}
				if !errors.Is(err, want) {
					t.Fatalf("PutPosts: %v, want %v", err, want)
				}
				_ = j.Close()
				j = open(t, path, Options{})
				now := at
				if applied {
					now++
				}
				if got := postsOf(t, j); !reflect.DeepEqual(got, states[now]) {
					t.Fatalf("change %d, applied %v, %v: %v, want %v", at, applied, failure, got, states[now])
				}
				for _, c := range changes[at:] { // a second time, too
					if err := j.PutPosts(ctx, c); err != nil {
						t.Fatal(err)
					}
				}
				if got := postsOf(t, j); !reflect.DeepEqual(got, states[2]) {
					t.Fatalf("%v, want %v", got, states[2])
				}
				if found, err := j.Check(ctx); err != nil || len(found) > 0 {
					t.Fatal(found, err)
				}
			}
		}
	}
}

// A change that what is kept makes impossible fails alone, not those that
// share its transaction.
func TestDamagedPostFailsAlone(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "j.db")
	sample(t, path)
	script(t, path, `UPDATE anchors SET events = x'ff' WHERE kind = 2 AND number = 181`)
	j := open(t, path, Options{Log: quiet})
	if err := j.PutPosts(ctx, journal.PostChange{Put: []journal.Post{journaltest.EventsPost(181, journal.PostFinal, 1)}}); !errors.Is(err, journal.ErrDamaged) {
		t.Fatalf("PutPosts over what cannot be read: %v", err)
	}
	if _, err := j.Unfinished(ctx, journal.PostEvents); !errors.Is(err, journal.ErrDamaged) {
		t.Fatalf("Unfinished: %v", err)
	}
	if err := j.PutPosts(ctx, journal.PostChange{Put: []journal.Post{journaltest.HeadPost(11, 500, journal.PostSubmitted)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Admit(ctx, journaltest.Events(700, 710, 100), both); err != nil {
		t.Fatal(err)
	}
}

// What Check compares of posts it finds wrong when it is.
func TestCheckPosts(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "j.db")
	sample(t, whole)
	for _, text := range []string{
		`UPDATE anchors SET tx = 5 WHERE kind = 1 AND number = 3`,
		`UPDATE anchors SET root = x'00' WHERE kind = 1 AND number = 3`,
		`UPDATE anchors SET events = x'01' WHERE kind = 2 AND number = 41`,
		`DELETE FROM anchors WHERE kind = 2 AND number = 41`,
		`DELETE FROM anchored WHERE seq = 5`,
		`UPDATE anchored SET at = at + 1 WHERE seq = 5`,
		`INSERT INTO anchored VALUES (6, 7777, 7777)`,
	} {
		path := filepath.Join(t.TempDir(), "j.db")
		if b, err := os.ReadFile(whole); err != nil || os.WriteFile(path, b, 0o600) != nil {
			t.Fatal(err)
		}
		script(t, path, text)
		j := open(t, path, Options{Log: quiet})
		if found, err := j.Check(context.Background()); err != nil || len(found) == 0 {
			t.Errorf("%s: %v, %v", text, found, err)
		}
	}
	j := open(t, whole, Options{})
	// A failed post's events are in another one, which is dropped.
	failed := samplePosts().Put[1]
	failed.State, failed.Reason = journal.PostFailed, "so"
	again := journaltest.EventsPost(500, journal.PostSubmitted, failed.Events...)
	for _, c := range []journal.PostChange{{Put: []journal.Post{failed}}, {Put: []journal.Post{again}}, {Drop: []journal.Post{again}}} {
		if err := j.PutPosts(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		if found, err := j.Check(context.Background()); err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
	}
	if !slices.Contains(failed.Events, 1) {
		t.Fatal("the test proves nothing")
	}
}
