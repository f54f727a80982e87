package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers"
)

func TestMain(m *testing.M) {
	if os.Getenv("EVENTSEAL_BULK_CHILD") != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

// child imports or exports as its argument says, until it is done or killed.
func child() {
	var job struct{ Way, Server, File string }
	if err := json.Unmarshal([]byte(os.Getenv("EVENTSEAL_BULK_CHILD")), &job); err != nil {
		panic(err)
	}
	ctx := context.Background()
	pool, err := module.Open(ctx, module.Config{CacheDir: os.Getenv("EVENTSEAL_BULK_CACHE")})
	if err != nil {
		panic(err)
	}
	cl, err := client.New(client.Options{Server: job.Server, Verifier: pool})
	if err != nil {
		panic(err)
	}
	var done any
	if job.Way == "import" {
		done, err = Import(ctx, ImportOptions{
			Client: cl, Server: job.Server, File: job.File, Report: job.File + ".refused", State: job.File + ".state", saveEvery: time.Millisecond,
		})
	} else {
		done, err = Export(ctx, ExportOptions{Client: cl, Server: job.Server, File: job.File, saveEvery: time.Millisecond, batch: 20,
			Progress: func(Exported) { time.Sleep(2 * time.Millisecond) }})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(done)
}

// untilDone runs the child again and again, each time killed after a longer
// while, until it ends by itself, and returns what it says. It reports how
// often it was killed. An export's last word can be lost with it: done is zero then.
func untilDone(t *testing.T, way, server, file string, done any) (kills int) {
	t.Helper()
	job, err := json.Marshal(map[string]string{"Way": way, "Server": server, "File": file})
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	for patience := 40 * time.Millisecond; patience < time.Minute; patience += patience / 6 {
		ctx, cancel := context.WithTimeout(context.Background(), patience+rand.N(20*time.Millisecond))
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), "EVENTSEAL_BULK_CHILD="+string(job), "EVENTSEAL_BULK_CACHE="+cache)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		killed := ctx.Err() != nil
		cancel()
		switch {
		case err == nil:
			if err := json.Unmarshal(stdout.Bytes(), done); err != nil {
				t.Fatal(err)
			}
			return kills
		case !killed && kills > 0 && strings.Contains(stderr.String(), ErrExists.Error()):
			return kills // the one before was complete, and killed before it could say so
		case !killed:
			t.Fatalf("after %d kills: %v\n%s", kills, err, stderr.Bytes())
		}
		kills++
	}
	t.Fatal("it never ends")
	return kills
}

// events makes n records, of which those that bad chooses are refused.
func events(t *testing.T, n int, bad func(int) bool) (lines []string) {
	for i := range n {
		record := string(moduletest.Event(t, i).Record())
		if bad(i) {
			record = strings.Replace(record, "Low Tide", "High Tide", 1)
		}
		lines = append(lines, record)
	}
	return lines
}

func connect(t *testing.T, s *servers.Server) *client.Client {
	cl, err := client.New(client.Options{Server: s.URL(), Verifier: moduletest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func write(t *testing.T, path string, lines []string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// contents returns what a file of lines, compressed or not, holds.
func contents(t *testing.T, path string) string {
	t.Helper()
	r, err := openLines(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	b, err := io.ReadAll(r.in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func never(int) bool { return false }

// What one host exports another one imports, and then exports the same bytes,
// in every compression.
func TestRoundTrip(t *testing.T) {
	const n = 2500
	dir := t.TempDir()
	lines := events(t, n, never)
	rand.Shuffle(n, func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	from := filepath.Join(dir, "from.jsonl")
	write(t, from, lines)
	ctx := t.Context()
	for i, ending := range []string{"", gzipEnding, zstdEnding} {
		host := servers.Host(t, "")
		cl := connect(t, host)
		done, err := Import(ctx, ImportOptions{Client: cl, Server: host.URL(), File: from, Report: from + ".refused", State: from + ".state"})
		if err != nil || done != (Imported{Lines: n, Created: n, Complete: true}) {
			t.Fatalf("round %d: %+v, %v", i, done, err)
		}
		again, err := Import(ctx, ImportOptions{Client: cl, Input: strings.NewReader(lines[0] + "\n\n  " + lines[1])})
		if err != nil || again != (Imported{Lines: 2, Known: 2, Complete: true}) {
			t.Fatalf("round %d: again: %+v, %v", i, again, err)
		}
		to := filepath.Join(dir, fmt.Sprintf("to%d.jsonl%s", i, ending))
		out, err := Export(ctx, ExportOptions{Client: cl, Server: host.URL(), File: to})
		if err != nil || !out.Complete || out.Events != n {
			t.Fatalf("round %d: %+v, %v", i, out, err)
		}
		if got, want := contents(t, to), strings.Join(lines, "\n")+"\n"; got != want || out.Bytes != uint64(len(want)) {
			t.Fatalf("round %d: the export has %d bytes and says %d, want %d in the order of admission", i, len(got), out.Bytes, len(want))
		}
		if _, err := Export(ctx, ExportOptions{Client: cl, Server: host.URL(), File: to}); !errors.Is(err, ErrExists) {
			t.Fatalf("an existing file: %v", err)
		}
		var stdout bytes.Buffer
		since := uint64(1758390021 + n - 10)
		few, err := Export(ctx, ExportOptions{Client: cl, Query: client.Query{Since: &since, Types: []string{"ADD_CLAIM"}}, Output: &stdout})
		if err != nil || few.Events != 10 || strings.Count(stdout.String(), "\n") != 10 {
			t.Fatalf("round %d: a filtered export: %+v, %v", i, few, err)
		}
		from = to
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 4 {
		t.Errorf("files that are left: %v", left)
	}
}

// An import that is killed again and again stores every line, and counts and
// reports each once.
func TestKilledImport(t *testing.T) {
	const n = 6000
	host := servers.Host(t, "")
	bad := func(i int) bool { return i%50 == 7 }
	lines := events(t, n, bad)
	file := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, file, lines)
	var done Imported
	kills := untilDone(t, "import", host.URL(), file, &done)
	if done.Lines != n || done.Created+done.Known != n-n/50 || done.Refused != n/50 || !done.Complete {
		t.Errorf("%+v after %d kills", done, kills)
	}
	var want strings.Builder
	for i := range n {
		if bad(i) {
			fmt.Fprintf(&want, `{"line":%d,"code":"signature_mismatch","pointer":"/sig","detail":"The signature is not the author's signature of this event."}`+"\n", i+1)
		}
	}
	if got := read(t, file+".refused"); got != want.String() {
		t.Errorf("the report has %d lines, want %d:\n%.2000s", strings.Count(got, "\n"), strings.Count(want.String(), "\n"), got)
	}
	if _, err := os.Stat(file + ".state"); !os.IsNotExist(err) {
		t.Errorf("the state is left: %v", err)
	}
	count, err := connect(t, host).Count(t.Context(), client.Query{})
	if err != nil || count != n-n/50 {
		t.Errorf("the host has %d events: %v", count, err)
	}
	if kills < 2 {
		t.Errorf("killed %d times: the test proves nothing", kills)
	}
	t.Logf("%d kills, %+v", kills, done)
}

// An export that is killed again and again is, in the end, as if it had not been.
func TestKilledExport(t *testing.T) {
	const n = 6000
	host := servers.Host(t, "")
	cl := connect(t, host)
	lines := events(t, n, never)
	if _, err := Import(t.Context(), ImportOptions{Client: cl, Input: strings.NewReader(strings.Join(lines, "\n"))}); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{"", gzipEnding, zstdEnding} {
		file := filepath.Join(t.TempDir(), "out.jsonl"+ending)
		var done Exported
		kills := untilDone(t, "export", host.URL(), file, &done)
		if got, want := contents(t, file), strings.Join(lines, "\n")+"\n"; got != want || done != (Exported{}) && done != (Exported{Events: n, Bytes: uint64(len(want)), Complete: true}) {
			t.Errorf("%q: %d bytes after %d kills, want %d; %+v", ending, len(got), kills, len(want), done)
		}
		if kills < 2 {
			t.Errorf("%q: killed %d times: the test proves nothing", ending, kills)
		}
	}
}

// What cannot be gone on with is said, and nothing is overwritten.
func TestOtherFile(t *testing.T) {
	host := servers.Host(t, "")
	cl := connect(t, host)
	file := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, file, events(t, 40, never))
	ctx, cancel := context.WithCancel(t.Context())
	o := ImportOptions{Client: cl, Server: host.URL(), File: file, State: file + ".state"}
	cancel()
	if _, err := Import(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("an import that may not: %v", err)
	}
	if err := writeState(o.State, importState{Server: host.URL(), Line: 3, Content: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not the file whose import was interrupted") {
		t.Errorf("another file: %v", err)
	}
	if err := writeState(o.State, importState{Server: "http://elsewhere", Line: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), "http://elsewhere") {
		t.Errorf("another host: %v", err)
	}
	if err := os.WriteFile(o.State, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("a broken state: %v", err)
	}
	for name, content := range map[string]string{"a.gz": "not gzip", "a.zst": "not zstd"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if done, err := Import(t.Context(), ImportOptions{Client: cl, File: path}); err == nil || done.Complete {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
}

// What came to nothing at a wrong address is begun anew at the right one.
func TestWrongAddressFirst(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	wrong, err := client.New(client.Options{Server: nobody.URL, Attempts: 1, Verifier: moduletest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	host := servers.Host(t, "")
	right := connect(t, host)
	file := filepath.Join(t.TempDir(), "events.jsonl")
	write(t, file, events(t, 5, never))
	in := ImportOptions{Client: wrong, Server: nobody.URL, File: file, State: file + ".state", Report: file + ".refused"}
	if done, err := Import(t.Context(), in); err == nil || done.Complete {
		t.Fatalf("%+v, %v", done, err)
	}
	in.Client, in.Server = right, host.URL()
	if done, err := Import(t.Context(), in); err != nil || done != (Imported{Lines: 5, Created: 5, Complete: true}) {
		t.Errorf("import: %+v, %v", done, err)
	}
	out := ExportOptions{Client: wrong, Server: nobody.URL, File: file + ".again"}
	if done, err := Export(t.Context(), out); err == nil || done.Complete {
		t.Fatalf("%+v, %v", done, err)
	}
	out.Client, out.Server = right, host.URL()
	if done, err := Export(t.Context(), out); err != nil || done.Events != 5 || contents(t, out.File) != contents(t, file) {
		t.Errorf("export: %+v, %v", done, err)
	}
}

// Lines that no event can have are refused here, in their place, and cost no memory.
func TestLongLines(t *testing.T) {
	host := servers.Host(t, "")
	good := events(t, 3, never)
	long := strings.Repeat("x", module.MaxRecordBytes+10)
	report := filepath.Join(t.TempDir(), "refused")
	done, err := Import(t.Context(), ImportOptions{
		Client: connect(t, host), Report: report,
		Input: strings.NewReader(strings.Join([]string{long, good[0], "", long, good[1], "{}", good[2], long}, "\r\n")),
	})
	if err != nil || done != (Imported{Lines: 7, Created: 3, Refused: 4, Complete: true}) {
		t.Errorf("%+v, %v", done, err)
	}
	var at []string
	for line := range strings.Lines(read(t, report)) {
		var r Refusal
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		at = append(at, fmt.Sprint(r.Line, " ", r.Code))
	}
	if got := strings.Join(at, ", "); got != "1 too_large, 4 too_large, 6 missing_field, 8 too_large" {
		t.Errorf("refused: %s", got)
	}
}
