package note

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/wasm/digest"
)

func TestValidName(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := r != '+' && !unicode.IsSpace(r) && !unicode.IsControl(r)
		if 0xd800 <= r && r < 0xe000 {
			continue // no UTF-8
		}
		if got := ValidName([]byte("a" + string(r) + "b")); got != want {
			t.Errorf("%U: %v", r, got)
		}
	}
	for name, want := range map[string]bool{"": false, "a\xff": false, "\xed\xa0\x80": false, "\ufffd": true, strings.Repeat("x", 255): true, strings.Repeat("x", 256): false} {
		if got := ValidName([]byte(name)); got != want {
			t.Errorf("%.20q: %v", name, got)
		}
	}
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "AAAA", "AA==", "AAA=", "AB==", "AAB=", "A===", "====", "AAAA====", "AA=A", "A=AA", "+/+/", "-_-_", "AAAAA", "AAAA\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := base64.StdEncoding.Strict().DecodeString(s)
		if strings.ContainsAny(s, "\r\n") {
			err = errors.New("the standard library skips these")
		}
		dst := make([]byte, len(s))
		n := decode(dst, []byte(s))
		if (n >= 0) != (err == nil) || n >= 0 && !bytes.Equal(dst[:n], want) {
			t.Fatalf("%q is %x (%d), the standard library has %x, %v", s, dst, n, want, err)
		}
		if short := make([]byte, n/2+1); n > 0 && (decode(short, []byte(s)) != n || !bytes.HasPrefix(dst, short[:min(len(short), n)])) {
			t.Fatalf("%q into %d bytes", s, len(short))
		}
	})
}

func private(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func logKey(name string) (signer note.Signer, verifier note.Verifier, vkey string) {
	key := private(name)
	vkey, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	id := vkey[len(name)+1:][:8]
	signer, err = note.NewSigner("PRIVATE+KEY+" + name + "+" + id + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
	if err != nil {
		panic(err)
	}
	verifier, err = note.NewVerifier(vkey)
	if err != nil {
		panic(err)
	}
	return signer, verifier, vkey
}

// Of a key that x/mod takes the name and the ID are the same here, and what it
// takes besides is another spelling.
func FuzzKey(f *testing.F) {
	for _, name := range []string{"example.org/log", "é", "a b"[:1]} {
		_, _, vkey := logKey(name)
		f.Add(vkey)
		f.Add(strings.ToUpper(vkey))
	}
	f.Add("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
	f.Fuzz(func(t *testing.T, text string) {
		var k Key
		ours := k.Parse([]byte(text))
		theirs, err := note.NewVerifier(text)
		if ours && k.Kind == Ed25519 {
			if err != nil || theirs.Name() != string(k.Name) || theirs.KeyHash() != k.ID {
				t.Fatalf("%q: x/mod says %v", text, err)
			}
		}
		if err == nil && !ours {
			parts := strings.SplitN(text, "+", 3)
			raw, strict := base64.StdEncoding.Strict().DecodeString(parts[2])
			if strict == nil && parts[2] == base64.StdEncoding.EncodeToString(raw) && fmt.Sprintf("%08x", theirs.KeyHash()) == parts[1] && ValidName([]byte(parts[0])) {
				t.Fatalf("%q is not taken", text)
			}
		}
	})
}

// signed is a checkpoint with a log's signature and a witness's.
func signed(t testing.TB) (text []byte, log, witness Key, verifiers []note.Verifier) {
	signer, verifier, vkey := logKey("example.org/log")
	cosigner, err := torchwood.NewCosignatureSigner("example.org/witness", private("witness"))
	if err != nil {
		t.Fatal(err)
	}
	root := digest.SHA256([]byte("root"))
	text, err = note.Sign(&note.Note{Text: "example.org/log\n7\n" + base64.StdEncoding.EncodeToString(root[:]) + "\n"}, signer, cosigner)
	if err != nil || !log.Parse([]byte(vkey)) || !witness.Parse([]byte(cosigner.Verifier().String())) {
		t.Fatal(err)
	}
	return text, log, witness, []note.Verifier{verifier, cosigner.Verifier()}
}

// What is a checkpoint here is one to x/mod and torchwood, with the same
// verdict on each signature; what is none here has extension lines, or is not
// in its one spelling.
func hold(t *testing.T, c *Checkpoint, text []byte, keys []*Key, verifiers []note.Verifier) {
	t.Helper()
	if !c.Parse(text) {
		return
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if err != nil && !errors.As(err, &unverified) && !errors.As(err, &invalid) {
		t.Fatalf("%q: x/mod says %v", text, err)
	}
	theirs, parseErr := torchwood.ParseCheckpoint(string(c.Text))
	if parseErr != nil || theirs.Origin != string(c.Origin) || uint64(theirs.N) != c.Size || digest.Hash(theirs.Hash) != c.Root || theirs.String() != string(c.Text) {
		t.Fatalf("%q: torchwood says %+v, %v", text, theirs, parseErr)
	}
	forged := false
	for i, k := range keys {
		v := c.Verify(k)
		forged = forged || v == Forged
		if err == nil {
			ok := slices.ContainsFunc(opened.Sigs, func(s note.Signature) bool { return s.Name == verifiers[i].Name() && s.Hash == verifiers[i].KeyHash() })
			if ok != (v != Unsigned) {
				t.Fatalf("%q: %s: %v, x/mod has %v", text, k.Name, v, opened.Sigs)
			}
		}
	}
	if errors.As(err, &invalid) && !forged {
		t.Fatalf("%q: x/mod says %v", text, err)
	}
}

func TestCheckpointsWithABitFlipped(t *testing.T) {
	text, log, witness, verifiers := signed(t)
	var c Checkpoint
	if !c.Parse(text) || c.Verify(&log) != Signed || c.Verify(&witness) != Signed {
		t.Fatalf("%q is not verified", text)
	}
	for bit := 0; bit < 8*len(text); bit += 3 {
		text[bit/8] ^= 1 << (bit % 8)
		hold(t, &c, text, []*Key{&log, &witness}, verifiers)
		if c.Parse(text) && c.Verify(&log) == Signed && c.Verify(&witness) == Signed {
			t.Errorf("bit %d does not matter", bit)
		}
		text[bit/8] ^= 1 << (bit % 8)
	}
}

func FuzzCheckpoint(f *testing.F) {
	text, log, witness, verifiers := signed(f)
	f.Add(text)
	f.Add(append(slices.Clone(text), "— a AAAAAAA=\n"...))
	f.Add([]byte("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— b AAAAAAA=\n"))
	var c Checkpoint
	f.Fuzz(func(t *testing.T, text []byte) { hold(t, &c, text, []*Key{&log, &witness}, verifiers) })
}

func TestParsingAllocatesNothing(t *testing.T) {
	text, log, _, _ := signed(t)
	var c Checkpoint
	if n := testing.AllocsPerRun(20, func() { c.Parse(text); log.SetID() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
