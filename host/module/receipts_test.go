package module

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

const logKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW" // x/mod's documentation

func unsignedReceipt() []byte {
	return []byte(`{"eventseal_receipt": 1, "hash": "` + strings.Repeat("ab", 32) + `", "record_digest": "` + strings.Repeat("cd", 32) +
		`", "sequence": 7e0, "admitted_at": 1758390021123, "durable": 2, "required": 2, "replicas": ["here", "there"], "log": "` + logKey + `"}`)
}

func TestReceipt(t *testing.T) {
	p, _ := one(t)
	k, err := p.GenerateKey(t.Context(), "K1")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := p.SignReceipt(t.Context(), unsignedReceipt(), k.Private)
	if err != nil {
		t.Fatal(err)
	}
	if canonical, err := p.Canonicalize(t.Context(), signed); err != nil || !bytes.Equal(canonical, signed) {
		t.Errorf("%s is not canonical: %v", signed, err)
	}
	// What is signed is the canonical form without sig.
	preimage, err := p.Canonicalize(t.Context(), unsignedReceipt())
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Sig string }
	if err := json.Unmarshal(signed, &parsed); err != nil {
		t.Fatal(err)
	}
	if err := p.VerifyDigest(t.Context(), digest.SHA256(preimage), k.Public, parsed.Sig); err != nil {
		t.Error(err)
	}
	var indented bytes.Buffer
	json.Indent(&indented, signed, "", " ")
	for _, spelling := range [][]byte{signed, indented.Bytes()} {
		r, err := p.VerifyReceipt(t.Context(), spelling)
		if err != nil {
			t.Fatal(err)
		}
		if r.Key != k.Public || r.Log != logKey || r.Origin != "PeterNeumann" || r.Sequence != 7 || r.Durable != 2 || r.Required != 2 || r.AdmittedAt.UnixMilli() != 1758390021123 ||
			len(r.Replicas) != 2 || r.Replicas[1] != "there" || r.Hash[31] != 0xab || r.RecordDigest[0] != 0xcd {
			t.Errorf("%+v", r)
		}
	}
	other, err := p.VerifyReceipt(t.Context(), bytes.Replace(signed, []byte(`"sequence":7`), []byte(`"sequence":8`), 1))
	if err == nil && other.Key == k.Public {
		t.Error("another receipt is said to be signed by the key")
	}
	if _, err := p.SignReceipt(t.Context(), signed, k.Private); !errors.Is(err, &code.Error{Code: code.InvalidReceipt, Pointer: "/sig"}) {
		t.Errorf("signing twice: %v", err)
	}
}

// proofFile is a proof file, and what is trusted, of the test vectors: the one
// whose name begins so.
func proofFile(t *testing.T, of, name string) (file, trust []byte) {
	raw, err := os.ReadFile("../../testvectors/proofs/" + of)
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct {
			Name string
			In   struct{ Text, Trust string }
		}
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, c := range vectors.Cases {
		if strings.HasPrefix(c.Name, name) {
			return []byte(c.In.Text), []byte(c.In.Trust)
		}
	}
	t.Fatal("there is no such case")
	return nil, nil
}

func TestProof(t *testing.T) {
	p, _ := one(t)
	file, trust := proofFile(t, "valid.json", "cosigned, group g 2")
	r, err := p.VerifyProof(t.Context(), file, trust)
	if err != nil || !r.Valid || r.Code != "" || r.Sequence != 8 || r.Size != 11 || r.Witnesses != 3 || r.Parts["keys"] != "valid" || len(r.Parts) != 7 || r.AdmittedAt.UnixMilli() != 1758390050130 ||
		r.Type != "ADD_CLAIM" || !strings.HasPrefix(r.Log, r.Origin+"+") || !strings.HasPrefix(r.Key, "PUB_K1_") || !strings.Contains(string(file), r.Hash.String()) || !strings.Contains(string(file), r.Author) {
		t.Errorf("%+v, %v", r, err)
	}
	// A fault is in the report, what is no proof file at all an error.
	r, err = p.VerifyProof(t.Context(), bytes.Replace(file, []byte(`"n":20`), []byte(`"n":21`), 1), trust)
	if err != nil || r.Valid || r.Code != "signature_mismatch" || r.Parts["record"] != r.Code || r.Parts["receipt"] != "valid" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := p.VerifyProof(t.Context(), file[1:], trust); !errors.Is(err, &code.Error{Code: code.InvalidJSON}) {
		t.Errorf("no file: %v", err)
	}
	if _, err := p.VerifyProof(t.Context(), file, []byte("# trust\nme")); !errors.Is(err, &code.Error{Code: code.InvalidArgument, Pointer: "/2"}) {
		t.Errorf("no trust text: %v", err)
	}
}

func TestProofOfAnAnchor(t *testing.T) {
	p, _ := one(t)
	file, trust := proofFile(t, "anchored.json", "a head of 9")
	r, err := p.VerifyProof(t.Context(), file, trust)
	if err != nil || !r.Valid || r.Parts["anchor"] != "needs chain" || r.Anchor == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	a := r.Anchor
	if a.Contract != "seal.anchor" || a.Seq != 42 || a.Size != 9 || r.Size != 11 || a.BlockNum != 123456789 || !a.Time.Equal(time.Date(2026, 11, 28, 5, 0, 0, 500e6, time.UTC)) {
		t.Errorf("%+v", a)
	}
	var f struct {
		Anchor struct {
			BlockID     string `json:"block_id"`
			ChainID     string `json:"chain_id"`
			Transaction string
		}
	}
	if err := json.Unmarshal(file, &f); err != nil {
		t.Fatal(err)
	}
	packed, err := hex.DecodeString(f.Anchor.Transaction)
	if err != nil || a.BlockID.String() != f.Anchor.BlockID || a.ChainID.String() != f.Anchor.ChainID || a.TransactionID != sha256.Sum256(packed) {
		t.Errorf("%+v of %+v, %v", a, f.Anchor, err)
	}
	// Nothing is said of an anchor that is wrong, or is not there.
	r, err = p.VerifyProof(t.Context(), bytes.Replace(file, []byte(`"seq":42`), []byte(`"seq":43`), 1), trust)
	if err != nil || r.Valid || r.Code != "invalid_anchor" || r.Anchor != nil {
		t.Errorf("%+v, %v", r, err)
	}
	file, trust = proofFile(t, "valid.json", "no trust")
	if r, err = p.VerifyProof(t.Context(), file, trust); err != nil || r.Anchor != nil || r.Parts["anchor"] != "absent" {
		t.Errorf("%+v, %v", r, err)
	}
}
