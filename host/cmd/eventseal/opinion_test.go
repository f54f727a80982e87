package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/eoscanada/eos-go/btcsuite/btcutil/base58"
	"github.com/eoscanada/eos-go/ecc"
	"github.com/gowebpki/jcs"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// What the real host hands out as proof, others take for one: nothing of ours has
// a part in this judgement.
func TestProofsInTheHandsOfOthers(t *testing.T) {
	p := newProcess(t, filepath.Join(t.TempDir(), "data"))
	p.start()
	p.ready()
	resp, err := http.Get(p.url() + "/log/keys")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	vkey, host, _ := strings.Cut(strings.TrimSpace(string(keys)), "\n")
	pool := moduletest.Open(t)
	cl, err := client.New(client.Options{Server: p.url(), Verifier: pool, Notary: pool, HostKeys: string(keys)})
	if err != nil {
		t.Fatal(err)
	}
	const events = 300 // more than a tile
	all := iter.Seq2[[]byte, error](func(yield func([]byte, error) bool) {
		for i := range events {
			if !yield(moduletest.Event(t, i).Record(), nil) {
				return
			}
		}
	})
	if err := cl.StoreStream(context.Background(), "", all, func(_ int, s client.Stored) error { return s.Err }); err != nil {
		t.Fatal(err)
	}
	logKey, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	point := base58.Decode(strings.TrimPrefix(host, "PUB_K1_"))
	if len(point) != 33+4 { // with its checksum
		t.Fatalf("%q", host)
	}
	public := point[:33]
	for _, i := range []int{0, 1, 255, 256, events - 1} {
		v := moduletest.Event(t, i)
		got, err := cl.Proof(context.Background(), v.Hash(), false)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Log     string
			Receipt json.RawMessage
			Record  json.RawMessage
		}
		if err := json.Unmarshal(got.File, &file); err != nil || !bytes.Equal(file.Record, v.Record()) {
			t.Fatalf("%s, %v", got.File, err)
		}
		var inclusion proof.TLogProof
		if err := inclusion.Unmarshal([]byte(file.Log)); err != nil || int(inclusion.Index) != i {
			t.Fatalf("%q: %v", file.Log, err)
		}
		n, err := note.Open(inclusion.Checkpoint, note.VerifierList(logKey))
		if err != nil {
			t.Fatal(err)
		}
		c, err := checkpoint.ParseText(n.Text) // three lines
		if err != nil || c.Size < uint64(i)+1 || c.Origin != logKey.Name() {
			t.Fatalf("%q, %v", n.Text, err)
		}
		hash := v.Hash()
		var path [][]byte
		for _, h := range inclusion.Hashes {
			path = append(path, h[:])
		}
		if err := merkle.VerifyInclusion(rfc6962.DefaultHasher, inclusion.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(hash[:]), path, c.Root[:]); err != nil {
			t.Errorf("event %d: %v", i, err)
		}

		// The note's second line is by the key that has signed the receipt.
		var line []byte
		for l := range strings.Lines(string(inclusion.Checkpoint)) {
			if _, encoded, ok := strings.Cut(strings.TrimSpace(l), logKey.Name()+" "); ok && strings.HasPrefix(l, "— ") {
				line, _ = base64.StdEncoding.DecodeString(encoded)
			}
		}
		id := sha256.Sum256(append([]byte(logKey.Name()+"\n\xffeventseal-k1"), public...))
		if len(line) != 4+65 || !bytes.Equal(line[:4], id[:4]) {
			t.Fatalf("%q has no line of key %x", inclusion.Checkpoint, id[:4])
		}
		recovers(t, line[4:], []byte(n.Text), public)

		var receipt map[string]any
		if err := json.Unmarshal(file.Receipt, &receipt); err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(v.Record())
		if receipt["hash"] != v.Hash().String() || receipt["record_digest"] != v.Meta().RecordDigest.String() || v.Meta().RecordDigest != digest ||
			receipt["log"] != vkey || receipt["sequence"] != float64(i+1) || receipt["durable"] != 2.0 {
			t.Errorf("%v", receipt)
		}
		signature, err := ecc.NewSignature(receipt["sig"].(string))
		if err != nil {
			t.Fatal(err)
		}
		delete(receipt, "sig")
		unsigned, err := json.Marshal(receipt)
		if err != nil {
			t.Fatal(err)
		}
		if unsigned, err = jcs.Transform(unsigned); err != nil {
			t.Fatal(err)
		}
		recovers(t, signature.Content, unsigned, public)
	}
}

// recovers fails unless the key has signed the text.
func recovers(t *testing.T, compact, text, public []byte) {
	t.Helper()
	sum := sha256.Sum256(text)
	key, _, err := ecdsa.RecoverCompact(compact, sum[:])
	if err != nil || !bytes.Equal(key.SerializeCompressed(), public) {
		t.Errorf("signed by %v, %v", key, err)
	}
}
