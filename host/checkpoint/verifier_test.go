package checkpoint_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

func newKey(name string, kind byte) (checkpoint.Key, ed25519.PrivateKey) {
	public, private, _ := ed25519.GenerateKey(nil)
	return checkpoint.Key{Name: name, Kind: kind, Raw: public}, private
}

func TestCosignature(t *testing.T) {
	k, private := newKey("example.org/witness", checkpoint.Cosignature)
	text := checkpoint.Checkpoint{Origin: "example.org/log", Size: 7, Root: digest.Hash{1}}.Text()
	at := time.Unix(1679315147, 0)
	ours := []byte(text + "\n" + checkpoint.Cosign(text, k.Name, private, at))

	theirs, err := torchwood.NewCosignatureSigner(k.Name, private)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(ours, note.VerifierList(theirs.Verifier()))
	if err != nil {
		t.Fatalf("torchwood does not take our cosignature: %v", err)
	}
	if seconds, err := torchwood.CosignatureTimestamp(n.Sigs[0]); err != nil || seconds != at.Unix() {
		t.Errorf("torchwood reads the time %d, %v", seconds, err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if c, n, err := checkpoint.Open(signed, k.Verifier()); err != nil || c.Size != 7 || len(n.Sigs) != 1 {
		t.Errorf("we do not take torchwood's: %+v, %v", c, err)
	}
	if got, err := checkpoint.Text(signed); err != nil || got != text {
		t.Errorf("the text is %q, %v", got, err)
	}
	sig := bytes.LastIndexByte(ours, ' ') + 1
	for i := sig; i < len(ours)-3; i++ { // the last characters hold padding
		flipped := bytes.Clone(ours)
		flipped[i] ^= 1
		if _, _, err := checkpoint.Open(flipped, k.Verifier()); err == nil {
			t.Errorf("a signature changed at %d verifies", i-sig)
		}
	}
}

func TestOpen(t *testing.T) {
	k, private := newKey("example.org/log", checkpoint.Ed25519)
	other, private2 := newKey("example.org/log", checkpoint.Ed25519)
	text := checkpoint.Checkpoint{Origin: k.Name, Size: 7, Root: digest.Hash{1}}.Text()
	signed := sign(text, k, private)
	if c, _, err := checkpoint.Open(signed, other.Verifier(), k.Verifier()); err != nil || c.Size != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	for name, bad := range map[string][]byte{
		"nobody known": sign(text, other, private2),
		"a lie":        sign(text, k, private2),
		"another text": bytes.Replace(signed, []byte("\n7\n"), []byte("\n8\n"), 1),
		"no text":      sign("a\nb\n", k, private),
		"too long":     append(bytes.Clone(signed), make([]byte, checkpoint.MaxNote)...),
		"nothing":      nil,
	} {
		if c, _, err := checkpoint.Open(bad, k.Verifier()); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// sign makes a note that k seems to have signed.
func sign(text string, k checkpoint.Key, private ed25519.PrivateKey) []byte {
	b, err := note.Sign(&note.Note{Text: text}, signer{k, private})
	if err != nil {
		panic(err)
	}
	return b
}

type signer struct {
	k       checkpoint.Key
	private ed25519.PrivateKey
}

func (s signer) Name() string                    { return s.k.Name }
func (s signer) KeyHash() uint32                 { return s.k.ID() }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.private, msg), nil }
