package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/retrieve"
	"github.com/eventseal/eventseal/wasm/digest"
)

// gap is what a journal cannot read.
type gap struct {
	journal.Damage
	code string // that it is told with
}

// damaged runs a test with a host whose journal has a page that cannot be read,
// and with one that has only the numbers of some events.
func damaged(t *testing.T, n int, test func(t *testing.T, h *host, vs []module.Verified, bad gap)) {
	var vs []module.Verified
	for i := range n {
		vs = append(vs, moduletest.Event(t, i))
	}
	for name, fill := range map[string]func(j *sqlite.Journal, path string) (code string, err error){
		"damage": func(j *sqlite.Journal, path string) (string, error) {
			_, err := j.Admit(t.Context(), vs, []string{"replica-a"}) // their records stay in the journal
			return "journal_unavailable", errors.Join(err, j.Close(), journaltest.Damage(path, vs[n/2].Hash()))
		},
		"reserved": func(j *sqlite.Journal, path string) (string, error) {
			var hs []digest.Hash
			for _, v := range vs {
				hs = append(hs, v.Hash())
			}
			err := j.Reserve(t.Context(), 0, hs)
			_, e := j.Admit(t.Context(), slices.Concat(vs[n/2+9:], vs[:n/2]), []string{"replica-a"})
			return "not_found", errors.Join(err, e, j.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			quiet := sqlite.Options{Log: slog.New(slog.DiscardHandler)}
			j, err := sqlite.Open(path, quiet)
			if err != nil {
				t.Fatal(err)
			}
			code, err := fill(j, path)
			if err != nil {
				t.Fatal(err)
			}
			if j, err = sqlite.Open(path, quiet); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = j.Close() })
			found, err := j.Walk(t.Context(), journal.Filter{})
			if err != nil || len(found.Damaged) != 1 || len(found.Entries) == 0 {
				t.Fatalf("%+v, %v", found.Damaged, err)
			}
			h := start(t, func(o *api.Options) {
				r := retrieve.New(retrieve.Options{Module: o.Module, Journal: j, Places: o.Places, Log: o.Log})
				t.Cleanup(func() { _ = r.Close() })
				o.Journal, o.Reader = j, r
			})
			test(t, h, vs, gap{found.Damaged[0], code})
		})
	}
}

// A page of the journal that cannot be read is named by an export, which has all
// else, and does not look whole.
func TestExportPastDamage(t *testing.T) { damaged(t, 1200, exportPastDamage) }

func exportPastDamage(t *testing.T, h *host, vs []module.Verified, bad gap) {
	whole := records(vs[:bad.From-1]...) + records(vs[bad.To:]...)
	missing := bad.To - bad.From + 1
	resp, err := h.http.Get(h.url + "/v1/events:export")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the answer ends with %v", err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(body)), "\n")
	named := fmt.Sprintf(`{"passed":{"from":%d,"to":%d,"code":"%s"}}`+"\n", bad.From, bad.To, bad.code)
	last := lines[len(lines)-1]
	var p struct {
		Code   string
		Passed uint64
	}
	if err := json.Unmarshal([]byte(last), &p); err != nil || p.Code != "corrupt" || p.Passed != missing {
		t.Errorf("the last line is %s", last)
	}
	if at := int(bad.From) - 1; lines[at] != named {
		t.Errorf("line %d is %s", at+1, lines[at])
	}
	if got := strings.Replace(strings.Join(lines[:len(lines)-1], ""), named, "", 1); got != whole {
		t.Errorf("%d bytes, want %d", len(got), len(whole))
	}
	d := describe(t)
	for _, line := range []string{named, last} {
		d.check(t, "export", d.model.Components.Schemas.GetOrZero("ExportLine").Schema(), []byte(line))
	}

	var got bytes.Buffer
	var passed []client.Passed
	err = h.client.Export(t.Context(), client.ExportRequest{Batch: 7, Passed: func(p client.Passed, after string) error {
		if after != h.position(bad.To) {
			t.Errorf("it goes on after %s", after)
		}
		passed = append(passed, p)
		return nil
	}}, func(vs []module.Verified, _ string) error {
		got.WriteString(records(vs...))
		return nil
	})
	var over *client.PassedError
	if !errors.As(err, &over) || over.Events != missing || got.String() != whole {
		t.Errorf("%v, %d bytes", err, got.Len())
	}
	if want := []client.Passed{{From: bad.From, To: bad.To, Code: bad.code}}; !slices.Equal(passed, want) {
		t.Errorf("%+v, want %+v", passed, want)
	}
	// Behind the damage it is whole.
	got.Reset()
	err = h.client.Export(t.Context(), client.ExportRequest{After: h.position(bad.To)}, func(vs []module.Verified, _ string) error {
		got.WriteString(records(vs...))
		return nil
	})
	if err != nil || got.String() != records(vs[bad.To:]...) {
		t.Errorf("%v, %d bytes", err, got.Len())
	}
}

// position is of an event of the journal that is served.
func (h *host) position(n uint64) string {
	return journal.Position{Epoch: h.get("/v1/events?limit=1&include=hashes").Header.Get("X-Journal-Epoch"), Sequence: n}.String()
}

// Whoever pages through a damaged journal, in either order, sees what there is,
// and is told once of what there is not, with a cursor to go on.
func TestPagesPastDamage(t *testing.T) { damaged(t, 700, pagesPastDamage) }

func pagesPastDamage(t *testing.T, h *host, vs []module.Verified, bad gap) {
	want := client.Passed{From: bad.From, To: bad.To, Code: bad.code}
	for _, ascending := range []bool{true, false} {
		for _, limit := range []int{7, 100, int(bad.From - 1), 1000} {
			seen := map[uint64]bool{}
			var told []client.Passed
			for cursor := ""; ; {
				page, err := h.client.Query(t.Context(), client.Query{Ascending: ascending, Limit: limit, Cursor: cursor})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range page.Events {
					if f.Err != nil || seen[f.Sequence] || f.Hash != vs[f.Sequence-1].Hash() {
						t.Fatalf("%+v", f)
					}
					seen[f.Sequence] = true
				}
				told = append(told, page.Damaged...)
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if !slices.Equal(told, []client.Passed{want}) || len(seen)+int(bad.To-bad.From+1) != len(vs) {
				t.Errorf("ascending %t, limit %d: %d events, told of %+v, want %+v", ascending, limit, len(seen), told, want)
			}
		}
	}
}

// A stream that comes upon damage tells of it and goes on.
func TestStreamPastDamage(t *testing.T) { damaged(t, 700, streamPastDamage) }

func streamPastDamage(t *testing.T, h *host, vs []module.Verified, bad gap) {
	done := errors.New("done")
	for _, f := range []client.Follow{{After: client.Beginning}, {After: h.position(bad.From + 1)}} {
		next, told := uint64(1), 0
		if f.After != client.Beginning {
			next = bad.From + 2
		}
		err := h.client.Follow(t.Context(), client.Follow{After: f.After}, func(f client.Found) error {
			switch {
			case next >= bad.From && next <= bad.To:
				if told++; f.Err == nil || f.Sequence != bad.To || f.Position != h.position(bad.To) || !strings.Contains(f.Err.Error(), fmt.Sprint(bad.To)) {
					t.Errorf("of the damage: %+v", f)
				}
				next = bad.To
			case f.Err != nil || f.Sequence != next || f.Hash != vs[next-1].Hash():
				t.Errorf("%d: %+v", next, f)
			}
			if next++; next > uint64(len(vs)) {
				return done
			}
			return nil
		})
		if !errors.Is(err, done) || told != 1 {
			t.Errorf("%v, told %d times", err, told)
		}
	}
	m := h.listen("/v1/stream?after=" + h.position(bad.From-1))
	for {
		got, err := m.next()
		if err != nil {
			t.Fatal(err)
		}
		if got.event == "" {
			continue
		}
		if want := fmt.Sprintf(`{"from":%d,"to":%d,"code":"%s"}`, bad.From, bad.To, bad.code); got.event != "damaged" || got.data != want || got.id != h.position(bad.To) {
			t.Errorf("%+v", got)
		}
		d := describe(t)
		d.check(t, "stream", d.model.Components.Schemas.GetOrZero("Passed").Schema(), []byte(got.data))
		break
	}
	if a := h.ask(http.MethodGet, "/v1/events?count=true&type=VOTE", ""); a.StatusCode != 200 && a.StatusCode != 503 {
		t.Errorf("a count: %s", a.Status)
	}
}
