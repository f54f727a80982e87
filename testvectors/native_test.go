package testvectors

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/event"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/merkle"
	"github.com/eventseal/eventseal/wasm/sig"
)

// The module's packages, compiled for this machine.
func TestNative(t *testing.T) { conform(t, native, true) }

func TestES6Native(t *testing.T) { holdES6(t, native, 1000000) }

func native(op string, in *In) (*Out, error) {
	if out, err := nativeKeys(op, in); err != errNoSuchOp {
		return out, err
	}
	if out, err := nativeProofs(op, in); err != errNoSuchOp {
		return out, err
	}
	return nativeEvents(op, in)
}

// parser serves one test at a time, as in the module.
var (
	parser = &event.Parser{}
	found  event.Event
)

func nativeEvents(op string, in *In) (*Out, error) {
	p, e := parser, &found
	p.MaxBytes = in.MaxBytes
	p.Forget()
	for _, t := range in.Types {
		if c := p.Register([]byte(t.Name), t.Code); c != code.OK {
			return nil, refused(c)
		}
	}
	answer := func(c code.Code, out func() *Out) (*Out, error) {
		if c != code.OK {
			return nil, &code.Error{Code: c, Pointer: string(p.Pointer())}
		}
		return out(), nil
	}
	switch op {
	case "canonicalize":
		text, c := p.Canonicalize(in.Text)
		return answer(c, func() *Out { return &Out{Text: bytes.Clone(text)} })
	case "verify":
		return answer(p.Verify(in.Text, e), func() *Out {
			out := &Out{Hash: e.Hash.String(), Record: bytes.Clone(e.Record), RecordDigest: e.RecordDigest.String(), Type: string(e.Type), TypeCode: e.TypeCode, Author: string(e.Author), CreatedAt: e.CreatedAt}
			out.AuthorKey = hex.EncodeToString(append([]byte{byte(e.Key.Curve)}, e.Key.Point[:]...))
			for _, h := range e.Parents[:e.NumParents] {
				out.Parents = append(out.Parents, h.String())
			}
			return out
		})
	case "verify_batch":
		return nativeBatch(in)
	case "match":
		out, err := answer(p.Verify(in.Text, e), func() *Out { return &Out{} })
		if err == nil && e.Hash != digest.Hash(in.Hash) {
			return nil, refused(code.HashMismatch)
		}
		return out, err
	case "hash":
		return answer(p.Name(in.Text, e), func() *Out { return &Out{Hash: e.Hash.String(), Preimage: e.AppendPreimage(nil)} })
	case "create":
		parents, err := json.Marshal(in.Parents)
		if in.Parents == nil {
			parents = []byte("[]")
		}
		if err != nil {
			return nil, err
		}
		d := &event.Draft{Type: []byte(in.Type), Author: []byte(in.Author), CreatedAt: in.CreatedAt, Parents: parents, Body: in.Body}
		if in.Proofs != nil {
			d.Proofs = *in.Proofs
		}
		return answer(p.Create(d, e), func() *Out { return &Out{Hash: e.Hash.String(), Preimage: bytes.Clone(e.Record)} })
	case "sign":
		var priv key.Private
		if c := key.ParsePrivate(&priv, []byte(in.Private)); c != code.OK {
			return nil, refused(c)
		}
		return answer(p.Sign(in.Text, &priv, e), func() *Out {
			return &Out{Hash: e.Hash.String(), Signature: string(e.Signature.AppendText(nil)), Record: bytes.Clone(e.Record)}
		})
	case "inclusion":
		var path []byte
		for _, h := range in.Path {
			path = append(path, h...)
		}
		return &Out{}, refused(merkle.Verify((*digest.Hash)(in.Hash), in.Index, in.Size, path, (*digest.Hash)(in.Root)))
	}
	return nil, errNoSuchOp
}

// nativeBatch reads every event first and then checks all signatures at once.
func nativeBatch(in *In) (*Out, error) {
	p, e := parser, &found
	out := &Out{Items: make([]Item, len(in.Texts))}
	var items []sig.Item
	var where []int
	for i, text := range in.Texts {
		if c := p.Read(text, e); c != code.OK {
			out.Items[i] = item(nil, &code.Error{Code: c, Pointer: string(p.Pointer())})
			continue
		}
		out.Items[i] = item(&Out{Hash: e.Hash.String(), RecordDigest: e.RecordDigest.String()}, nil)
		items, where = append(items, sig.Item{Public: e.Key, Digest: e.Hash, Signature: e.Signature}), append(where, i)
	}
	verdicts := make([]code.Code, len(items))
	new(sig.Batch).Verify(items, verdicts)
	for i, c := range verdicts {
		if p.Judge(c) != code.OK {
			out.Items[where[i]] = item(nil, &code.Error{Code: c, Pointer: string(p.Pointer())})
		}
	}
	return out, nil
}

// refused is the error of a code, nil for OK.
func refused(c code.Code) error {
	if c == code.OK {
		return nil
	}
	return &code.Error{Code: c}
}

func nativeKeys(op string, in *In) (*Out, error) {
	var priv key.Private
	var pub key.Public
	var s sig.Signature
	var c code.Code
	switch op {
	case "public_text":
		if pub, c = key.ParsePublic(in.Text); c != code.OK {
			return nil, refused(c)
		}
		legacy, _ := pub.AppendLegacy(nil)
		return &Out{Curve: pub.Curve.Name(), Point: hex.EncodeToString(pub.Point[:]), Text: pub.AppendText(nil), Legacy: string(legacy)}, nil
	case "private_text":
		if c = key.ParsePrivate(&priv, in.Text); c != code.OK {
			return nil, refused(c)
		}
		pub = priv.Public()
		return &Out{Curve: priv.Curve.Name(), Text: priv.AppendText(nil), Public: string(pub.AppendText(nil))}, nil
	case "key_from_random":
		curve := key.K1
		if in.Curve == "R1" {
			curve = key.R1
		}
		if c = key.FromRandom(&priv, curve, (*[32]byte)(in.Random)); c != code.OK {
			return nil, refused(c)
		}
		pub = priv.Public()
		return &Out{Private: string(priv.AppendText(nil)), Public: string(pub.AppendText(nil))}, nil
	case "signature_text":
		if s, c = sig.Parse(in.Text); c != code.OK {
			return nil, refused(c)
		}
		return &Out{Curve: s.Curve.Name(), Compact: hex.EncodeToString(s.Compact[:])}, nil
	case "sign_digest":
		if c = key.ParsePrivate(&priv, []byte(in.Private)); c == code.OK {
			c = sig.Sign(&s, &priv, (*digest.Hash)(in.Digest))
		}
		return &Out{Signature: string(s.AppendText(nil))}, refused(c)
	case "verify_digest":
		if pub, c = key.ParsePublic([]byte(in.Public)); c != code.OK {
			return nil, refused(c)
		}
		if s, c = sig.Parse([]byte(in.Signature)); c == code.OK {
			c = sig.Verify(&pub, (*digest.Hash)(in.Digest), &s)
		}
		return &Out{}, refused(c)
	case "recover":
		if s, c = sig.Parse([]byte(in.Signature)); c == code.OK {
			c = sig.Recover(&pub, (*digest.Hash)(in.Digest), &s)
		}
		return &Out{Public: string(pub.AppendText(nil))}, refused(c)
	}
	return nil, errNoSuchOp
}
