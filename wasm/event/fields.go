package event

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// fields checks the form of each member, in their order.
func (p *Parser) fields(e *Event, at *[fields]*canon.Member) code.Code {
	for f, m := range at {
		if m == nil {
			continue
		}
		value := e.Record[m.Value:m.End]
		ok := true
		switch f {
		case fieldV:
			ok = digest.Is(value, "1")
		case fieldType: // escapes stay, so that no text with one equals the name of a type
			e.Type, ok = canon.Unquote(value)
		case fieldAuthor:
			e.Author, ok = canon.Unquote(value)
		case fieldCreatedAt:
			e.CreatedAt, ok = canon.Uint(value)
		case fieldParents:
			if c := p.parents(e, value); c != code.OK {
				return c
			}
		case fieldBody, fieldProofs:
			ok = value[0] == '{'
		case fieldSig:
			e.signed, ok = canon.Unquote(value)
		}
		if !ok {
			return p.refuseField(code.InvalidField, f)
		}
	}
	return code.OK
}

// parents reads an array of distinct hashes. In canonical form each takes 66
// bytes with its quotes, and one for what separates it from the next.
func (p *Parser) parents(e *Event, value []byte) code.Code {
	e.NumParents = 0
	if value[0] != '[' {
		return p.refuseField(code.InvalidField, fieldParents)
	}
	const item = 2*digest.Size + 2
	for at := 1; at < len(value)-1; at += item + 1 {
		n := e.NumParents
		if n == MaxParents {
			return p.refuseField(code.InvalidField, fieldParents)
		}
		ok := len(value)-at > item && value[at] == '"' && value[at+item-1] == '"' && (value[at+item] == ',' || value[at+item] == ']')
		if ok {
			ok = e.Parents[n].Parse(value[at+1 : at+item-1])
		}
		for i := 0; ok && i < n; i++ {
			ok = e.Parents[i] != e.Parents[n]
		}
		if !ok {
			p.refuseField(code.InvalidField, fieldParents)
			if n+elements(value[at:]) <= MaxParents {
				p.pointer = canon.AppendIndex(append(p.pointer, '/'), uint32(n))
			}
			return code.InvalidField
		}
		e.NumParents++
	}
	return code.OK
}

// elements counts what is left of an array in canonical form, from the start
// of an element.
func elements(rest []byte) int {
	n, depth, quoted := 1, 0, false
	for i := 0; i < len(rest); i++ {
		b := rest[i]
		switch {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '[' || b == '{':
			depth++
		case b == ']' || b == '}':
			depth--
		case b == ',' && depth == 0:
			n++
		}
	}
	return n
}
