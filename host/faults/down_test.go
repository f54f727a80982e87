package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	s3client "github.com/aws/aws-sdk-go-v2/service/s3"
	redisclient "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

// What happens to a place, or to the journal, while no host runs.
const (
	emptied    = "emptied while down"
	swapped    = "swapped"
	rolledBack = "rolled back"
	other      = "other journal"
	theJournal = "journal"
)

// A downRow is a row of the matrix whose fault happens while no host runs.
type downRow struct {
	*row
	s         *stack
	otherNode func() *servers.Server
	older     string // what is to be rolled back to; "": nothing was kept

	first, second []module.Verified // stored before that was kept, and after
}

// What a host has said in its log.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// whileDown starts the rows, as many at once as slots has room for.
func whileDown(t *testing.T, s *stack, only string, slots chan struct{}, wg *sync.WaitGroup) (rows []*row) {
	otherNode := sync.OnceValue(func() *servers.Server { return servers.Kubo(t, "pebbleds") })
	for _, place := range []string{cache, bucket, node, localA, theJournal} {
		for _, name := range []string{emptied, swapped, rolledBack, other} {
			if place == theJournal && name == swapped || place != theJournal && name == other || only != "" && !strings.HasPrefix(place+"/"+name, only) {
				continue
			}
			if place == node && name == swapped {
				otherNode()
			}
			r := &downRow{row: &row{place: place, name: name}, s: s, otherNode: otherNode}
			rows = append(rows, r.row)
			dir := t.TempDir()
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := r.run(t, dir); err != nil {
					r.cells[0].err = err
				}
			})
		}
	}
	return rows
}

func (r *downRow) run(t *testing.T, dir string) error {
	w := newWorld(t, r.s, dir, r.place)
	r.w = w
	defer func() { w.close() }()
	w.stop()
	w.kept = true // from now on, as serve does
	w.openJournal()
	w.start()
	for i, op := range []string{"store", "retrieve", "batch retrieve"} {
		r.cells[i].op = op
	}
	var err error
	store := func() (vs []module.Verified) {
		if err == nil {
			vs = fresh(t, 6)
			r.cells[0].healthy, err = r.put(vs)
		}
		if err == nil {
			err = w.complete(w.acknowledged, placeNames...)
		}
		return vs
	}
	if r.first = store(); err == nil && r.name == rolledBack {
		err = r.keepOlder()
	}
	if r.second = store(); err != nil {
		return fmt.Errorf("healthy: %w", err)
	}
	w.stop()
	w.closePlaces()
	if err := r.harm(); err != nil {
		return err
	}
	w.said = &said{}
	w.log = slog.New(slog.NewTextHandler(w.said, nil))
	w.openPlaces()
	w.openJournal()
	w.start()
	return r.after()
}

// after is what a host makes of it: it serves everything, says what it found,
// and acknowledges what is there.
func (r *downRow) after() error {
	w, vs := r.w, r.w.acknowledged
	begun := time.Now()
	for _, v := range vs {
		start := time.Now()
		got, err := w.reader.Event(ctx, v.Hash())
		r.cells[1].took = max(r.cells[1].took, time.Since(start))
		if err != nil || !bytes.Equal(got.Record(), v.Record()) {
			return fmt.Errorf("retrieve: %w", errors.Join(errors.New("not served"), err))
		}
	}
	start := time.Now()
	if err := w.read(vs); err != nil {
		return fmt.Errorf("batch retrieve: %w", err)
	}
	r.cells[2].took = time.Since(start)
	shows, good := "log", "arrears"
	switch r.place {
	case cache:
		shows, good = "bad or missing copies", "read-repair" // what it forgets is its right
	case theJournal:
		good = "storing again"
	}
	for i := range r.cells {
		r.cells[i].shows, r.cells[i].good = shows, good
	}
	for end := time.Now().Add(patience); !r.told(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("it does not show: %s", w.said)
		}
	}
	for _, v := range vs {
		start := time.Now()
		receipt, err := w.intake.Store(ctx, v.Record(), intake.Quorum)
		r.cells[0].took = max(r.cells[0].took, time.Since(start))
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if n := w.holders(v); receipt.Durable < required || n < required {
			return fmt.Errorf("acknowledged with durable %d, and %d counting places hold it", receipt.Durable, n)
		}
	}
	if r.cells[0].took > r.cells[0].healthy+indulgence*storeLimit || r.cells[1].took > indulgence*readLimit || r.cells[2].took > indulgence*readLimit {
		return fmt.Errorf("it took %v, %v, %v", r.cells[0].took, r.cells[1].took, r.cells[2].took)
	}
	if err := w.completeByReads(vs, vs, placeNames...); err != nil {
		return fmt.Errorf("without a scrub: %w", err)
	}
	for i := range r.cells {
		r.cells[i].healed = time.Since(begun)
	}
	if r.name == other {
		return nil // a scrub would find what that journal's host had to be lost
	}
	return w.scrub()
}

// told reports whether the host says what has happened.
func (r *downRow) told() bool {
	if r.place == cache {
		for _, p := range r.w.health.Health(ctx).Replicas {
			if p.Name == cache && p.MissingCopies > 0 {
				return true
			}
		}
		return false
	}
	for line := range strings.Lines(r.w.said.String()) {
		if strings.Contains(line, "level=WARN") && (r.place == theJournal && strings.Contains(line, `msg="the journal is`) ||
			strings.Contains(line, "replica="+r.place+" ") && (strings.Contains(line, "another place is behind") || strings.Contains(line, "is not believed"))) {
			return true
		}
	}
	return false
}

// holders counts the counting places that hold exactly the record.
func (w *world) holders(v module.Verified) (n int) {
	for _, p := range w.places {
		if got, err := w.raws[p.Name].get(v); p.Counts && err == nil && bytes.Equal(got, v.Record()) {
			n++
		}
	}
	return n
}

// keepOlder keeps what the place is now, of kinds that are files.
func (r *downRow) keepOlder() error {
	switch r.place {
	case theJournal:
		r.w.stop()
		r.older = filepath.Join(r.w.dir, "older.db")
		err := copyFile(r.older, filepath.Join(r.w.dir, "journal.db"))
		r.w.openJournal()
		r.w.start()
		return err
	case localA:
		r.older = filepath.Join(r.w.dir, "older")
		return os.CopyFS(r.older, os.DirFS(filepath.Join(r.w.dir, localA)))
	}
	return nil
}

func copyFile(dst, src string) error {
	b, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	return os.WriteFile(dst, b, 0o600)
}

// harm does what the row says. No host runs.
func (r *downRow) harm() error {
	w := r.w
	switch folder := filepath.Join(w.dir, r.place); r.place {
	case theJournal:
		return r.harmJournal()
	case localA:
		if err := os.RemoveAll(folder); err != nil || r.name == emptied {
			return err
		}
		if r.name == rolledBack {
			return os.CopyFS(folder, os.DirFS(r.older))
		}
		return anothersFolder(folder, fresh(w.t, 1)[0])
	}
	if r.name == rolledBack {
		return w.raws[r.place].empty(r.second)
	}
	if r.name == emptied {
		if s3, ok := w.raws[r.place].(rawS3); ok {
			return s3.clear()
		}
		return w.raws[r.place].empty(w.acknowledged)
	}
	return r.swap(fresh(w.t, 1)[0])
}

func anothersFolder(folder string, v module.Verified) error {
	l, err := local.Open(folder, local.Options{})
	if err != nil {
		return err
	}
	_, err = l.Put(ctx, v)
	return errors.Join(err, l.Identify(ctx, strings.Repeat("0f", 16)), l.Close())
}

// swap has the name lead to another place, in which there is another event.
func (r *downRow) swap(v module.Verified) error {
	w := r.w
	c := &w.configs[slices.Index(placeNames, r.place)]
	switch r.place {
	case cache:
		c.Redis.DB += 128
		client := redisclient.NewClient(&redisclient.Options{Addr: r.s.redis.Addr, DB: c.Redis.DB})
		w.raws[cache] = rawRedis{client}
		return client.Set(ctx, "event:"+v.Hash().String(), v.Record(), 0).Err()
	case bucket:
		c.S3.Bucket += "-swapped"
		if err := r.s.s3.Bucket(c.S3.Bucket); err != nil {
			return err
		}
		raw := newRawS3(r.s.s3, c.S3.Bucket)
		w.raws[bucket] = raw
		_, err := raw.c.PutObject(ctx, &s3client.PutObjectInput{Bucket: &raw.bucket, Key: raw.key(v), Body: bytes.NewReader(v.Record())})
		return err
	}
	server := r.otherNode()
	p, err := proxy.New(server.Kind, server.Addr)
	if err != nil {
		return err
	}
	w.t.Cleanup(func() { _ = p.Close() })
	w.proxies[node], w.raws[node], c.IPFS.API = p, rawIPFS{api: server.URL()}, p.URL()
	return nil
}

// clear removes every object.
func (r rawS3) clear() error {
	out, err := r.c.ListObjectsV2(ctx, &s3client.ListObjectsV2Input{Bucket: aws.String(r.bucket)})
	if err != nil {
		return err
	}
	for _, o := range out.Contents {
		if _, err := r.c.DeleteObject(ctx, &s3client.DeleteObjectInput{Bucket: &r.bucket, Key: o.Key}); err != nil {
			return err
		}
	}
	return nil
}

func (r *downRow) harmJournal() error {
	at := filepath.Join(r.w.dir, "journal.db")
	for _, ending := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(at + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch r.name {
	case rolledBack:
		return copyFile(at, r.older)
	case other:
		return anothersJournal(at, fresh(r.w.t, 3))
	}
	return nil
}

// anothersJournal makes the journal of a host whose places have the names of these.
func anothersJournal(at string, vs []module.Verified) error {
	j, err := sqlite.Open(at, sqlite.Options{})
	if err != nil {
		return err
	}
	as, err := j.Admit(ctx, vs, placeNames)
	for _, a := range as {
		for _, name := range placeNames {
			j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: name, State: custody.Held, Location: "there"})
		}
	}
	return errors.Join(err, j.Flush(ctx), j.Close())
}
