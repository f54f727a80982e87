package event_test

import (
	"strings"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/event"
	"github.com/eventseal/eventseal/wasm/key"
)

const author = "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"
const wif = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3"

func draft(body string) *event.Draft {
	return &event.Draft{Type: []byte("ADD_CLAIM"), Author: []byte(author), CreatedAt: 1758390021, Parents: []byte("[]"), Body: []byte(body)}
}

// Parts of a draft cannot smuggle members in, and faults in them are told by
// their place in the event.
func TestCreateRefuses(t *testing.T) {
	p, e := &event.Parser{}, &event.Event{}
	for body, want := range map[string]string{
		`{},"proofs":{}`:             "invalid_json at /body",
		`{"a":[1,{"b":1,"b":2}]}`:    "duplicate_key at /body/a/1/b",
		`{"n":9007199254740993}`:     "number_not_interoperable at /body/n",
		`[]`:                         "invalid_field at /body",
		``:                           "invalid_json at /body",
		strings.Repeat("[", 64):      "depth_exceeded at /body" + strings.Repeat("/0", 63),
		strings.Repeat(" ", 256<<10): "too_large",
		`{"x":"` + "\xff" + `"}`:     "invalid_utf8 at /body",
	} {
		c := p.Create(draft(body), e)
		got := c.String()
		if len(p.Pointer()) > 0 {
			got += " at " + string(p.Pointer())
		}
		if got != want {
			t.Errorf("%.40q: %s, want %s", body, got, want)
		}
	}
	d := draft("{}")
	d.Type = []byte(`X","v":2,"type":"ADD_CLAIM`)
	if c := p.Create(d, e); c != code.UnknownType {
		t.Errorf("a type with quotes: %v", c)
	}
	d = draft("{}")
	d.CreatedAt = 1 << 53
	if c := p.Create(d, e); c != code.InvalidField {
		t.Errorf("a late event: %v", c)
	}
}

func TestSignTwiceIsRefused(t *testing.T) {
	p, e := &event.Parser{}, &event.Event{}
	if c := p.Create(draft(`{"b":1,"a":[2]}`), e); c != code.OK {
		t.Fatal(c, string(p.Pointer()))
	}
	var priv key.Private
	if c := key.ParsePrivate(&priv, []byte(wif)); c != code.OK {
		t.Fatal(c)
	}
	unsigned := append([]byte{}, e.Record...)
	if c := p.Sign(unsigned, &priv, e); c != code.OK {
		t.Fatal(c)
	}
	record := append([]byte{}, e.Record...)
	if got := string(e.AppendPreimage(nil)); got != string(unsigned) {
		t.Errorf("preimage %s, want %s", got, unsigned)
	}
	if c := p.Sign(record, &priv, e); c != code.InvalidField || string(p.Pointer()) != "/sig" {
		t.Errorf("signing twice: %v at %s", c, p.Pointer())
	}
	if c := p.Verify(record, e); c != code.OK {
		t.Errorf("verify: %v at %s", c, p.Pointer())
	}
	p.MaxBytes = len(record) - 1
	if c := p.Sign(unsigned, &priv, e); c != code.TooLarge {
		t.Errorf("a signature beyond the limit: %v", c)
	}
}

func TestRegister(t *testing.T) {
	p := &event.Parser{}
	for name, want := range map[string]code.Code{"": code.InvalidArgument, "VOTE": code.InvalidArgument, "a\"b": code.InvalidArgument, "a\\": code.InvalidArgument,
		"\xff": code.InvalidArgument, "a\nb": code.InvalidArgument, strings.Repeat("x", 65): code.InvalidArgument, "ACME_é": code.OK} {
		if c := p.Register([]byte(name), 900); c != want {
			t.Errorf("%q: %v, want %v", name, c, want)
		}
	}
	if c := p.Register([]byte("OTHER"), 900); c != code.InvalidArgument {
		t.Errorf("a code twice: %v", c)
	}
	n := 0
	p.Types(func([]byte, uint32) bool { n++; return true })
	if n != len(event.Builtin)+1 {
		t.Errorf("%d types", n)
	}
}

func signed(t testing.TB) []byte {
	p, e := &event.Parser{}, &event.Event{}
	var priv key.Private
	key.ParsePrivate(&priv, []byte(wif))
	if c := p.Create(draft(`{"text":"`+strings.Repeat("some words ", 60)+`","n":[1,2.5,1e-7,0.1],"a":{"y":true}}`), e); c != code.OK {
		t.Fatal(c)
	}
	if c := p.Sign(append([]byte{}, e.Record...), &priv, e); c != code.OK {
		t.Fatal(c)
	}
	return append([]byte{}, e.Record...)
}

func TestVerifyAllocatesNothing(t *testing.T) {
	p, e, text := &event.Parser{}, &event.Event{}, signed(t)
	if n := testing.AllocsPerRun(50, func() { p.Verify(text, e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRead(b *testing.B) {
	p, e, text := &event.Parser{}, &event.Event{}, signed(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		p.Read(text, e)
	}
}

func BenchmarkVerify(b *testing.B) {
	p, e, text := &event.Parser{}, &event.Event{}, signed(b)
	for b.Loop() {
		p.Verify(text, e)
	}
}
