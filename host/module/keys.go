package module

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A KeyPair is a key in its text forms. Whoever holds one with a private key
// wipes it when done.
type KeyPair struct {
	Private []byte // PVT_K1_… or PVT_R1_…; empty where only the public key is known
	Public  string // PUB_K1_… or PUB_R1_…
	Legacy  string // EOS…; empty for R1
	Curve   string // K1 or R1
}

// Wipe zeroes the private key.
func (k *KeyPair) Wipe() { clear(k.Private) }

// GenerateKey makes a key pair on curve K1 or R1 of the operating system's
// randomness.
func (p *Pool) GenerateKey(ctx context.Context, curve string) (k KeyPair, err error) {
	var seed [32]byte
	defer clear(seed[:])
	for {
		rand.Read(seed[:])
		k, err = p.KeyFromRandom(ctx, curve, &seed)
		// One seed in 2³² at most is out of range.
		if !errors.Is(err, &code.Error{Code: code.InvalidPrivateKey}) {
			return k, err
		}
	}
}

// KeyFromRandom makes the key pair on curve K1 or R1 that is 32 random bytes,
// big-endian. A number that is no key is code.InvalidPrivateKey: draw again.
func (p *Pool) KeyFromRandom(ctx context.Context, curve string, random *[32]byte) (KeyPair, error) {
	seed := make([]byte, 33)
	defer clear(seed)
	switch curve {
	case "K1":
	case "R1":
		seed[0] = 1
	default:
		return KeyPair{}, &code.Error{Code: code.InvalidArgument, Detail: "the curve is K1 or R1"}
	}
	copy(seed[1:], random[:])
	return p.private(ctx, "key_from_random", seed)
}

// ParsePrivate reads a private key, text in any of the three forms. A refusal
// is a *code.Error without the key in it.
func (p *Pool) ParsePrivate(ctx context.Context, text []byte) (KeyPair, error) {
	return p.private(ctx, "private_text", text)
}

// private asks for a pair and has the module forget it.
func (p *Pool) private(ctx context.Context, operation string, input []byte) (k KeyPair, err error) {
	k, err = do(ctx, p, func(ctx context.Context, in *instance, input []byte) (k KeyPair, err error) {
		b, err := in.ask(ctx, operation, input)
		if err != nil {
			return k, err
		}
		if len(b) == 0 {
			return k, errMalformed
		}
		private, rest, err := cut(b[1:])
		if err != nil {
			return k, err
		}
		public, _, err := cut(rest)
		if err != nil {
			return k, err
		}
		k = KeyPair{Private: append([]byte(nil), private...), Public: string(public), Curve: curveName(b[0])}
		_, err = in.call(ctx, "erase")
		return k, err
	}, input)
	if err == nil {
		var public KeyPair
		_, public, err = p.ParsePublic(ctx, k.Public)
		k.Legacy = public.Legacy
	}
	if err != nil {
		k.Wipe()
		return KeyPair{}, err
	}
	return k, nil
}

// PublicKey returns the public half of a private key, text in any of the three
// forms. A refusal is a *code.Error without the key in it.
func (p *Pool) PublicKey(ctx context.Context, private []byte) (k KeyPair, err error) {
	_, k, err = p.public(ctx, "public_key", private)
	return k, err
}

// ParsePublic reads a public key in any spelling: key is the same for all of
// them (Meta.AuthorKey), the pair holds the others. A refusal is a *code.Error.
func (p *Pool) ParsePublic(ctx context.Context, text string) (key [34]byte, k KeyPair, err error) {
	return p.public(ctx, "public_text", []byte(text))
}

func (p *Pool) public(ctx context.Context, operation string, input ...[]byte) (key [34]byte, k KeyPair, err error) {
	b, err := p.ask(ctx, operation, input...)
	if err != nil {
		return key, k, err
	}
	if len(b) < len(key) {
		return key, k, errMalformed
	}
	copy(key[:], b)
	public, rest, err := cut(b[len(key):])
	if err != nil {
		return key, k, err
	}
	legacy, _, err := cut(rest)
	return key, KeyPair{Public: string(public), Legacy: string(legacy), Curve: curveName(key[0])}, err
}

// ask calls an operation that answers with a result.
func (p *Pool) ask(ctx context.Context, operation string, input ...[]byte) ([]byte, error) {
	return do(ctx, p, func(ctx context.Context, in *instance, input []byte) ([]byte, error) {
		b, err := in.ask(ctx, operation, input)
		return bytes.Clone(b), err
	}, input...)
}

func curveName(c byte) string {
	if c == 1 {
		return "R1"
	}
	return "K1"
}

// SignDigest signs 32 bytes; the answer is the signature's text.
func (p *Pool) SignDigest(ctx context.Context, d digest.Hash, private []byte) (signature string, err error) {
	b, err := p.ask(ctx, "sign_digest", d[:], private)
	return string(b), err
}

// VerifyDigest returns nil if the key that made signature for d is public, and
// a *code.Error if not.
func (p *Pool) VerifyDigest(ctx context.Context, d digest.Hash, public, signature string) error {
	_, err := p.ask(ctx, "verify_digest", d[:], field(public), []byte(signature))
	return err
}

// ParseSignature reads a signature's text: the curve, and 65 bytes, which are
// 31 + recovery id, r and s.
func (p *Pool) ParseSignature(ctx context.Context, text string) (curve string, compact [65]byte, err error) {
	b, err := p.ask(ctx, "signature_text", []byte(text))
	if err != nil {
		return "", compact, err
	}
	if len(b) != 1+len(compact) {
		return "", compact, errMalformed
	}
	copy(compact[:], b[1:])
	return curveName(b[0]), compact, nil
}

// Recover returns the key that made signature for d.
func (p *Pool) Recover(ctx context.Context, d digest.Hash, signature string) (k KeyPair, err error) {
	_, k, err = p.public(ctx, "recover", d[:], []byte(signature))
	return k, err
}
