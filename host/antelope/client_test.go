package antelope

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Answers in nodeos' form.
const (
	chainA      = "aca376f206b8fc25a6ed44dbdc66547c36c6c33e3a119ffbeaef943642f0e906"
	infoJSON    = `{"server_version":"d133c641","chain_id":"` + chainA + `","head_block_num":7,"last_irreversible_block_num":"5","last_irreversible_block_id":"00000005aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","head_block_id":"00000007AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","head_block_time":"2026-11-28T05:00:00.500","head_block_producer":"eosio","virtual_block_cpu_limit":200000}`
	blockJSON   = `{"timestamp":"2026-11-28T05:00:00.500Z","producer":"eosio","previous":"00000006aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","transactions":[{"status":"executed","cpu_usage_us":200,"net_usage_words":22,"trx":{"id":"762061abd5cb47f11ecc6934803a9940966f63f083e9adf4a1691446981563c6","signatures":["SIG_K1_a"],"compression":"none","packed_trx":"d05f"}},{"status":"hard_fail","trx":"762061abd5cb47f11ecc6934803a9940966f63f083e9adf4a1691446981563c6"},{"status":"executed","trx":{"id":"762061abd5cb47f11ecc6934803a9940966f63f083e9adf4a1691446981563c6","signatures":[],"compression":"zlib","packed_trx":"789cbb100f0002010130"}}],"id":"00000007aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","block_num":7}`
	rowsJSON    = `{"rows":[{"seq":1,"size":"18446744073709551615"}],"more":true,"next_key":"2"}`
	refusalJSON = `{"code":500,"message":"Internal Service Error","error":{"code":3050003,"name":"eosio_assert_message_exception","what":"eosio_assert_message assertion failure","details":[{"message":"assertion failure with message: size must grow","file":"cf_system.cpp","line_number":14,"method":"eosio_assert"}]}}`
	failedJSON  = `{"transaction_id":"76","processed":{"receipt":null,"except":{"code":3080001,"name":"ram_usage_exceeded","message":"account has insufficient ram","stack":[]}}}`
	absentJSON  = `{"code":500,"message":"Internal Service Error","error":{"code":3100002,"name":"unknown_block_exception","what":"Unknown block","details":[]}}`
)

// A script is a node that answers as it is told, by call.
type script struct {
	*httptest.Server
	asked   []string
	bodies  map[string]string // last, by call
	answers map[string]func(w http.ResponseWriter)
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func node(t *testing.T) *script {
	s := &script{bodies: map[string]string{}, answers: map[string]func(http.ResponseWriter){
		"get_info": says(200, infoJSON), "get_block": says(200, blockJSON), "get_block_info": says(200, blockJSON),
		"get_table_rows": says(200, rowsJSON), "send_transaction2": says(202, `{"transaction_id":"76","processed":{"except":null}}`),
	}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := strings.TrimPrefix(r.URL.Path, "/v1/chain/")
		s.asked = append(s.asked, call)
		b, _ := io.ReadAll(r.Body)
		s.bodies[call] = string(b)
		s.answers[call](w)
	}))
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, nodes ...*script) *Client {
	t.Helper()
	o := Options{Timeout: 5 * time.Second}
	for _, n := range nodes {
		o.Endpoints = append(o.Endpoints, n.URL)
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *script) infoAt(head time.Time, lib int) {
	text := strings.Replace(infoJSON, "2026-11-28T05:00:00.500", head.UTC().Format("2006-01-02T15:04:05.000"), 1)
	text = strings.Replace(text, `"5"`, fmt.Sprint(lib), 1)
	text = strings.Replace(text, `"00000005`, fmt.Sprintf(`"%08x`, lib), 1)
	text = strings.Replace(text, `"head_block_num":7`, fmt.Sprintf(`"head_block_num":%d`, lib+2), 1)
	text = strings.Replace(text, `"00000007`, fmt.Sprintf(`"%08x`, lib+2), 1)
	s.answers["get_info"] = says(200, text)
}

// look asks for the info and returns which node answered.
func look(c *Client) (host string, err error) {
	err = c.Use(context.Background(), func(ctx context.Context, n *Node) error {
		_, err := n.Info(ctx)
		host = n.at.host
		return err
	})
	return host, err
}

func (s *script) host() string { return strings.TrimPrefix(s.URL, "http://") }

func TestCalls(t *testing.T) {
	s := node(t)
	eventseal, _ := ParseName("eventseal")
	heads, _ := ParseName("heads")
	err := client(t, s).Use(t.Context(), func(ctx context.Context, n *Node) error {
		info, err := n.Info(ctx)
		if err != nil || info.HeadNum != 7 || info.LIBNum != 5 || info.ChainID.String() != chainA || !info.HeadTime.Equal(time.Date(2026, 11, 28, 5, 0, 0, 5e8, time.UTC)) {
			t.Errorf("%+v, %v", info, err)
		}
		one := uint64(1)
		rows, more, err := n.Rows(ctx, RowsQuery{Code: eventseal, Scope: eventseal, Table: heads, Lower: &one, Limit: 2, Reverse: true})
		var row struct{ Seq, Size Uint }
		if err != nil || !more || len(rows) != 1 || json.Unmarshal(rows[0], &row) != nil || row.Size != 1<<64-1 {
			t.Errorf("%s, %v, %v", rows, more, err)
		}
		b, err := n.Block(ctx, 7)
		if err != nil || len(b.Transactions) != 3 || string(b.Transactions[0].Packed) != "\xd0\x5f" || b.Transactions[1].Packed != nil || b.Transactions[1].Status != "hard_fail" {
			t.Errorf("%+v, %v", b, err)
		}
		if got := b.Transactions[2].Packed; string(got) != "\xd0\x5f" {
			t.Errorf("a compressed one is %x", got)
		}
		i, err := n.BlockInfo(ctx, 7)
		if err != nil || i != b.BlockInfo || i.Previous.String()[:8] != "00000006" {
			t.Errorf("%+v, %v", i, err)
		}
		return n.Send(ctx, []byte{1, 2}, []string{"SIG_K1_x"})
	})
	if err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]string{
		"get_table_rows":    `{"code":"eventseal","json":true,"limit":2,"lower_bound":"1","reverse":true,"scope":"eventseal","show_payer":false,"table":"heads"}`,
		"get_block_info":    `{"block_num":7}`,
		"get_block":         `{"block_num_or_id":"7"}`,
		"send_transaction2": `{"retry_trx":false,"return_failure_trace":false,"transaction":{"compression":"none","packed_context_free_data":"","packed_trx":"0102","signatures":["SIG_K1_x"]}}`,
	} {
		if got := s.bodies[call]; got != want {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		body    string
		code    int
		refused bool
	}{
		{"an assertion", 500, refusalJSON, CodeAssert, true},
		{"a duplicate", 409, strings.Replace(refusalJSON, "3050003", "3040008", 1), CodeDuplicate, true},
		{"a failure told as success", 202, failedJSON, 3080001, true},
		{"a node that is busy", 500, strings.Replace(refusalJSON, "3050003", "3080006", 1), CodeDeadline, false},
		{"a node whose block is full", 500, strings.Replace(refusalJSON, "3050003", "3080005", 1), 3080005, false},
		{"a node without room", 500, strings.Replace(refusalJSON, "3050003", "3060101", 1), 3060101, false},
		{"a node that passes nothing on", 500, strings.Replace(refusalJSON, "3050003", "3110006", 1), 3110006, false},
		{"a node that gave up", 500, strings.Replace(refusalJSON, "3050003", "2", 1), 2, false},
		{"no authority", 500, strings.Replace(refusalJSON, "3050003", "3090003", 1), 3090003, true},
		{"a proxy's page", 502, "<html>", 0, false},
		{"no such call", 404, `{"code":404,"message":"Not Found","error":{"code":0}}`, 0, false},
		{"too many calls", 429, `{"message":"slow down"}`, 0, false},
		{"no JSON", 202, "ok", 0, false},
	} {
		s := node(t)
		s.answers["send_transaction2"] = says(c.status, c.body)
		var sent error
		err := client(t, s).Use(t.Context(), func(ctx context.Context, n *Node) error {
			sent = n.Send(ctx, nil, nil)
			return sent
		})
		var e *Error
		var f *fault
		is := errors.As(err, &e)
		if err == nil || errors.As(sent, &f) == c.refused || c.code != 0 && (!is || e.Code != c.code) || c.refused != Refused(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	s := node(t)
	s.answers["get_block"] = says(500, absentJSON)
	_ = client(t, s).Use(t.Context(), func(ctx context.Context, n *Node) error {
		if _, err := n.Block(ctx, 7); !Unserved(err) {
			t.Error(err)
		}
		s.answers["get_block"] = says(404, `{}`)
		if _, err := n.Block(ctx, 7); !Unserved(err) {
			t.Error(err)
		}
		return nil
	})
	if (&Error{Code: 5, What: "what"}).Error() != "what (5)" {
		t.Error("an error does not say what")
	}
}

func TestAnotherNodeIsAsked(t *testing.T) {
	for name, break_ := range map[string]func(s *script){
		"it does not answer":        func(s *script) { s.Close() },
		"a proxy answers":           func(s *script) { s.answers["get_info"] = says(503, "<html>") },
		"it refuses the call":       func(s *script) { s.answers["get_info"] = says(500, refusalJSON) },
		"it is no node":             func(s *script) { s.answers["get_info"] = says(200, `{"hello":"world"}`) },
		"it moved":                  func(s *script) { s.answers["get_info"] = says(301, "") },
		"its answer is cut":         func(s *script) { s.answers["get_info"] = says(200, infoJSON[:100]) },
		"its answer has no end":     func(s *script) { s.answers["get_info"] = says(200, strings.Repeat(" ", maxAnswer+1)) },
		"its numbers are negative":  func(s *script) { s.answers["get_info"] = says(200, strings.Replace(infoJSON, ":7", ":-7", 1)) },
		"it is final beyond itself": func(s *script) { s.answers["get_info"] = says(200, strings.Replace(infoJSON, ":7", ":4", 1)) },
		"its ids are other blocks'": func(s *script) {
			s.answers["get_info"] = says(200, strings.Replace(infoJSON, "00000005", "00000006", 1))
		},
		"it is nested deeply": func(s *script) {
			s.answers["get_info"] = says(200, strings.Repeat("[", 100_000))
		},
	} {
		a, b := node(t), node(t)
		c := client(t, a, b)
		break_(a)
		if host, err := look(c); err != nil || host != b.host() {
			t.Errorf("%s: %s, %v", name, host, err)
		}
		before := len(a.asked)
		if host, err := look(c); err != nil || host != b.host() || len(a.asked) != before {
			t.Errorf("%s: it is asked again at once: %s, %v", name, host, err)
		}
	}
}

func TestNodesThatAreBehind(t *testing.T) {
	a, b := node(t), node(t)
	now := time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC)
	a.infoAt(now, 1000)
	b.infoAt(now.Add(31*time.Second), 1000)
	c := client(t, b, a)
	if _, err := look(c); err != nil {
		t.Fatal(err)
	}
	c.good = 1 // as if a had done well before
	if host, err := look(c); err != nil || host != b.host() {
		t.Errorf("one that is behind is used: %s, %v", host, err)
	}
	b.answers["get_info"] = says(503, "")
	if host, err := look(c); err != nil || host != a.host() {
		t.Errorf("one that is behind is not used, and there is no other: %s, %v", host, err)
	}
	a.infoAt(now.Add(time.Minute), 399)
	b.infoAt(now.Add(time.Minute), 1000)
	c.nodes[0].rest, c.nodes[1].rest, c.good = time.Time{}, time.Time{}, 1
	if host, err := look(c); err != nil || host != b.host() {
		t.Errorf("one whose irreversible block is behind is used: %s, %v", host, err)
	}
}

func TestAnotherChain(t *testing.T) {
	a, b := node(t), node(t)
	a.answers["get_info"] = says(200, strings.Replace(infoJSON, chainA[:4], "0000", 1))
	chain, _ := digest.ParseHash(chainA)
	c, err := NewClient(Options{Endpoints: []string{a.URL, b.URL}, Chain: chain})
	if err != nil {
		t.Fatal(err)
	}
	if host, err := look(c); err != nil || host != b.host() {
		t.Errorf("%s, %v", host, err)
	}
	b.answers["get_info"] = a.answers["get_info"]
	if _, err := look(c); !errors.Is(err, ErrChain) || !strings.Contains(err.Error(), chainA) {
		t.Error(err)
	}
	// Without a wish the first answer is one.
	b.answers["get_info"] = says(200, infoJSON)
	c = client(t, a, b)
	if _, err := look(c); err != nil || c.chain.String()[:4] != "0000" {
		t.Error(c.chain, err)
	}
	a.Close()
	if _, err := look(c); !errors.Is(err, ErrChain) {
		t.Error(err)
	}
}

func TestWhatTheCallerFindsIsNoFault(t *testing.T) {
	a, b := node(t), node(t)
	own := errors.New("mine")
	times := 0
	err := client(t, a, b).Use(t.Context(), func(context.Context, *Node) error { times++; return own })
	if err != own || times != 1 {
		t.Errorf("%v, %d times", err, times)
	}
	ctx, cancel := context.WithCancel(t.Context())
	times = 0
	err = client(t, a, b).Use(ctx, func(ctx context.Context, n *Node) error {
		times++
		cancel()
		_, err := n.Info(ctx)
		return err
	})
	if !errors.Is(err, context.Canceled) || times != 1 {
		t.Errorf("%v, %d times", err, times)
	}
}

// A node that takes all the time that a caller has is not the one that did well;
// of one that was not waited for nothing is known.
func TestCallersWithoutTime(t *testing.T) {
	a, b := node(t), node(t)
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		ctx  context.Context
		next *script
	}{{gone, a}, {over, b}} {
		nodes := client(t, a, b)
		err := nodes.Use(c.ctx, func(ctx context.Context, n *Node) error {
			_, err := n.Info(ctx)
			return err
		})
		if !errors.Is(err, c.ctx.Err()) {
			t.Error(err)
		}
		if host, err := look(nodes); err != nil || host != c.next.host() {
			t.Errorf("after %v %s is asked, %v", c.ctx.Err(), host, err)
		}
	}
}

// What a node has told counts until it tells something else.
func TestANodeThatWasAhead(t *testing.T) {
	a, b := node(t), node(t)
	now := time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC)
	a.infoAt(now.AddDate(1000, 0, 0), 1<<30)
	b.infoAt(now, 1000)
	c := client(t, a, b)
	if host, err := look(c); err != nil || host != a.host() {
		t.Fatal(host, err)
	}
	a.infoAt(now, 1000)
	for range 2 { // the first shows that it is ahead no longer
		if _, err := look(c); err != nil {
			t.Fatal(err)
		}
	}
	a.asked, b.asked = nil, nil
	if _, err := look(c); err != nil || len(a.asked)+len(b.asked) != 1 {
		t.Errorf("the nodes are asked %d and %d times, %v", len(a.asked), len(b.asked), err)
	}
}

// What only the caller can see can be made the node's fault, and then the next one is asked.
func TestBlame(t *testing.T) {
	c := client(t, node(t), node(t))
	var asked []*Node
	still := errors.New("it stands still")
	for range 2 {
		err := c.Use(t.Context(), func(_ context.Context, n *Node) error {
			if asked = append(asked, n); len(asked) == 1 {
				return n.Blame(still)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 3 || asked[0].at == asked[1].at || asked[1].at != asked[2].at {
		t.Errorf("%v", asked)
	}
	err := c.Use(t.Context(), func(_ context.Context, n *Node) error { return n.Blame(still) })
	if !errors.Is(err, still) {
		t.Error(err)
	}
}

func TestLyingRows(t *testing.T) {
	s := node(t)
	for _, body := range []string{`{"rows":["0011"],"more":false}`, `{"rows":[{},{},{}]}`, `{"more":false}`, `{"rows":7}`, `[`} {
		s.answers["get_table_rows"] = says(200, body)
		err := client(t, s).Use(t.Context(), func(ctx context.Context, n *Node) error {
			_, _, err := n.Rows(ctx, RowsQuery{Limit: 2})
			return err
		})
		var f *fault
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, num := range []uint32{6, 8} {
		err := client(t, s).Use(t.Context(), func(ctx context.Context, n *Node) error {
			_, err := n.BlockInfo(ctx, num)
			return err
		})
		if err == nil {
			t.Errorf("block 7 is taken as %d", num)
		}
	}
}

// However well a block is compressed, or cut into pieces, it is not more than a
// block when it is read.
func TestBlocksAreBounded(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(make([]byte, MaxTransaction))
	_ = w.Close()
	large := fmt.Sprintf(`{"status":"executed","trx":{"id":"%s","compression":"zlib","packed_trx":"%x"}}`, chainA, z.Bytes())
	small := `{"trx":"` + chainA + `"}`
	for _, c := range []struct {
		one  string
		n    int
		fits bool
	}{
		{large, maxBlock / MaxTransaction, true}, {large, maxBlock/MaxTransaction + 1, false},
		{small, maxTransactions, true}, {small, maxTransactions + 1, false},
	} {
		all := "[" + strings.Repeat(c.one+",", c.n-1) + c.one + "]"
		body := strings.Replace(blockJSON, `"transactions":[`, `"transactions":`+all+`,"other":[`, 1)
		b, err := parseBlock([]byte(body), 7)
		if c.fits != (err == nil) || c.fits && len(b.Transactions) != c.n {
			t.Errorf("%d of %d bytes: %d, %v", c.n, len(c.one), len(b.Transactions), err)
		}
	}
	for _, odd := range []string{"{}", "7", `[7]`, `[{}]`, `[{"trx":{"packed_trx":"0"}}]`, `[{"trx":{"compression":"zlib","packed_trx":"00"}}]`, `[{"trx":{"compression":"rar"}}]`} {
		body := strings.Replace(blockJSON, `"transactions":[`, `"transactions":`+odd+`,"other":[`, 1)
		if b, err := parseBlock([]byte(body), 7); err == nil {
			t.Errorf("%s is read as %+v", odd, b)
		}
	}
}

// Addresses may hold secrets.
func TestErrorsNameHostsAlone(t *testing.T) {
	c, err := NewClient(Options{Endpoints: []string{"http://user:geheim@127.0.0.1:1/geheim?key=geheim"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = look(c); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
	for _, bad := range []string{"", "geheim", "ftp://geheim/", "http://", "http://a/#geheim", "http://%zz"} {
		if _, err := NewClient(Options{Endpoints: []string{bad}}); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := NewClient(Options{}); err == nil {
		t.Error("a client without endpoints")
	}
}
