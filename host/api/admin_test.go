package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm/code"
)

const scrubPath = "/v1/admin/scrub"

func (h *host) admin(path string) answer {
	h.t.Helper()
	return h.ask("POST", path, "", "Authorization", "Bearer "+adminToken)
}

// reports reads the lines of a scrub's answer.
func (a answer) reports(t *testing.T) (rs []scrub.Report) {
	t.Helper()
	for line := range strings.Lines(string(a.body)) {
		var r scrub.Report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		rs = append(rs, r)
	}
	return rs
}

// placed stores the first n events and returns them when the journal knows that every place holds them.
func (h *host) placed(n int) (vs []module.Verified) {
	h.t.Helper()
	for i := range n {
		vs = append(vs, h.put(i))
	}
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return vs
}

func TestScrubRepairs(t *testing.T) {
	h := start(t)
	vs := h.placed(2)
	v, w := vs[0], vs[1]
	if err := h.memory[0].Delete(t.Context(), replica.Ref{Hash: v.Hash()}); err != nil {
		t.Fatal(err)
	}
	h.memory[1].Corrupt(w.Hash(), []byte("{}"))
	a := h.admin(scrubPath + "?read_only=true&fill_caches=true&rate=1000000")
	rs := a.reports(t)
	if r := rs[len(rs)-1]; a.StatusCode != 200 || !r.Complete || !r.ReadOnly || r.Events != 2 || r.Places[0].Missing != 1 || r.Places[1].Damaged != 1 || r.Places[0].Repaired != 0 {
		t.Fatalf("%s", a.body)
	}
	rs = h.admin(scrubPath).reports(t)
	if r := rs[len(rs)-1]; !r.Complete || r.Places[0].Repaired != 1 || r.Places[1].Repaired != 1 {
		t.Fatalf("%+v", rs)
	}
	rs = h.admin(scrubPath).reports(t)
	if r := rs[len(rs)-1]; !r.Clean() || r.Places[0].Good != 2 || r.Places[1].Good != 2 {
		t.Fatalf("%+v", rs)
	}
}

func TestAdminNeedsItsToken(t *testing.T) {
	h := start(t)
	for _, field := range []string{"", "Bearer", "Bearer ", "Bearer the-token-of-a-tesT", "Bearer the-token-of-a-test2", "Basic " + adminToken, adminToken, "Bearer " + adminToken + " x"} {
		var header []string
		if field != "" {
			header = []string{"Authorization", field}
		}
		a := h.ask("POST", scrubPath+"?rate=1", "", header...)
		a.refused(t, 401, "unauthorized")
		if a.Header.Get("Www-Authenticate") != "Bearer" {
			t.Errorf("%q: no challenge", field)
		}
	}
	req, _ := http.NewRequest("POST", h.url+scrubPath, nil)
	req.Header["Authorization"] = []string{"Bearer " + adminToken, "Bearer " + adminToken}
	h.do(req).refused(t, 401, "unauthorized")
	if a := h.ask("POST", scrubPath, "", "Authorization", "bearer "+adminToken); a.StatusCode != 200 {
		t.Errorf("the scheme's case matters: %s", a.Status)
	}
	if strings.Contains(h.log.tail(1<<20), adminToken) {
		t.Error("the token is in the log")
	}
	h.ask("GET", scrubPath, "", "Authorization", "Bearer "+adminToken).refused(t, 405, "method_not_allowed")
	h.admin(scrubPath+"?rate=0").refused(t, 400, "invalid_parameter")
	h.admin(scrubPath+"?rate=1e3").refused(t, 400, "invalid_parameter")
	h.admin(scrubPath+"?read_only=1").refused(t, 400, "invalid_parameter")
	h.admin(scrubPath+"?force=true").refused(t, 400, "unknown_parameter")
	h.ask("POST", scrubPath, "{}", "Authorization", "Bearer "+adminToken).refused(t, 400, "invalid_argument")

	off := start(t, func(o *api.Options) { o.Admin.Token = "" })
	off.ask("POST", scrubPath, "").refused(t, 404, "not_found")
	off.ask("POST", scrubPath, "", "Authorization", "Bearer ").refused(t, 404, "not_found")
}

// slowly begins a scrub that takes a while, and returns when its first line came.
func (h *host) slowly(ctx context.Context) (*http.Response, *bufio.Reader) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", h.url+scrubPath+"?rate=1", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := h.http.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	r := bufio.NewReader(resp.Body)
	line, err := r.ReadString('\n')
	if err != nil || resp.StatusCode != 200 || !strings.Contains(line, `"complete":false`) {
		h.t.Fatalf("%s, %q, %v", resp.Status, line, err)
	}
	return resp, r
}

// There is one at a time; it ends with its client, and the next one goes on.
func TestScrubEndsWithItsClient(t *testing.T) {
	h := start(t)
	h.placed(100)
	ctx, cancel := context.WithCancel(t.Context())
	_, lines := h.slowly(ctx)
	h.admin(scrubPath).refused(t, 503, "overloaded")
	for { // until something is behind it
		line, err := lines.ReadString('\n')
		var r scrub.Report
		if err != nil || json.Unmarshal([]byte(line), &r) != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if r.Events > 0 {
			break
		}
	}
	cancel()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if a := h.admin(scrubPath); a.StatusCode == 200 {
			rs := a.reports(t)
			if first, last := rs[0], rs[len(rs)-1]; len(rs) > 1 && first.Events == 0 || !last.Clean() || last.Events != 100 {
				t.Errorf("%+v", rs)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("the scrub goes on without its client")
		}
	}
}

// Shutdown ends it with a line that says so.
func TestScrubEndsWithTheHost(t *testing.T) {
	h := start(t)
	h.placed(100)
	_, lines := h.slowly(t.Context())
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}()
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(string(rest)), "\n")
	if last := all[len(all)-1]; !strings.Contains(last, `"shutting_down"`) {
		t.Errorf("the last line is %s", last)
	}
	d := describe(t)
	for _, line := range all {
		d.check(t, "scrub", d.model.Components.Schemas.GetOrZero("ScrubLine").Schema(), []byte(line))
	}
}

// The client reads to the complete report, and tells what was refused.
func TestScrubByClient(t *testing.T) {
	h := start(t)
	h.placed(10)
	ask := func(token string) (last scrub.Report, err error) {
		cl, err := client.New(client.Options{Server: h.url, Token: token, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = cl.Scrub(t.Context(), client.Scrub{Rate: 1000, ReadOnly: true, FillCaches: true}, func(line json.RawMessage) error {
			return json.Unmarshal(line, &last)
		})
		return last, err
	}
	if r, err := ask(adminToken); err != nil || !r.Clean() || !r.ReadOnly || r.Events != 10 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ask("another"); !errors.Is(err, &code.Error{Code: code.Unauthorized}) {
		t.Errorf("with another token: %v", err)
	}
}

// What is lost is listed page by page, for who bears the token, until it is stored again.
func TestLostIsListed(t *testing.T) {
	h := start(t)
	vs := h.placed(5)
	type list struct {
		Events []struct {
			Hash       string
			Sequence   uint64
			Type       string
			Author     string    `json:"author_pubkey"`
			CreatedAt  uint64    `json:"created_at"`
			AdmittedAt time.Time `json:"admitted_at"`
		}
		Total, Next uint64
	}
	page := func(query string) (l list) {
		t.Helper()
		h.get("/v1/admin/lost"+query, "Authorization", "Bearer "+adminToken).json(t, &l)
		return l
	}
	if l := page(""); l.Events == nil || len(l.Events) != 0 || l.Total != 0 || l.Next != 0 {
		t.Errorf("%+v", l)
	}
	for _, v := range vs[1:4] {
		for _, r := range h.memory {
			if err := r.Delete(t.Context(), replica.Ref{Hash: v.Hash()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.admin(scrubPath)
	l := page("")
	if len(l.Events) != 3 || l.Total != 3 || l.Next != 0 {
		t.Fatalf("%+v", l)
	}
	if e, m := l.Events[0], vs[1].Meta(); e.Hash != m.Hash.String() || e.Sequence != 2 || e.Type != m.Type || e.Author != m.Author || e.CreatedAt != m.CreatedAt || time.Since(e.AdmittedAt) > time.Hour {
		t.Errorf("%+v", e)
	}
	if l := page("?limit=2"); len(l.Events) != 2 || l.Total != 3 || l.Next != 3 {
		t.Errorf("%+v", l)
	}
	if l := page("?limit=2&after=3"); len(l.Events) != 1 || l.Events[0].Sequence != 4 || l.Next != 0 {
		t.Errorf("%+v", l)
	}
	var s struct {
		Standing string
		Replicas []struct{ State string }
	}
	h.get("/v1/events/"+vs[2].Hash().String()+"/status").json(t, &s)
	if s.Standing != "lost" || s.Replicas[0].State != "missing" || s.Replicas[1].State != "missing" {
		t.Errorf("%+v", s)
	}
	h.until("health to know", func() bool { return h.get("/v1/health").StatusCode == 503 })
	if a := h.get("/readyz"); a.StatusCode != 200 {
		t.Errorf("readyz: %s", a.body)
	}
	for _, v := range vs[1:4] {
		if a := h.ask("POST", "/v1/events", string(v.Record()), "Content-Type", jsonType); a.StatusCode != 200 {
			t.Errorf("%s", a.body)
		}
	}
	h.until("what is stored again to be off the list", func() bool { return page("").Total == 0 })
	h.get("/v1/events/"+vs[2].Hash().String()+"/status").json(t, &s)
	if s.Standing != "durable" || s.Replicas[0].State != "stored" {
		t.Errorf("%+v", s)
	}
	h.get("/v1/admin/lost").refused(t, 401, "unauthorized")
	for _, query := range []string{"?limit=0", "?limit=1001", "?after=-1"} {
		h.get("/v1/admin/lost"+query, "Authorization", "Bearer "+adminToken).refused(t, 400, "invalid_parameter")
	}
	h.ask("POST", "/v1/admin/lost", "", "Authorization", "Bearer "+adminToken).refused(t, 405, "method_not_allowed")
}
