package testvectors

import (
	"errors"
	"testing"

	"github.com/eventseal/eventseal/host/reference"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The second opinion gives every verdict on events and texts that the vectors
// give, code and place included.
func TestReference(t *testing.T) {
	conform(t, referenceRun, true, "canonicalize", "verify", "verify_batch", "match", "hash", "verify_digest")
}

func referenceRun(op string, in *In) (*Out, error) {
	o := reference.Options{MaxBytes: in.MaxBytes, Types: map[string]uint32{}}
	for _, t := range in.Types {
		o.Types[t.Name] = t.Code
	}
	switch op {
	case "canonicalize":
		text, err := reference.Canonicalize(in.Text)
		return &Out{Text: text}, err
	case "verify":
		r, err := reference.Verify(in.Text, o)
		if err != nil {
			return nil, err
		}
		return referenceOut(r), nil
	case "hash":
		r, err := reference.Hash(in.Text, o)
		return &Out{Hash: r.Hash.String(), Preimage: r.Preimage}, err
	case "verify_digest":
		err := reference.VerifyDigest(in.Public, in.Signature, digest.Hash(in.Digest))
		var e *code.Error
		if errors.As(err, &e) {
			e.Pointer = "" // there is no event to point into
		}
		return &Out{}, err
	case "match":
		r, err := reference.Verify(in.Text, o)
		if err != nil {
			return nil, err
		}
		if r.Hash != digest.Hash(in.Hash) {
			return nil, &code.Error{Code: code.HashMismatch}
		}
		return &Out{}, nil
	case "verify_batch":
		out := &Out{}
		for _, text := range in.Texts {
			r, err := reference.Verify(text, o)
			out.Items = append(out.Items, item(referenceOut(r), err))
		}
		return out, nil
	}
	return nil, errNoSuchOp
}

func referenceOut(r reference.Result) *Out {
	out := &Out{Hash: r.Hash.String(), Record: r.Record, RecordDigest: r.RecordDigest.String(), Type: r.Type, TypeCode: r.TypeCode, Author: r.Author, AuthorKey: r.AuthorKey, CreatedAt: r.CreatedAt}
	for _, p := range r.Parents {
		out.Parents = append(out.Parents, p.String())
	}
	return out
}

// item is what a batch says of one event.
func item(out *Out, err error) Item {
	if err != nil {
		return Item{Refuse: refusal(err.(*code.Error))}
	}
	return Item{Out: &Out{Hash: out.Hash, RecordDigest: out.RecordDigest}}
}
