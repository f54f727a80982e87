package chain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody is http-max-body-size.
const maxBody = 2 << 20

// calls are the API's, each with its status when it went well
// (plugins/chain_api_plugin/chain_api_plugin.cpp). They need c.mu.
var calls = map[string]struct {
	status int
	call   func(n *Node, body []byte) (any, error)
}{
	"/v1/chain/get_info":          {200, (*Node).getInfo},
	"/v1/chain/get_block":         {200, (*Node).getBlock},
	"/v1/chain/get_block_info":    {200, (*Node).getBlockInfo},
	"/v1/chain/get_table_rows":    {200, (*Node).getTableRows},
	"/v1/chain/get_account":       {200, (*Node).getAccount},
	"/v1/chain/get_abi":           {200, (*Node).getABI},
	"/v1/chain/get_raw_abi":       {200, (*Node).getRawABI},
	"/v1/chain/get_code_hash":     {200, (*Node).getCodeHash},
	"/v1/chain/push_transaction":  {202, (*Node).push},
	"/v1/chain/send_transaction":  {202, (*Node).push},
	"/v1/chain/send_transaction2": {202, (*Node).send},
}

// ServeHTTP answers the API, and under /test/ the control that the package comment describes,
// which works whatever the node's outage is.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/test/") {
		n.c.control(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var f mishaps
	n.set(func() { f = n.mishaps })
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-r.Context().Done():
			return
		}
	}
	switch f.outage {
	case Refused:
		panic(http.ErrAbortHandler)
	case BadGateway, Unavailable:
		status := map[Outage]int{BadGateway: 502, Unavailable: 503}[f.outage]
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><center><h1>%[1]d %[2]s</h1></center></body></html>\r\n", status, http.StatusText(status))
		return
	case Silent:
		select {
		case <-r.Context().Done():
		case <-f.ended:
		}
		panic(http.ErrAbortHandler)
	}
	if len(body) > maxBody {
		panic(http.ErrAbortHandler)
	}
	if f.hook != nil && !f.hook(Request{Path: r.URL.Path, Body: body}) {
		panic(http.ErrAbortHandler)
	}
	status, answer := n.answer(r.URL.Path, body)
	if f.hook != nil && !f.hook(Request{Path: r.URL.Path, Body: body, After: true}) {
		panic(http.ErrAbortHandler)
	}
	if f.lie != nil && status < 300 {
		answer = f.lie(r.URL.Path, answer)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Server", "nodeos/"+version)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// answer does a call and returns its status and body.
func (n *Node) answer(path string, body []byte) (int, []byte) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	call, ok := calls[path]
	status := call.status
	var v any
	err := error(fault(codeGeneric, "Unknown Endpoint"))
	if ok {
		v, err = call.call(n, body)
	}
	if err != nil {
		refused, is := err.(*Error)
		if !is {
			refused = fault(codeHTTPRequest, "Unable to parse valid input from POST body")
		}
		var message string
		if status, message = refused.status(); !ok {
			status, message = http.StatusNotFound, "Not Found"
		}
		v = refused.body(status, message)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // all of it was made here
	}
	if n.strings && status < 300 {
		b = quoteNumbers(b)
	}
	return status, b
}

// status is the one of a refusal, and nodeos' word for it
// (plugins/http_plugin/http_plugin.cpp, handle_exception).
func (e *Error) status() (int, string) {
	switch e.Code {
	case codeUnknownBlock:
		return 400, "Unknown Block"
	case codeHTTPRequest:
		return 400, "Invalid Request"
	case codeAccountQuery:
		return 400, "Account lookup"
	case codeUnsatisfied:
		return 401, "UnAuthorized"
	case codeDuplicate:
		return 409, "Conflict"
	}
	return 500, "Internal Service Error"
}

func (e *Error) body(status int, message string) any {
	detail := object{{"message", e.Detail}, {"file", e.Name + ".cpp"}, {"line_number", 1}, {"method", "eventseal_test_chain"}}
	return object{{"code", status}, {"message", message},
		{"error", object{{"code", e.Code}, {"name", e.Name}, {"what", e.What}, {"details", []object{detail}}}}}
}

// params reads a request's parameters. Members that nobody knows are ignored, as there.
func params(body []byte, to any) error {
	if trimmed := strings.TrimSpace(string(body)); trimmed == "" || trimmed == "{}" {
		return fault(codeHTTPRequest, "A Request body is required")
	}
	return json.Unmarshal(body, to)
}

// quoteNumbers makes each number of a JSON text a string.
func quoteNumbers(b []byte) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err) // it was just made
	}
	b, err := json.Marshal(quote(v))
	if err != nil {
		panic(err)
	}
	return b
}

func quote(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = quote(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = quote(v[k])
		}
	}
	return v
}
