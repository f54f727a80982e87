package receipt

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/note"
	"github.com/eventseal/eventseal/wasm/sig"
)

// fields checks the form of each member, in their order.
func (p *Parser) fields(r *Receipt, at *[fields]*canon.Member) code.Code {
	for f, m := range at {
		if m == nil {
			continue
		}
		value := r.Text[m.Value:m.End]
		ok := true
		switch f {
		case fieldAdmitted:
			r.AdmittedAt, ok = canon.Uint(value)
		case fieldDurable:
			r.Durable, ok = canon.Uint(value)
		case fieldVersion:
			ok = digest.Is(value, "1")
		case fieldHash:
			ok = hash(&r.Hash, value)
		case fieldLog:
			ok = p.logKey(r, value)
		case fieldRecord:
			ok = hash(&r.RecordDigest, value)
		case fieldReplicas:
			r.Replicas, ok = value, replicas(value, r.Durable)
		case fieldRequired:
			r.Required, ok = canon.Uint(value)
		case fieldSequence:
			r.Sequence, ok = canon.Uint(value)
			ok = ok && r.Sequence > 0
		case fieldSig:
			if c := signature(&r.Signature, value); c != code.OK {
				return p.refuse(c, f)
			}
		}
		if !ok {
			return p.refuse(code.InvalidReceipt, f)
		}
	}
	return code.OK
}

func hash(h *digest.Hash, value []byte) bool {
	text, ok := canon.Unquote(value)
	return ok && h.Parse(text)
}

// logKey reads the verifier key of a log.
func (p *Parser) logKey(r *Receipt, value []byte) bool {
	escaped, ok := canon.Unquote(value)
	if !ok || len(escaped) > maxKey { // a text is never longer than its escaped form
		return false
	}
	r.LogText = canon.AppendText(p.log[:0], escaped)
	return r.Log.Parse(r.LogText) && r.Log.Kind == note.Ed25519
}

// replicas checks an array of n names that ascend byte by byte, so that none
// is in it twice. None needs an escape.
func replicas(value []byte, n uint64) bool {
	if value[0] != '[' {
		return false
	}
	rest := value[1:]
	var last []byte
	for ; rest[0] != ']'; n-- {
		end := 1
		for end < len(rest) && rest[end] != '"' && rest[end] != '\\' {
			end++
		}
		if n == 0 || rest[0] != '"' || end < 2 || end-1 > maxName || end == len(rest) || rest[end] != '"' || !less(last, rest[1:end]) {
			return false
		}
		last, rest = rest[1:end], rest[end+1:]
		if rest[0] == ',' {
			rest = rest[1:]
		}
	}
	return n == 0
}

func less(a, b []byte) bool {
	for i, x := range b {
		if i == len(a) || a[i] != x {
			return i == len(a) || a[i] < x
		}
	}
	return false
}

func signature(s *sig.Signature, value []byte) (c code.Code) {
	text, ok := canon.Unquote(value)
	if !ok {
		return code.InvalidReceipt
	}
	if *s, c = sig.Parse(text); c == code.OK && s.Curve != key.K1 {
		return code.InvalidSignature
	}
	return c
}
