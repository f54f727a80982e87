package checkpoint_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

func TestText(t *testing.T) {
	c := checkpoint.Checkpoint{Origin: "events.example.org/log/7c31a88e7c31a88e", Size: 20852163, Root: digest.Hash{1, 2, 31: 255}}
	got, err := checkpoint.ParseText(c.Text())
	if err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	theirs, err := torchwood.ParseCheckpoint(c.Text())
	if err != nil || theirs.Origin != c.Origin || uint64(theirs.N) != c.Size || digest.Hash(theirs.Hash) != c.Root {
		t.Fatalf("torchwood reads %+v, %v", theirs, err)
	}
	good := c.Text()
	for _, bad := range []string{
		"", "\n\n\n", good[:len(good)-1], good + "\n", good + "extension\n", strings.Replace(good, "20852163", "020852163", 1), strings.Replace(good, "20852163", "+20852163", 1),
		strings.Replace(good, "20852163", "9223372036854775808", 1), strings.Replace(good, "\n", "\r\n", 1), " " + good, strings.Replace(good, "/log", "+log", 1),
		strings.Replace(good, "8=\n", "9=\n", 1), strings.Replace(good, "=\n", "\n", 1), "a\x00b" + good,
	} {
		if got, err := checkpoint.ParseText(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func FuzzParseText(f *testing.F) {
	f.Add(checkpoint.Checkpoint{Origin: "a/b", Size: 1}.Text())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := checkpoint.ParseText(text); err == nil {
			theirs, err := torchwood.ParseCheckpoint(text)
			if err != nil || theirs.String() != text || c.Text() != text {
				t.Errorf("%q: torchwood says %v", text, err)
			}
		}
	})
}

func TestKey(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(nil)
	log := checkpoint.Key{Name: "example.org/log", Kind: checkpoint.Ed25519, Raw: public}
	if v, err := note.NewVerifier(log.String()); err != nil || v.KeyHash() != log.ID() || v.Name() != log.Name {
		t.Errorf("x/mod does not take %s: %v", log, err)
	}
	signer, err := torchwood.NewCosignatureSigner("example.org/witness", private)
	if err != nil {
		t.Fatal(err)
	}
	witness := checkpoint.Key{Name: "example.org/witness", Kind: checkpoint.Cosignature, Raw: public}
	if got := signer.Verifier().String(); got != witness.String() {
		t.Errorf("%s, torchwood has %s", witness, got)
	}
	point := checkpoint.Key{Name: "example.org/log", Raw: append([]byte{2}, public...)}
	for _, k := range []checkpoint.Key{log, witness, point} {
		got, err := checkpoint.ParseKey(k.String())
		if err != nil || got.String() != k.String() || got.Kind != k.Kind {
			t.Errorf("%s is read as %s, %v", k, got, err)
		}
		for i := range k.String() {
			flipped := []byte(k.String())
			flipped[i] ^= 1
			if got, err := checkpoint.ParseKey(string(flipped)); err == nil {
				t.Errorf("%s is read as %s", flipped, got)
			}
		}
	}
}
