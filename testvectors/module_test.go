package testvectors

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The committed module, in wazero's compiler and in its interpreter.
func TestModuleCompiled(t *testing.T) { conform(t, onPool(t, false), true) }

// The interpreter takes a minute for it, on each of two cores.
func TestModuleInterpreted(t *testing.T) {
	for part := range 2 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			conformPart(t, onPool(t, true), true, part, 2)
		})
	}
}

func TestES6Module(t *testing.T) { holdES6(t, onPool(t, false), 1000000) }

func TestForeignModule(t *testing.T) {
	holdForeign(t, onPool(t, false), "canonicalize verify_digest")
}

// The committed module in Node.
func TestModuleInNode(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("node", "node/run.mjs").CombinedOutput()
	if err != nil {
		t.Fatalf("node node/run.mjs: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), `"failed":[]`); n < 30 {
		t.Errorf("only %d files ran:\n%s", n, out)
	}
	if n := strings.Count(string(out), ", the sequence"); n != 3 {
		t.Errorf("%d sequences ran:\n%s", n, out)
	}
}

// onPool is the module as the host runs it. A pool is made for each set of
// options that a case asks for.
func onPool(t testing.TB, interpreter bool) implementation {
	ctx, pools := t.Context(), map[string]*module.Pool{}
	t.Cleanup(func() {
		for _, p := range pools {
			p.Close(context.Background())
		}
	})
	return func(op string, in *In) (*Out, error) {
		key := show(in.Types) + show(in.MaxBytes)
		p := pools[key]
		if p == nil {
			c := module.Config{Instances: 1, MaxEvent: in.MaxBytes, Interpreter: interpreter, CallTimeout: 1 << 36}
			for _, ty := range in.Types {
				c.Types = append(c.Types, module.Type(ty))
			}
			var err error
			if p, err = module.Open(ctx, c); err != nil {
				return nil, err
			}
			pools[key] = p
		}
		return poolRun(ctx, p, op, in)
	}
}

func poolRun(ctx context.Context, p *module.Pool, op string, in *In) (*Out, error) {
	switch op {
	case "canonicalize":
		text, err := p.Canonicalize(ctx, in.Text)
		return &Out{Text: text}, err
	case "create":
		d := module.Draft{Type: in.Type, Author: in.Author, CreatedAt: in.CreatedAt, Parents: in.Parents, Body: []byte(in.Body)}
		if in.Proofs != nil {
			d.Proofs = []byte(*in.Proofs)
		}
		event, h, err := p.Create(ctx, d)
		return &Out{Hash: h.String(), Preimage: event}, err
	case "hash":
		preimage, h, err := p.Hash(ctx, in.Text)
		return &Out{Hash: h.String(), Preimage: preimage}, err
	case "verify", "match":
		v, err := p.Verify(ctx, in.Text)
		if err != nil {
			return nil, err
		}
		if op == "match" {
			if v.Hash() != digest.Hash(in.Hash) {
				return nil, refused(code.HashMismatch)
			}
			return &Out{}, nil
		}
		return verifiedOut(v), nil
	case "verify_batch":
		texts := make([][]byte, len(in.Texts))
		for i, text := range in.Texts {
			texts[i] = text
		}
		results, err := p.VerifyBatch(ctx, texts)
		out := &Out{}
		for _, r := range results {
			var o *Out
			if r.Err == nil {
				o = verifiedOut(r.Verified)
			}
			out.Items = append(out.Items, item(o, r.Err))
		}
		return out, err
	case "sign":
		private := []byte(in.Private)
		v, err := p.Sign(ctx, in.Text, private)
		if err != nil {
			return nil, err
		}
		_, rest, _ := bytes.Cut(v.Record(), []byte(`"sig":"`))
		signature, _, _ := bytes.Cut(rest, []byte(`"`))
		return &Out{Hash: v.Hash().String(), Record: v.Record(), Signature: string(signature)}, nil
	case "public_text":
		key, k, err := p.ParsePublic(ctx, string(in.Text))
		return &Out{Curve: k.Curve, Point: hex.EncodeToString(key[1:]), Text: Text(k.Public), Legacy: k.Legacy}, err
	case "private_text":
		k, err := p.ParsePrivate(ctx, in.Text)
		return &Out{Curve: k.Curve, Text: k.Private, Public: k.Public}, err
	case "key_from_random":
		k, err := p.KeyFromRandom(ctx, in.Curve, (*[32]byte)(in.Random))
		return &Out{Private: string(k.Private), Public: k.Public}, err
	case "signature_text":
		curve, compact, err := p.ParseSignature(ctx, string(in.Text))
		return &Out{Curve: curve, Compact: hex.EncodeToString(compact[:])}, err
	case "sign_digest":
		s, err := p.SignDigest(ctx, digest.Hash(in.Digest), []byte(in.Private))
		return &Out{Signature: s}, err
	case "verify_digest":
		return &Out{}, p.VerifyDigest(ctx, digest.Hash(in.Digest), in.Public, in.Signature)
	case "recover":
		k, err := p.Recover(ctx, digest.Hash(in.Digest), in.Signature)
		return &Out{Public: k.Public}, err
	case "verify_proof":
		r, err := p.VerifyProof(ctx, in.Text, []byte(in.Trust))
		return &Out{Text: r.JSON}, err
	case "verify_receipt":
		r, err := p.VerifyReceipt(ctx, in.Text)
		return &Out{Text: r.JSON}, err
	case "sign_receipt":
		text, err := p.SignReceipt(ctx, in.Text, []byte(in.Private))
		return &Out{Text: text}, err
	case "inclusion":
		proof := module.Inclusion{Hash: digest.Hash(in.Hash), Index: in.Index, Size: in.Size, Root: digest.Hash(in.Root)}
		for _, h := range in.Path {
			proof.Path = append(proof.Path, digest.Hash(h))
		}
		return &Out{}, p.VerifyInclusion(ctx, proof)
	}
	return nil, errNoSuchOp
}

func verifiedOut(v module.Verified) *Out {
	m := v.Meta()
	out := &Out{Hash: m.Hash.String(), Record: v.Record(), RecordDigest: m.RecordDigest.String(), Type: m.Type, TypeCode: m.TypeCode,
		Author: m.Author, AuthorKey: hex.EncodeToString(m.AuthorKey[:]), CreatedAt: m.CreatedAt}
	for _, p := range m.Parents {
		out.Parents = append(out.Parents, p.String())
	}
	return out
}
