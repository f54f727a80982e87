package api_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// renew gives the order another epoch, of which the numbers up to kept stand.
func (h *host) renew(kept uint64) {
	h.t.Helper()
	if _, err := h.journal.Renew(h.t.Context(), kept); err != nil {
		h.t.Fatal(err)
	}
}

// moved checks that an answer refuses a place and returns where to go on.
func (a answer) moved(t testing.TB) (resume string) {
	t.Helper()
	a.refused(t, 410, "epoch_changed")
	var p struct{ Resume, Detail string }
	if a.json(t, &p); p.Resume == "" || !strings.Contains(p.Detail, "after="+p.Resume) {
		t.Fatalf("it does not say how to go on: %s", a.body)
	}
	return p.Resume
}

// Every kind of place in the order before is refused, and the refusal names the
// one behind which a reader misses nothing.
func TestPlacesOfAnotherOrder(t *testing.T) {
	h := start(t)
	vs := h.fill(200, 10)
	before := h.journal.Epoch()
	old := func(n any) string { return fmt.Sprintf("%s-%v", before, n) }
	hash := func(n int) string { return old(vs[n-1].Hash()) }
	cursor := func(n int, query string) string {
		return query + "&cursor=" + h.page(fmt.Sprintf("/v1/events?%s&limit=%d", query, n)).Next
	}
	up50, up150 := cursor(50, "order=asc"), cursor(150, "order=asc")
	down150, down50 := cursor(50, "order=desc&type=VOTE&type=LIKE"), cursor(150, "order=desc&type=VOTE&type=LIKE") // at 151 and 51
	h.renew(100)
	now := func(n any) string { return fmt.Sprintf("%s-%v", h.journal.Epoch(), n) }
	unknown := strings.Repeat("00", 8)
	places := map[string]string{
		old(0): "0", old(1): now(1), old(100): now(100), old(101): now(100), old(200): now(100), old(9999): now(100),
		hash(1): now(vs[0].Hash()), hash(100): now(vs[99].Hash()), hash(101): now(100), old(strings.Repeat("0", 64)): now(100),
		"42": "0", "1": "0", "99999999999999999999": "0", unknown + "-7": "0", unknown + "-" + vs[6].Hash().String(): "0",
		now(201): "0", // the journal is older than what the reader has seen of it
	}
	for place, want := range places {
		for _, path := range []string{"/v1/stream?after=", "/v1/events:export?after=", "/v1/events?order=asc&after="} {
			if got := h.get(path + place).moved(t); got != want {
				t.Errorf("%s%s: go on with %s, want %s", path, place, got, want)
			}
		}
		if got := h.get("/v1/stream?from=0", "Last-Event-ID", place).moved(t); got != want {
			t.Errorf("Last-Event-ID %s: go on with %s, want %s", place, got, want)
		}
	}
	for place, want := range map[string]string{old(1): "0", old(100): now(99), old(101): now(100), old(102): now(100), "42": "0", now(202): "0"} {
		if got := h.get("/v1/stream?from=" + place).moved(t); got != want {
			t.Errorf("from %s: go on with %s, want %s", place, got, want)
		}
	}
	h.get("/v1/stream?from="+hash(1)).refused(t, 400, "invalid_parameter")
	for query, want := range map[string]string{up50: now(50), up150: now(100), down150: "0", down50: now(51)} {
		if got := h.get("/v1/events?" + query).moved(t); got != want {
			t.Errorf("%s: go on with %s, want %s", query, got, want)
		}
	}
	// What an epoch kept of one that was before it is what is kept since.
	h.renew(60)
	for place, want := range map[string]string{old(50): now(50), old(80): now(60), hash(80): now(60), old(150): now(60)} {
		if got := h.get("/v1/events:export?after=" + place).moved(t); got != want {
			t.Errorf("%s: go on with %s, want %s", place, got, want)
		}
	}
	// A cursor of an older kind, without an epoch, is none.
	h.get("/v1/events?cursor="+base64.RawURLEncoding.EncodeToString(make([]byte, 17))).refused(t, 400, "invalid_cursor")
}

// After a hash, and after a position, an answer goes on in its own order.
func TestQueryAfterAPlace(t *testing.T) {
	h := start(t)
	vs := h.fill(30, 10)
	hash := vs[19].Hash().String() // number 20
	for query, want := range map[string][]uint64{
		"order=asc&limit=3&after=" + hash:                                   {21, 22, 23},
		"order=desc&limit=3&after=" + hash:                                  {19, 18, 17},
		"order=asc&limit=3&after=" + h.at(20):                               {21, 22, 23},
		"order=desc&limit=3&after=" + h.at(20):                              {19, 18, 17},
		"order=desc&limit=3&after=" + h.journal.Epoch() + "-" + hash:        {19, 18, 17},
		"order=asc&limit=3&after=0":                                         {1, 2, 3},
		"order=desc&limit=3&after=0":                                        {30, 29, 28},
		"order=asc&type=VOTE&after=" + hash:                                 {21, 23, 25, 27, 29},
		"order=asc&after=" + vs[29].Hash().String():                         nil,
		"order=desc&after=" + vs[0].Hash().String() + "&include=hashes":     nil,
		"order=asc&after=" + h.at(30) + "&type=LIKE&limit=1&include=hashes": nil,
	} {
		p := h.page("/v1/events?" + query)
		if !slices.Equal(p.sequences(), want) || p.Epoch != h.journal.Epoch() {
			t.Errorf("%s: %v in %s, want %v", query, p.sequences(), p.Epoch, want)
		}
	}
	h.get("/v1/events?after="+strings.Repeat("0", 64)).refused(t, 404, "not_found")
	h.get("/v1/events?after=x").refused(t, 400, "invalid_parameter")
	next := h.page("/v1/events?limit=3").Next
	h.get("/v1/events?after=0&cursor="+next).refused(t, 400, "invalid_parameter")
	// Epochs are told with every number.
	for _, path := range []string{"/v1/events/" + hash + "/status", "/v1/events/" + vs[10].Hash().String() + "/ancestors"} {
		var d struct{ Epoch string }
		if h.get(path).json(t, &d); d.Epoch != h.journal.Epoch() {
			t.Errorf("%s: epoch %q", path, d.Epoch)
		}
	}
	var health struct{ Journal struct{ Epoch string } }
	if h.get("/v1/health").json(t, &health); health.Journal.Epoch != h.journal.Epoch() {
		t.Errorf("health: epoch %q", health.Journal.Epoch)
	}
	r, err := h.client.Store(t.Context(), "", vs[19].Record())
	if err != nil || r.Epoch != h.journal.Epoch() || r.Sequence != 20 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A stream, an export and a pager that are under way when the order becomes
// another one come to an end that says so, and who goes on misses nothing.
func TestTheOrderChangesMeanwhile(t *testing.T) {
	reader := &gated{}
	h := start(t, func(o *api.Options) {
		reader.Reader = o.Reader
		o.Reader = reader
	})
	vs := h.fill(2*journal.MaxPage+100, 10)
	const read = 50
	pager := h.page(fmt.Sprintf("/v1/events?order=asc&limit=%d", read))
	stream := h.listen("/v1/stream?after=" + h.at(uint64(len(vs))))
	if _, err := h.client.Query(t.Context(), client.Query{Limit: 1}); err != nil { // and who follows it is at its end
		t.Fatal(err)
	}

	// The export stands in its first page while the order changes.
	reader.hold(vs[10].Hash())
	resp, err := h.http.Get(h.url + "/v1/events:export")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	epoch := resp.Header.Get("X-Journal-Epoch")
	if epoch != h.journal.Epoch() {
		t.Errorf("the export is in the order %q", epoch)
	}
	<-reader.held
	last := h.at(uint64(len(vs)))
	h.renew(journal.MaxPage)
	close(reader.goOn)
	body, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the export ends with %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	if len(lines) != journal.MaxPage+1 {
		t.Errorf("the export has %d lines", len(lines))
	}
	var p struct{ Code, Resume string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &p); err != nil || p.Code != "epoch_changed" || p.Resume != h.at(journal.MaxPage) {
		t.Errorf("its last line is %.300s", lines[len(lines)-1])
	}

	m, err := stream.next()
	if err != nil || m.event != "closing" || m.data != fmt.Sprintf(`{"code":"epoch_changed","after":%q}`, last) {
		t.Errorf("the stream ends with %+v, %v", m, err)
	}
	if got := h.get("/v1/stream", "Last-Event-ID", last).moved(t); got != h.at(journal.MaxPage) {
		t.Errorf("the stream goes on with %s", got)
	}

	resume := h.get("/v1/events?order=asc&cursor=" + pager.Next).moved(t)
	if p := h.page("/v1/events?order=asc&limit=2&after=" + url.QueryEscape(resume)); !slices.Equal(p.sequences(), []uint64{read + 1, read + 2}) {
		t.Errorf("the pager goes on with %v", p.sequences())
	}
	// So does the client by itself.
	page, err := h.client.Query(t.Context(), client.Query{Ascending: true, Limit: 2, Cursor: pager.Next})
	if err != nil || !page.Reordered || len(page.Events) != 2 || page.Events[0].Position != h.at(read+1) {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err = h.client.Query(t.Context(), client.Query{Ascending: true, Limit: 2, Cursor: page.Next}); err != nil || page.Reordered || page.Events[0].Sequence != read+3 {
		t.Errorf("%+v, %v", page, err)
	}
}

// The client follows, pages and exports over changes of the order by itself.
func TestClientGoesOnInAnotherOrder(t *testing.T) {
	h := start(t)
	vs := h.fill(120, 10)
	cl, err := client.New(client.Options{Server: h.url, Verifier: moduletest.Open(t)})
	if err != nil {
		t.Fatal(err)
	}
	old := h.at(80)
	hash := h.journal.Epoch() + "-" + vs[79].Hash().String()
	changes := map[uint64]uint64{90: 100, 110: 70, 119: 0} // after such an event so much is kept
	seen := map[uint64]bool{}
	err = cl.Follow(t.Context(), client.Follow{After: old}, func(f client.Found) error {
		seen[f.Sequence] = true
		if kept, ok := changes[f.Sequence]; ok {
			delete(changes, f.Sequence)
			h.renew(kept)
		}
		if len(seen) == 120 { // at last nothing of the order before stands, and it began again
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) || len(changes) > 0 {
		t.Fatalf("%v; %v did not come", err, changes)
	}
	count := 0
	err = cl.Export(t.Context(), client.ExportRequest{After: hash}, func(vs []module.Verified, _ string) error {
		count += len(vs)
		return nil
	})
	if err != nil || count != 120 {
		t.Errorf("%d events, %v", count, err)
	}
	// One that is to hand out nothing twice ends, unless the very place was kept.
	once := client.ExportRequest{After: hash, Once: true}
	if err := cl.Export(t.Context(), once, nil); !errors.Is(err, &code.Error{Code: code.EpochChanged}) {
		t.Errorf("Once: %v", err)
	}
	once.After = h.journal.Epoch() + "-" + vs[79].Hash().String()
	h.renew(80)
	count = 0
	err = cl.Export(t.Context(), once, func(vs []module.Verified, _ string) error {
		count += len(vs)
		return nil
	})
	if err != nil || count != 40 {
		t.Errorf("%d events after the 80th, %v", count, err)
	}
}

var errEnough = errors.New("enough")
