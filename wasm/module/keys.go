package main

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// secret is the one private key that the module ever holds, during a call.
var secret key.Private

var (
	public    key.Public
	signature sig.Signature
)

// erase wipes what a call with a private key leaves behind: the key, the
// whole input, whatever part of it the call was told of, and everything below
// the stack pointer. What touches the key does so in a function that is not
// inlined into the export, so that its frame is down there.
func erase() {
	secret.Wipe()
	clear(in)
	eraseStack()
}

// erase(): wipes the input and the last answer, after one with a private key.
//
//go:wasmexport erase
func exportErase() {
	clear(in[:cap(in)])
	clear(out[:cap(out)])
	eraseStack()
}

// private_text(size): a private key's text → curve, then as fields its PVT_
// text and the public key's PUB_ text. Call erase once it is read.
//
//go:wasmexport private_text
func exportPrivateText(size uint32) uint32 {
	c := respell(size)
	erase()
	return pairAnswer(c)
}

//go:noinline
func respell(size uint32) code.Code {
	return spell(key.ParsePrivate(&secret, taken(size)))
}

// key_from_random(size): curve, 32 random bytes → as private_text.
//
//go:wasmexport key_from_random
func exportKeyFromRandom(size uint32) uint32 {
	c := fromRandom(size)
	erase()
	return pairAnswer(c)
}

//go:noinline
func fromRandom(size uint32) code.Code {
	c := code.InvalidArgument
	if b := taken(size); len(b) == 33 && b[0] <= byte(key.R1) {
		c = key.FromRandom(&secret, key.Curve(b[0]), (*[32]byte)(b[1:]))
	}
	return spell(c)
}

// spell sets out to the secret key's curve and text and public to its public
// key, if c is OK.
func spell(c code.Code) code.Code {
	out = out[:0]
	if c == code.OK {
		if cap(out) < 4*key.MaxText {
			out = make([]byte, 0, 4*key.MaxText) // or appending would leave a copy of the key
		}
		public = secret.Public()
		out = append(out, byte(secret.Curve))
		out = appendText(out, secret.AppendText)
	}
	return c
}

// pairAnswer answers with what spell found. The public key's text is written
// here, when the secret one is gone: that takes its own time for each.
func pairAnswer(c code.Code) uint32 {
	if c == code.OK {
		out = appendText(out, public.AppendText)
	}
	return answer(c, out)
}

// appendText appends a text as a field.
func appendText(dst []byte, text func([]byte) []byte) []byte {
	at := len(dst)
	dst = text(append(dst, 0, 0, 0, 0))
	n := len(dst) - at - 4
	dst[at], dst[at+1] = byte(n), byte(n>>8)
	return dst
}

// public_key(size): a private key's text → as public_text.
//
//go:wasmexport public_key
func exportPublicKey(size uint32) uint32 {
	c := publicOf(size)
	erase()
	return publicAnswer(c)
}

//go:noinline
func publicOf(size uint32) code.Code {
	c := key.ParsePrivate(&secret, taken(size))
	if c == code.OK {
		public = secret.Public()
	}
	return c
}

// public_text(size): a public key's text → curve, compressed point, then as
// fields its PUB_ text and its legacy text, empty where there is none.
//
//go:wasmexport public_text
func exportPublicText(size uint32) (at uint32) {
	var c code.Code
	public, c = key.ParsePublic(taken(size))
	return publicAnswer(c)
}

// public_of(size): curve, compressed point → as public_text.
//
//go:wasmexport public_of
func exportPublicOf(size uint32) uint32 {
	b := taken(size)
	if len(b) != 34 || b[0] > byte(key.R1) {
		return answer(code.InvalidArgument, nil)
	}
	public.Curve = key.Curve(b[0])
	copy(public.Point[:], b[1:])
	if !public.OnCurve() {
		return answer(code.InvalidPublicKey, nil)
	}
	return publicAnswer(code.OK)
}

func publicAnswer(c code.Code) uint32 {
	out = out[:0]
	if c == code.OK {
		out = append(append(out, byte(public.Curve)), public.Point[:]...)
		out = appendText(out, public.AppendText)
		out = appendText(out, func(dst []byte) []byte {
			dst, _ = public.AppendLegacy(dst)
			return dst
		})
	}
	return answer(c, out)
}

// signature_text(size): a signature's text → curve, 65 compact bytes.
//
//go:wasmexport signature_text
func exportSignatureText(size uint32) uint32 {
	var c code.Code
	if signature, c = sig.Parse(taken(size)); c != code.OK {
		return answer(c, nil)
	}
	out = append(append(out[:0], byte(signature.Curve)), signature.Compact[:]...)
	return answer(c, out)
}

// signature_of(size): curve, 65 compact bytes → the signature's text.
//
//go:wasmexport signature_of
func exportSignatureOf(size uint32) uint32 {
	b := taken(size)
	if len(b) != 66 || b[0] > byte(key.R1) {
		return answer(code.InvalidArgument, nil)
	}
	signature.Curve = key.Curve(b[0])
	copy(signature.Compact[:], b[1:])
	out = signature.AppendText(out[:0])
	// What the text says is held to what any text is.
	_, c := sig.Parse(out)
	if c != code.OK {
		return answer(c, nil)
	}
	return answer(c, out)
}

// sign_digest(size): 32 bytes, a private key's text → the signature's text.
//
//go:wasmexport sign_digest
func exportSignDigest(size uint32) uint32 {
	c := signDigest(size)
	erase()
	if c != code.OK {
		return answer(c, nil)
	}
	out = signature.AppendText(out[:0])
	return answer(c, out)
}

//go:noinline
func signDigest(size uint32) code.Code {
	r := reader{rest: taken(size)}
	d := r.bytes(digest.Size)
	if r.bad {
		return code.InvalidArgument
	}
	if c := key.ParsePrivate(&secret, r.rest); c != code.OK {
		return c
	}
	return sig.Sign(&signature, &secret, (*digest.Hash)(d))
}

// verify_digest(size): 32 bytes, a public key's text as a field, a
// signature's text → whether the key made it.
//
//go:wasmexport verify_digest
func exportVerifyDigest(size uint32) uint32 {
	r := reader{rest: taken(size)}
	d, text := r.bytes(digest.Size), r.field()
	if r.bad {
		return answer(code.InvalidArgument, nil)
	}
	var c code.Code
	if public, c = key.ParsePublic(text); c == code.OK {
		if signature, c = sig.Parse(r.rest); c == code.OK {
			c = sig.Verify(&public, (*digest.Hash)(d), &signature)
		}
	}
	return answer(c, nil)
}

// recover(size): 32 bytes, a signature's text → as public_text, of the key
// that made it.
//
//go:wasmexport recover
func exportRecover(size uint32) uint32 {
	r := reader{rest: taken(size)}
	d := r.bytes(digest.Size)
	c := code.InvalidArgument
	if !r.bad {
		if signature, c = sig.Parse(r.rest); c == code.OK {
			c = sig.Recover(&public, (*digest.Hash)(d), &signature)
		}
	}
	return publicAnswer(c)
}
