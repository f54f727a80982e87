package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// A description is openapi.json in the hands of a library that did not write it.
type description struct {
	model  *v3.Document
	whole  validator.Validator
	schema schema_validation.SchemaValidator
	mu     sync.Mutex
}

var openAPI = sync.OnceValues(func() (*description, error) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	if ok, errs := v.ValidateDocument(); !ok {
		return nil, fmt.Errorf("openapi.json is no OpenAPI document: %v", errs[0])
	}
	return &description{model: &model.Model, whole: v, schema: schema_validation.NewSchemaValidator()}, nil
})

func describe(t testing.TB) *description {
	t.Helper()
	d, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// operation finds what the document says of a request; nil for a path or a
// method that is not in it.
func (d *description) operation(method, path string) (string, *v3.Operation) {
	for template, item := range d.model.Paths.PathItems.FromOldest() {
		want, have := strings.Split(template, "/"), strings.Split(path, "/")
		if len(want) != len(have) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == have[i] || strings.HasPrefix(want[i], "{"))
		}
		if same {
			return template, item.GetOperations().Value(strings.ToLower(method))
		}
	}
	return "", nil
}

// described holds an answer of the real server against the document: its
// status, its headers, its type, its body, each of its lines, and, where the
// server took the request, the request too.
func described(t testing.TB, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	d := describe(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	template, op := d.operation(req.Method, req.URL.Path)
	if op == nil {
		if resp.StatusCode < 400 && req.Method != "OPTIONS" && strings.HasPrefix(req.URL.Path, "/v1/") {
			t.Errorf("%s %s is served and not described", req.Method, req.URL)
		}
		return
	}
	where := fmt.Sprintf("%s %s: %s", req.Method, req.URL, resp.Status)
	said := op.Responses.Codes.GetOrZero(fmt.Sprint(resp.StatusCode))
	if said == nil {
		t.Errorf("%s is not described", where)
		return
	}
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		if r, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(r)
		}
	case "zstd":
		if r, err := zstd.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(r)
			r.Close()
		}
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if said.Content != nil && said.Content.Len() > 0 {
		media := said.Content.GetOrZero(kind)
		switch {
		case media == nil:
			t.Errorf("%s: the type %q is not described", where, kind)
		case kind == ndjsonType:
			for line := range bytes.Lines(body) {
				d.check(t, where, media.Schema.Schema(), line)
			}
		case strings.HasSuffix(kind, "json"):
			d.check(t, where, media.Schema.Schema(), body)
		}
	} else if len(body) > 0 {
		t.Errorf("%s: a body of %d bytes is not described", where, len(body))
	}
	if kind == "application/problem+json" && req.Method != "HEAD" {
		var p struct{ Code string }
		_ = json.Unmarshal(body, &p) // check looked at it
		var codes []string
		if err := op.Extensions.GetOrZero("x-codes").Decode(&codes); err != nil {
			t.Errorf("%s: %v", template, err)
		}
		if !slices.Contains(codes, p.Code) && p.Code != "internal" {
			t.Errorf("%s: the code %s is not described", where, p.Code)
		}
	}
	for name := range said.Headers.FromOldest() {
		if name != "Retry-After" && resp.Header.Get(name) == "" {
			t.Errorf("%s: there is no %s", where, name)
		}
	}
	// The request that was served is one that the document allows.
	if resp.StatusCode < 300 && req.Method != "HEAD" {
		again := req.Clone(context.Background())
		if req.GetBody != nil {
			again.Body, _ = req.GetBody()
		}
		again.Header.Del("Accept")
		if req.Header.Get("Content-Type") == ndjsonType || req.Header.Get("Content-Encoding") != "" {
			return // a body that is no JSON document
		}
		if ok, errs := d.whole.ValidateHttpRequest(again); !ok {
			for _, e := range errs {
				t.Errorf("%s: the request is not as described: %s: %s", where, e.Message, e.Reason)
			}
		}
	}
}

func (d *description) check(t testing.TB, where string, schema *base.Schema, text []byte) {
	t.Helper()
	if ok, errs := d.schema.ValidateSchemaBytesWithVersion(schema, text, 3.1); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s: %s\n%.500s", where, e.Message, e.Reason, text)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  %s at %s", s.Reason, s.FieldPath)
			}
		}
	}
}

// The document names what the server serves, and nothing else; and every code.
func TestOpenAPIIsComplete(t *testing.T) {
	h := start(t)
	d := describe(t)
	a := h.get("/v1/openapi.json")
	file, err := os.ReadFile("openapi.json")
	if err != nil || !bytes.Equal(a.body, file) {
		t.Errorf("what is served is not the file: %v", err)
	}
	hash := h.put(1).Hash().String()
	for template, item := range d.model.Paths.PathItems.FromOldest() {
		path := strings.ReplaceAll(template, "{hash}", hash)
		a := h.ask("OPTIONS", path, "")
		served := strings.Split(a.Header.Get("Allow"), ", ")
		var want []string
		for method := range item.GetOperations().FromOldest() {
			want = append(want, strings.ToUpper(method))
		}
		want = append(want, "OPTIONS")
		slices.Sort(want)
		if !slices.Equal(served, want) {
			t.Errorf("%s: served are %q, described %q", template, served, want)
		}
		for method, op := range item.GetOperations().FromOldest() {
			var codes, lines []string
			if err := op.Extensions.GetOrZero("x-codes").Decode(&codes); err != nil {
				t.Fatal(err)
			}
			if x := op.Extensions.GetOrZero("x-line-codes"); x != nil {
				if err := x.Decode(&lines); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range slices.Concat(codes, lines) {
				if _, ok := code.Parse(name); !ok {
					t.Errorf("%s %s: there is no code %s", method, template, name)
				}
			}
			for _, name := range codes {
				c, _ := code.Parse(name)
				if op.Responses.Codes.GetOrZero(fmt.Sprint(c.Status())) == nil {
					t.Errorf("%s %s: %s has the status %d, which is not described", method, template, name, c.Status())
				}
			}
			// Each parameter of the query is known to the server.
			for _, p := range op.Parameters {
				if p.In != "query" {
					continue
				}
				a := h.ask(strings.ToUpper(method), path+"?"+p.Name+"=%20", "")
				if strings.Contains(string(a.body), `"unknown_parameter"`) {
					t.Errorf("%s %s does not know %s", method, template, p.Name)
				}
			}
		}
	}
	all := d.model.Components.Schemas.GetOrZero("Code").Schema().Enum
	if len(all) != len(code.All) {
		t.Errorf("%d codes are described, there are %d", len(all), len(code.All))
	}
	for i, c := range code.All {
		if all[i].Value != c.String() {
			t.Errorf("code %d is described as %s, and is %s", i, all[i].Value, c)
		}
	}
}

// One real exchange of each kind, beside those of all the other tests.
func TestOpenAPIHolds(t *testing.T) {
	h := start(t)
	d := describe(t)
	v := h.put(1)
	child := moduletest.Event(t, 2)
	h.ask("POST", "/v1/events?wait=all", string(child.Record()), "Content-Type", jsonType)
	path := "/v1/events/" + v.Hash().String()
	for _, p := range []string{
		path, path + "/status", path + "/ancestors?limit=5&include=hashes", "/v1/types", "/v1/module.wasm", "/v1/health", "/livez", "/readyz", "/metrics",
		"/v1/events?type=ADD_CLAIM&type=VOTE&author=" + v.Meta().Author + "&since=0&until=9007199254740991&limit=1&order=asc&include=hashes&count=true", "/v1/events?limit=1",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, encoding := range []string{"identity", "gzip", "zstd"} {
				if a := h.ask(method, p, "", "Accept-Encoding", encoding); a.StatusCode != 200 {
					t.Errorf("%s %s: %s", method, p, a.Status)
				}
			}
		}
	}
	// Messages of the stream are as described, too.
	m, err := h.listen("/v1/stream?from=0").next()
	if err != nil {
		t.Fatal(err)
	}
	d.check(t, "stream", d.model.Components.Schemas.GetOrZero("StreamEvent").Schema(), []byte(m.data))
	d.check(t, "stream", d.model.Components.Schemas.GetOrZero("StreamEnd").Schema(), []byte(`{"code":"overloaded","after":"7c31a88e00112233-1"}`))

	// The check can fail.
	if ok, _ := d.schema.ValidateSchemaStringWithVersion(d.model.Components.Schemas.GetOrZero("Receipt").Schema(), `{"hash":"x"}`, 3.1); ok {
		t.Error("anything is a receipt")
	}
	req, _ := http.NewRequest("GET", "http://h/v1/events?limit=0", nil)
	if ok, _ := d.whole.ValidateHttpRequest(req); ok {
		t.Error("any limit is described")
	}
}
