package event

import (
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Type is a registered event type: its name in events and its code on chain.
type Type struct {
	Name string
	Code uint32
}

// Builtin is the table of the types that every Eventseal knows.
var Builtin = [...]Type{
	{"CREATE_RELEASE_BUNDLE", 21},
	{"CREATE_GROUP", 22},
	{"ADD_MEMBER", 23},
	{"REMOVE_MEMBER", 24},
	{"ADD_CLAIM", 30},
	{"EDIT_CLAIM", 31},
	{"DELETE_CLAIM", 32},
	{"VOTE", 40},
	{"LIKE", 41},
	{"DISCUSS", 42},
	{"FINALIZE", 50},
	{"DISTRIBUTE_REWARDS", 51},
	{"MERGE_NODE", 60},
	{"SPLIT_NODE", 61},
}

// Limits of registration.
const (
	MaxTypes    = 256 // that a host registers beside the built-in ones
	MaxTypeName = 64  // bytes
)

// A registered type, with its name inside so that a Parser needs no heap.
type registered struct {
	name [MaxTypeName]byte
	n    int
	code uint32
}

// Register makes a further type known to p. A name that is empty, longer than
// MaxTypeName bytes, not UTF-8, or holds a control character, a quote or a
// backslash, a name or code that is taken, and more than MaxTypes of them, are
// InvalidArgument.
func (p *Parser) Register(name []byte, typeCode uint32) code.Code {
	if len(name) == 0 || len(name) > MaxTypeName || p.registered == MaxTypes || !utf8.Valid(name) {
		return code.InvalidArgument
	}
	for _, b := range name {
		if b < ' ' || b == '"' || b == '\\' {
			return code.InvalidArgument
		}
	}
	if _, known := p.typeCode(name); known || p.codeTaken(typeCode) {
		return code.InvalidArgument
	}
	r := &p.types[p.registered]
	r.n = copy(r.name[:], name)
	r.code = typeCode
	p.registered++
	return code.OK
}

// Forget makes p know the built-in types alone.
func (p *Parser) Forget() { p.registered = 0 }

// Types calls yield with each type that p knows, the built-in ones first.
func (p *Parser) Types(yield func(name []byte, typeCode uint32) bool) {
	for i := range Builtin {
		if !yield([]byte(Builtin[i].Name), Builtin[i].Code) {
			return
		}
	}
	for i := range p.types[:p.registered] {
		if r := &p.types[i]; !yield(r.name[:r.n], r.code) {
			return
		}
	}
}

func (p *Parser) typeCode(name []byte) (uint32, bool) {
	for i := range Builtin {
		if digest.Is(name, Builtin[i].Name) {
			return Builtin[i].Code, true
		}
	}
	if len(name) > MaxTypeName {
		return 0, false
	}
	for i := range p.types[:p.registered] {
		if r := &p.types[i]; digest.Equal(r.name[:r.n], name) {
			return r.code, true
		}
	}
	return 0, false
}

func (p *Parser) codeTaken(c uint32) bool {
	for i := range Builtin {
		if Builtin[i].Code == c {
			return true
		}
	}
	for i := range p.types[:p.registered] {
		if p.types[i].code == c {
			return true
		}
	}
	return false
}
