package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A page is an answer that names many events.
type page struct {
	Events []struct {
		Hash       string
		Sequence   uint64
		AdmittedAt string `json:"admitted_at"`
		Depth      int
		Missing    bool
		Event      json.RawMessage
		Type       string
		Author     string  `json:"author_pubkey"`
		CreatedAt  *uint64 `json:"created_at"`
		Parents    []string
		Problem    *struct{ Code string }
	}
	Epoch     string
	Next      string `json:"next_cursor"`
	Count     *uint64
	Truncated bool
}

func (h *host) page(path string) (p page) {
	h.t.Helper()
	a := h.get(path)
	if a.StatusCode != 200 {
		h.t.Fatalf("%s: %s %s", path, a.Status, a.body)
	}
	a.json(h.t, &p)
	return p
}

func (p page) sequences() (seqs []uint64) {
	for _, e := range p.Events {
		seqs = append(seqs, e.Sequence)
	}
	return seqs
}

// all follows the cursors.
func (h *host) all(query string) (seqs []uint64, pages int) {
	h.t.Helper()
	cursor := ""
	for {
		p := h.page("/v1/events?" + query + cursor)
		pages++
		seqs = append(seqs, p.sequences()...)
		if p.Next == "" {
			return seqs, pages
		}
		if len(p.Events) == 0 && pages > 1000 {
			h.t.Fatal("cursors lead nowhere")
		}
		cursor = "&cursor=" + url.QueryEscape(p.Next)
	}
}

// signed makes an event by another author.
func signed(t *testing.T, k module.KeyPair, author string, d module.Draft) module.Verified {
	t.Helper()
	pool := moduletest.Open(t)
	d.Author = author
	if d.Body == nil {
		d.Body = json.RawMessage(`{}`)
	}
	event, _, err := pool.Create(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pool.Sign(t.Context(), event, k.Private)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *host) store(vs ...module.Verified) {
	h.t.Helper()
	for _, v := range vs {
		if _, err := h.client.Store(h.t.Context(), "", v.Record()); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestQuery(t *testing.T) {
	h := start(t)
	pool := moduletest.Open(t)
	mine, err := pool.GenerateKey(t.Context(), "K1")
	if err != nil {
		t.Fatal(err)
	}
	r1, err := pool.GenerateKey(t.Context(), "R1")
	if err != nil {
		t.Fatal(err)
	}
	vote := signed(t, mine, mine.Public, module.Draft{Type: "VOTE", CreatedAt: 100})
	like := signed(t, mine, mine.Legacy, module.Draft{Type: "LIKE", CreatedAt: 200, Parents: []string{vote.Hash().String()}}) // the same key, spelled the old way
	other := signed(t, r1, r1.Public, module.Draft{Type: "VOTE", CreatedAt: 300, Parents: []string{vote.Hash().String(), like.Hash().String()}})
	claim := moduletest.Event(t, 1)
	h.store(vote, like, other, claim)

	for query, want := range map[string][]uint64{
		"":                              {4, 3, 2, 1},
		"order=asc":                     {1, 2, 3, 4},
		"type=VOTE":                     {3, 1},
		"type=VOTE&type=LIKE&order=asc": {1, 2, 3},
		"author=" + mine.Public:         {2, 1},
		"author=" + mine.Legacy:         {2, 1},
		"author=" + r1.Public:           {3},
		"author=" + r1.Public + "&author=" + mine.Legacy: {3, 2, 1},
		"author=" + mine.Public + "&type=VOTE":           {1},
		"parent=" + vote.Hash().String():                 {3, 2},
		"parent=" + like.Hash().String() + "&type=LIKE":  nil,
		"since=200":                         {4, 3, 2},
		"until=200&order=asc":               {1, 2},
		"since=150&until=250":               {2},
		"since=250&until=150":               nil,
		"type=FINALIZE":                     nil,
		"parent=" + strings.Repeat("0", 64): nil,
	} {
		for _, include := range []string{"", "&include=records", "&include=hashes"} {
			p := h.page("/v1/events?count=true&" + query + include)
			if !slices.Equal(p.sequences(), want) || p.Count == nil || *p.Count != uint64(len(want)) || p.Next != "" || p.Events == nil {
				t.Errorf("%s%s: %v of %v, want %v", query, include, p.sequences(), p.Count, want)
			}
		}
	}
	p := h.page("/v1/events?author=" + mine.Legacy + "&limit=1")
	if e := p.Events[0]; !bytes.Equal(e.Event, like.Record()) || e.Hash != like.Hash().String() || e.AdmittedAt == "" || e.Type != "" || p.Count != nil || p.Next == "" {
		t.Errorf("%+v", p)
	}
	p = h.page("/v1/events?include=hashes&type=LIKE")
	if e := p.Events[0]; e.Event != nil || e.Type != "LIKE" || e.Author != mine.Legacy || *e.CreatedAt != 200 || !slices.Equal(e.Parents, []string{vote.Hash().String()}) {
		t.Errorf("%+v", e)
	}
	// However the pages are cut, they are the whole.
	for _, order := range []string{"asc", "desc"} {
		for limit := 1; limit <= 5; limit++ {
			got, pages := h.all(fmt.Sprintf("limit=%d&order=%s", limit, order))
			slices.Sort(got)
			if !slices.Equal(got, []uint64{1, 2, 3, 4}) || pages != (4+limit-1)/limit {
				t.Errorf("%s by %d: %v in %d pages", order, limit, got, pages)
			}
		}
	}

	cursor := h.page("/v1/events?limit=1&type=VOTE&type=LIKE").Next
	if p := h.page("/v1/events?limit=1&type=LIKE&type=VOTE&cursor=" + cursor); !slices.Equal(p.sequences(), []uint64{2}) {
		t.Errorf("the same query in another order: %v", p.sequences())
	}
	author := h.page("/v1/events?limit=1&author=" + mine.Public).Next
	if p := h.page("/v1/events?limit=1&author=" + mine.Legacy + "&cursor=" + author); !slices.Equal(p.sequences(), []uint64{1}) {
		t.Errorf("the same author spelled otherwise: %v", p.sequences())
	}
	for _, query := range []string{
		"cursor=" + cursor, "type=VOTE&cursor=" + cursor, "type=VOTE&type=LIKE&order=asc&cursor=" + cursor, "type=VOTE&type=LIKE&since=1&cursor=" + cursor,
		"cursor=x", "cursor=" + strings.Repeat("A", 23), "cursor=" + strings.Repeat("x", 10_000), "type=VOTE&type=LIKE&cursor=" + cursor[:22] + "é",
	} {
		h.get("/v1/events?"+query).refused(t, 400, "invalid_cursor")
	}
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"limit=0": {400, "invalid_parameter"}, "limit=-1": {400, "invalid_parameter"}, "limit=1001": {400, "invalid_parameter"}, "limit=x": {400, "invalid_parameter"},
		"limit=%2B1": {400, "invalid_parameter"}, "limit=1&limit=1": {400, "invalid_parameter"}, "limit=": {400, "invalid_parameter"}, "limit=99999999999999999999": {400, "invalid_parameter"},
		"order=up": {400, "invalid_parameter"}, "include=all": {400, "invalid_parameter"}, "count=1": {400, "invalid_parameter"}, "since=-1": {400, "invalid_parameter"},
		"until=9007199254740992": {400, "invalid_parameter"}, "parent=x": {400, "invalid_parameter"}, "parent=" + strings.Repeat("A", 64): {400, "invalid_parameter"},
		"author=x": {422, "invalid_public_key"}, "author=" + strings.Repeat("x", 300): {400, "invalid_parameter"}, "type=NOPE": {422, "unknown_type"}, "type=%ff": {400, "invalid_parameter"},
		"offset=1": {400, "unknown_parameter"}, "Type=VOTE": {400, "unknown_parameter"}, "a;b": {400, "invalid_parameter"},
		strings.Repeat("type=VOTE&", 101): {400, "invalid_parameter"}, strings.Repeat("parent="+strings.Repeat("0", 64)+"&", 300): {400, "invalid_parameter"},
	} {
		h.get("/v1/events?"+query).refused(t, want.status, want.code)
	}
}

// A reader that pages while others write misses none and sees none twice.
func TestPagingUnderWriters(t *testing.T) {
	h := start(t)
	var events []module.Verified
	for i := range 600 {
		d := module.Draft{Type: []string{"VOTE", "LIKE", "DISCUSS"}[i%3], CreatedAt: uint64(i), Body: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}
		events = append(events, moduletest.Sign(t, d))
	}
	const before = 150
	h.store(events[:before]...)
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := before + w; i < len(events); i += 3 {
				a := h.ask("POST", "/v1/events?wait=journal", string(events[i].Record()), "Content-Type", jsonType)
				if a.StatusCode != 202 {
					t.Errorf("a store gave %s", a.Status)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for round := 0; ; round++ {
		for _, order := range []string{"asc", "desc"} {
			for _, include := range []string{"records", "hashes"} {
				got, _ := h.all(fmt.Sprintf("type=VOTE&type=DISCUSS&limit=%d&order=%s&include=%s", 7+round%5, order, include))
				seen := map[uint64]bool{}
				last := uint64(0)
				for i, s := range got {
					if seen[s] || (i > 0 && (order == "asc") != (s > last)) {
						t.Fatalf("%s: %d comes after %d", order, s, last)
					}
					seen[s], last = true, s
				}
				// What the first page could see is all there, without a hole.
				top := slices.Max(got)
				want, err := h.journal.Scan(t.Context(), 0, int(top))
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range want {
					if e.Type != "LIKE" && !seen[e.Sequence] {
						t.Fatalf("%s %s: %d was missed", order, include, e.Sequence)
					}
				}
			}
		}
		select {
		case <-done:
			if got, _ := h.all("type=VOTE&type=DISCUSS&limit=50&order=asc"); len(got) != len(events)*2/3 {
				t.Fatalf("%d in the end", len(got))
			}
			return
		default:
		}
	}
}

// Large records make a page short, not an answer endless.
func TestPagesAreBounded(t *testing.T) {
	h := start(t)
	pad := strings.Repeat("x", 200_000)
	for i := range 60 {
		h.store(moduletest.Sign(t, module.Draft{Type: "VOTE", CreatedAt: uint64(i), Body: json.RawMessage(fmt.Sprintf(`{"pad":"%s"}`, pad))}))
	}
	if a := h.get("/v1/events?limit=1000"); len(a.body) > 9<<20 {
		t.Errorf("a page of %d bytes", len(a.body))
	}
	got, pages := h.all("limit=1000")
	if len(got) != 60 || pages < 2 {
		t.Errorf("%d events in %d pages", len(got), pages)
	}
}

// A list names an event that cannot be read, and goes on.
func TestUnreadableEventInAList(t *testing.T) {
	var gone digest.Hash
	h := start(t, func(o *api.Options) { o.Reader = &lossy{Reader: o.Reader, gone: &gone} })
	child := moduletest.Sign(t, module.Draft{Type: "LIKE", CreatedAt: 9, Body: json.RawMessage(`{}`), Parents: []string{moduletest.Event(t, 2).Hash().String(), moduletest.Event(t, 1).Hash().String()}})
	h.store(moduletest.Event(t, 1), moduletest.Event(t, 2), moduletest.Event(t, 3), child)
	gone = moduletest.Event(t, 2).Hash()
	for _, path := range []string{"/v1/events?order=asc", "/v1/events/" + child.Hash().String() + "/ancestors"} {
		found := false
		for _, e := range h.page(path).Events {
			if lost := e.Hash == gone.String(); lost != (e.Problem != nil && e.Problem.Code == "corrupt") || lost == (e.Event != nil) {
				t.Errorf("%s: %+v", path, e)
			} else if lost {
				found = true
			}
		}
		if !found {
			t.Errorf("%s does not name it", path)
		}
	}
}

func TestAncestors(t *testing.T) {
	h := start(t)
	sign := func(n int, parents ...string) module.Verified {
		return moduletest.Sign(t, module.Draft{Type: "DISCUSS", CreatedAt: uint64(n), Body: json.RawMessage(`{}`), Parents: parents})
	}
	hex := func(v module.Verified) string { return v.Hash().String() }
	unknown := strings.Repeat("0", 64)
	root := sign(1)
	left, right := sign(2, hex(root), unknown), sign(3, hex(root))
	top := sign(4, hex(left), hex(right))
	h.store(root, left, right, top)

	p := h.page("/v1/events/" + hex(top) + "/ancestors")
	var got []string
	for _, e := range p.Events {
		got = append(got, fmt.Sprint(e.Depth, e.Hash, e.Missing, e.Event != nil))
	}
	want := []string{
		fmt.Sprint(1, hex(left), false, true), fmt.Sprint(1, hex(right), false, true), fmt.Sprint(2, hex(root), false, true), fmt.Sprint(2, unknown, true, false),
	}
	if !slices.Equal(got, want) || p.Truncated {
		t.Errorf("%q, want %q", got, want)
	}
	if p := h.page("/v1/events/" + hex(top) + "/ancestors?include=hashes&limit=3"); len(p.Events) != 3 || !p.Truncated || p.Events[0].Event != nil || p.Events[0].Type != "DISCUSS" {
		t.Errorf("%+v", p)
	}
	if p := h.page("/v1/events/" + hex(root) + "/ancestors"); p.Events == nil || len(p.Events) != 0 || p.Truncated {
		t.Errorf("%+v", p)
	}
	h.get("/v1/events/"+unknown+"/ancestors").refused(t, 404, "not_found")
	h.get("/v1/events/"+hex(top)+"/ancestors?limit=0").refused(t, 400, "invalid_parameter")
	// Children are a query.
	if p := h.page("/v1/events?order=asc&parent=" + hex(root)); !slices.Equal(p.sequences(), []uint64{2, 3}) {
		t.Errorf("children: %v", p.sequences())
	}
}

var errCorrupt = &code.Error{Code: code.Corrupt}
