package checkpoint

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureSize is the length of a cosignature: POSIX seconds, 8 bytes
// big-endian, and the Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// cosigned is what a witness signs (C2SP tlog-cosignature, Ed25519).
func cosigned(text []byte, at uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
}

// A Verifier is a note.Verifier of a key.
type Verifier struct {
	Key
	verify func(text, sig []byte) bool
}

// Name returns the name that the key's signature lines bear.
func (v *Verifier) Name() string { return v.Key.Name }

// KeyHash returns the key's ID.
func (v *Verifier) KeyHash() uint32 { return v.ID() }

// Verify reports whether sig is the key's signature of a note's text.
func (v *Verifier) Verify(text, sig []byte) bool { return v.verify(text, sig) }

// Verifier returns what verifies the key's signatures; nil for K1, which only
// the module does.
func (k Key) Verifier() *Verifier {
	switch k.Kind {
	case Ed25519:
		return &Verifier{k, func(text, sig []byte) bool {
			return ed25519.Verify(k.Raw, text, sig)
		}}
	case Cosignature:
		return &Verifier{k, func(text, sig []byte) bool {
			if len(sig) != cosignatureSize {
				return false
			}
			at := binary.BigEndian.Uint64(sig)
			return at <= math.MaxInt64 && ed25519.Verify(k.Raw, cosigned(text, at), sig[8:])
		}}
	}
	return nil
}

// Cosign returns the signature line by which a witness says that at this time
// the text is of the largest head that it has seen of a log, and consistent
// with those before.
func Cosign(text string, witness string, private ed25519.PrivateKey, at time.Time) string {
	k := Key{Name: witness, Kind: Cosignature, Raw: private.Public().(ed25519.PublicKey)}
	seconds := uint64(max(0, at.Unix()))
	sig := binary.BigEndian.AppendUint32(nil, k.ID())
	sig = binary.BigEndian.AppendUint64(sig, seconds)
	sig = append(sig, ed25519.Sign(private, cosigned([]byte(text), seconds))...)
	return "— " + witness + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// Open reads a signed checkpoint that at least one of the verifiers has signed.
// A line of one of them that does not verify is an error; lines of
// others are passed over. Of the note, Sigs are those that verify.
func Open(signed []byte, vs ...note.Verifier) (Checkpoint, *note.Note, error) {
	if len(signed) > MaxNote {
		return Checkpoint{}, nil, fmt.Errorf("%w: more than %d bytes", errMalformed, MaxNote)
	}
	n, err := note.Open(signed, note.VerifierList(vs...))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := ParseText(n.Text)
	return c, n, err
}

// Text returns the text of a signed note, whoever signed it.
func Text(signed []byte) (string, error) {
	if len(signed) > MaxNote {
		return "", errMalformed
	}
	_, err := note.Open(signed, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return "", errMalformed
	}
	return unverified.Note.Text, nil
}
