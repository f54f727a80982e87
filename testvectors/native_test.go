package testvectors

import (
	"encoding/hex"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// The module's packages, compiled for this machine.
func TestNativeKeysAndSignatures(t *testing.T) {
	conform(t, nativeKeys, true, keyOps...)
}

var keyOps = []string{"public_text", "private_text", "key_from_random", "signature_text", "sign_digest", "verify_digest", "recover"}

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
