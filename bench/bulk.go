package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/eventseal/eventseal/host/client"
)

const bulkSection = "Many events: the command line against the host over HTTP, embedded default, fsync on, both on the same cores"

// A bulk is one run of bulkRows.
type bulk struct {
	dir    string
	events uint64 // of the large file; the small one has a tenth
	crowd  *crowd
	host   *host
	rows   []row
}

// bulkRows makes many events, imports them into a host, asks for them, follows
// the host while more are imported, exports them, imports the export into
// another host and exports that: the two must be equal to the byte, and be what
// was made.
func bulkRows(o options) ([]row, error) {
	dir, binary, err := workshop()
	if err != nil {
		return nil, err
	}
	defer dir.remove()
	b := &bulk{dir: dir.path, events: uint64(o.bulk)}
	b.host = &host{binary: binary, data: b.file("data-a")}
	if _, err := b.host.start(); err != nil {
		return nil, err
	}
	defer func() { b.host.stop() }()
	more := b.events / 10
	for _, step := range []func() error{
		b.generate,
		func() error { return b.load("import", "events.jsonl", b.events) },
		b.disk,
		b.ask,
		func() error { return b.follow(more) },
		func() error { return b.dump("export to .zst", "a.jsonl.zst", b.events+more) },
		func() error { return b.equal("a.jsonl.zst", "events.jsonl", "more.jsonl") },
		func() error {
			b.host.stop()
			if err := os.RemoveAll(b.host.data); err != nil {
				return err
			}
			b.host.data = b.file("data-b")
			_, err := b.host.start()
			return err
		},
		func() error { return b.load("import of .zst into an empty host", "a.jsonl.zst", b.events+more) },
		func() error { return b.dump("export of that host, not compressed", "b.jsonl", b.events+more) },
		func() error { return b.equal("b.jsonl", "a.jsonl.zst") },
	} {
		if err := step(); err != nil {
			return b.rows, fmt.Errorf("%w\n%s", err, b.host.log.tail())
		}
	}
	return b.rows, nil
}

func (b *bulk) file(name string) string { return filepath.Join(b.dir, name) }
func (b *bulk) url() string             { return "http://" + b.host.addr }

func (b *bulk) add(name string, value float64, u unit, note string, bars ...bar) {
	b.rows = append(b.rows, row{section: bulkSection, name: name, value: value, unit: u, bars: bars, note: note})
	fmt.Fprintf(os.Stderr, "bench: %s: %s %s\n", name, u.format(value), note)
}

func (b *bulk) generate() (err error) {
	if b.crowd, err = newCrowd(); err != nil {
		return err
	}
	began := time.Now()
	if err := b.crowd.write(b.file("events.jsonl"), 0, b.events); err != nil {
		return err
	}
	took := time.Since(began)
	info, err := os.Stat(b.file("events.jsonl"))
	if err != nil {
		return err
	}
	b.add("generated and signed, native", float64(b.events)/took.Seconds(), perSecond, fmt.Sprintf("%d events, %d bytes each, %v", b.events, uint64(info.Size())/b.events, round(took)))
	return b.crowd.write(b.file("more.jsonl"), b.events, b.events+b.events/10)
}

// command runs the binary and returns what it says, how long it took, how many
// cores it and the host kept busy, and how much memory each had.
func (b *bulk) command(answer any, args ...string) (took time.Duration, note string, err error) {
	cmd := exec.Command(b.host.binary, append(args, "--server", b.url())...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &stdout, &stderr, b.dir
	cmd.Env = []string{"HOME=" + b.dir}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	server, client := watchProcess(b.host.cmd.Process.Pid), watchProcess(cmd.Process.Pid)
	err = cmd.Wait()
	took = time.Since(began)
	client.end()
	busy := server.end() + cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
	if err != nil {
		return took, "", fmt.Errorf("eventseal %s: %w\n%s%s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	note = fmt.Sprintf("%v, %.2f cores busy, host %s, command %s", round(took), busy/took.Seconds(), server.memory(), client.memory())
	return took, note, json.Unmarshal(stdout.Bytes(), answer)
}

func (b *bulk) load(name, file string, events uint64) error {
	var done struct {
		Created  uint64
		Complete bool
	}
	took, note, err := b.command(&done, "import", b.file(file))
	if err != nil {
		return err
	}
	if !done.Complete || done.Created != events {
		return fmt.Errorf("%s: %+v, want %d created", name, done, events)
	}
	b.add(name, float64(events)/took.Seconds(), perSecond, note)
	return nil
}

func (b *bulk) dump(name, file string, events uint64) error {
	var done struct {
		Events, Bytes uint64
		Complete      bool
	}
	took, note, err := b.command(&done, "export", b.file(file))
	if err != nil {
		return err
	}
	if !done.Complete || done.Events != events {
		return fmt.Errorf("%s: %+v, want %d events", name, done, events)
	}
	b.add(name, float64(events)/took.Seconds(), perSecond, note)
	return nil
}

// disk tells what the host's folder came to.
func (b *bulk) disk() error {
	var journal, rest int64
	err := filepath.WalkDir(b.host.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), "journal.db") {
			journal += info.Size()
		} else {
			rest += info.Size()
		}
		return nil
	})
	b.add("on disk, an event", float64(journal+rest)/float64(b.events), bytesUnit,
		fmt.Sprintf("the journal %d MiB, both replicas %d MiB", journal>>20, rest>>20))
	return err
}

// equal compares what a file holds with others put one after the other.
func (b *bulk) equal(file string, others ...string) error {
	sum := func(names ...string) (string, error) {
		h := sha256.New()
		for _, name := range names {
			f, err := os.Open(b.file(name))
			if err != nil {
				return "", err
			}
			var in io.Reader = f
			if strings.HasSuffix(name, ".zst") {
				z, err := zstd.NewReader(f)
				if err != nil {
					return "", err
				}
				defer z.Close()
				in = z
			}
			_, err = io.Copy(h, in)
			if err = firstError(err, f.Close()); err != nil {
				return "", err
			}
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	got, err := sum(file)
	if err != nil {
		return err
	}
	want, err := sum(others...)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s differs from %s", file, strings.Join(others, " + "))
	}
	fmt.Fprintf(os.Stderr, "bench: %s is %s to the byte, SHA-256 %s\n", file, strings.Join(others, " + "), got)
	return nil
}

// A follower reads the stream from a sequence number on and holds it to giving
// each event once and in order.
type follower struct {
	after uint64
	drops int
}

// to reads until the event with that number came; a subscriber that is dropped
// goes on where it was, like a browser.
func (f *follower) to(ctx context.Context, url string, last uint64) error {
	cl, err := client.New(client.Options{Server: url})
	if err != nil {
		return err
	}
	epoch, err := cl.Epoch(ctx)
	if err != nil {
		return err
	}
	for f.after < last {
		req, err := http.NewRequestWithContext(ctx, "GET", url+"/v1/stream", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Last-Event-Id", fmt.Sprintf("%s-%d", epoch, f.after))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		err = f.read(resp.Body, "id: "+epoch+"-%d", last)
		resp.Body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) read(body io.Reader, format string, last uint64) error {
	first := true // says where the stream begins
	in := bufio.NewReaderSize(body, 256<<10)
	for f.after < last {
		line, err := in.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			line, err = in.ReadSlice('\n')
		}
		if err != nil {
			return fmt.Errorf("the stream ended after %d: %w", f.after, err)
		}
		if bytes.HasPrefix(line, []byte("event: dropped")) {
			f.drops++
			return nil
		}
		var id uint64
		if n, _ := fmt.Sscanf(string(line), format, &id); n == 1 {
			if !first && id != f.after+1 || first && id != f.after {
				return fmt.Errorf("the stream goes from %d to %d", f.after, id)
			}
			f.after, first = id, false
		}
	}
	return nil
}

// follow imports the small file while one follower reads what comes and one
// reads everything from the first event on.
func (b *bulk) follow(more uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	live, all := &follower{after: b.events}, &follower{}
	var wg sync.WaitGroup
	var liveErr, allErr error
	var liveTook, allTook time.Duration
	began := time.Now()
	wg.Go(func() { liveErr = live.to(ctx, b.url(), b.events+more); liveTook = time.Since(began) })
	wg.Go(func() { allErr = all.to(ctx, b.url(), b.events+more); allTook = time.Since(began) })
	err := b.load("import while two follow", "more.jsonl", more)
	imported := time.Since(began)
	if err != nil {
		cancel()
	}
	wg.Wait()
	if err := firstError(err, liveErr, allErr); err != nil {
		return err
	}
	b.add("followed live meanwhile, each event once", float64(more)/liveTook.Seconds(), perSecond,
		fmt.Sprintf("the last one %v after the import's end; dropped and resumed %d times", round(liveTook-imported), live.drops))
	b.add("followed from the first event on, each once", float64(b.events+more)/allTook.Seconds(), perSecond,
		fmt.Sprintf("%v; dropped and resumed %d times", round(allTook), all.drops))
	return nil
}
