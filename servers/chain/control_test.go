package chain

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Another process does with a chain what its own could.
func TestControl(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	control := func(status int, path, body string) (s State) {
		t.Helper()
		method := "POST"
		if body == "" {
			method = "GET"
		}
		w := httptest.NewRecorder()
		n.ServeHTTP(w, httptest.NewRequest(method, "/test/"+path, strings.NewReader(body)))
		if w.Code != status {
			t.Fatalf("%s %s: %d %s", path, body, w.Code, w.Body)
		}
		if status == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	control(200, "produce", `{"blocks":6}`)
	s := control(200, "act", fmt.Sprintf(`{"action":"post","data":"%x"}`, postData(1, 10)))
	if len(s.Transactions) != 1 || s.Transactions[0].Block != 0 {
		t.Errorf("%+v", s.Transactions)
	}
	s = control(200, "produce", `{}`)
	if s.Head.Num != 8 || s.LIB.Num != 5 || len(s.Rows["heads"]) != 1 || s.Transactions[0].Block != 8 || s.ChainID != c.ID() || s.Use.RAM != c.Account().RAM {
		t.Errorf("%+v", s)
	}
	if s = control(200, "fork", `{"depth":1}`); s.Head.Num != 9 || len(s.Rows["heads"]) != 0 || len(s.Transactions) != 0 {
		t.Errorf("%+v", s)
	}
	control(200, "lib", `{"hold":true}`)
	if s = control(200, "produce", `{"blocks":5}`); s.LIB.Num != 6 {
		t.Errorf("%+v", s.LIB)
	}
	if s = control(200, "lib", `{"hold":false,"lag":1}`); s.LIB.Num != 13 {
		t.Errorf("%+v", s.LIB)
	}
	control(200, "advance", `{"seconds":60}`)
	if next := control(200, "produce", `{}`); next.Head.Time.Sub(s.Head.Time).Seconds() != 60.5 {
		t.Errorf("%v after %v", next.Head.Time, s.Head.Time)
	}
	if s = control(200, "limits", `{"ram_bytes":1000}`); s.Use.Limits.RAM != 1000 || s.Use.Limits.NET != 1<<30 {
		t.Errorf("%+v", s.Use.Limits)
	}
	control(400, "act", fmt.Sprintf(`{"action":"post","data":"%x"}`, postData(1, 10)))
	control(200, "node", `{"node":0,"outage":"503","view":"frozen","forget":1,"delay_ms":0}`)
	w := httptest.NewRecorder()
	n.ServeHTTP(w, httptest.NewRequest("GET", "/v1/chain/get_info", nil))
	if w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
	control(200, "node", `{"outage":"up","view":"follow","forget":0}`)
	control(200, "state", "")
	for path, body := range map[string]string{
		"none": `{}`, "state": `{}`, "produce": `{"blocks":-1}`, "advance": `{}`, "fork": `{"depth":50}`, "node": `{"view":"none"}`,
		"lib": `{"lags":1}`, "act": `{"action":"post","data":"0"}`, "limits": `{`,
	} {
		control(400, path, body)
	}
}
