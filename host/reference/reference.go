// Package reference is the second opinion: it judges an event with code that
// shares nothing with the module: gowebpki/jcs for the canonical form,
// eos-go/ecc for secp256k1, the standard library's P-256 and SHA-256. It is
// the only package that imports the first two.
//
// Neither library is safe on hostile input as it stands, so each is called
// behind guards that this package states one by one:
//
//   - jcs reports every refusal as a text, nests 10,000 deep and has no opinion
//     on integers that a double cannot hold; scan.go reads the text first, with
//     the limits of an event, and gives the code and the place.
//   - eos-go/ecc crashes on a signature whose r is 0 or n, takes r and s beyond
//     the order, recovery headers of uncompressed keys and x coordinates that
//     are on no point of the curve, reads and prints K1 keys with the legacy
//     checksum alone, reads PVT_K1_ as if WIF followed, has no R1, and does not
//     ask for the EOS-canonical form; text.go, k1.go and r1.go do.
//
// A panic that gets past the guards is still not a crash: it is a refusal with
// code.Internal, which callers treat as a disagreement.
//
// Two implementations agree when both refuse, or both accept with the same
// hash and record digest; see [CrossCheck]. Codes are given as the module
// gives them wherever this package can tell them apart, which is everywhere
// but for a text with several faults; they are for the reader of a log.
package reference

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Limits of an event, from the specification of the format.
const (
	DefaultMaxBytes = 256 << 10 // the event limit unless configured
	maxEventDepth   = 64        // arrays and objects within each other, the event itself included
	maxTextDepth    = 1000      // the same for Canonicalize
	maxTextBytes    = 4 << 20   // the limit on what Canonicalize takes
	maxParents      = 256
	maxSafeInteger  = 1<<53 - 1
)

// Options say what a host admits. The zero value is the default.
type Options struct {
	MaxBytes int               // largest event in bytes; 0 is DefaultMaxBytes
	Types    map[string]uint32 // registered types beside the built-in ones: name → code
}

// A Result is what the reference found in a valid event.
type Result struct {
	Hash         digest.Hash // SHA-256 of the preimage
	RecordDigest digest.Hash // SHA-256 of Record
	Preimage     []byte      // RFC 8785 form without sig
	Record       []byte      // RFC 8785 form
	Type         string
	TypeCode     uint32
	Author       string // as the event spells it
	AuthorKey    string // hex of the curve (00 K1, 01 R1) and the 33-byte compressed point
	CreatedAt    uint64 // Unix seconds
	Parents      []digest.Hash
}

// Verify judges a whole signed event in any JSON spelling. The error is a
// *code.Error; the Result is zero then. It keeps nothing of text and may be
// called from many goroutines.
func Verify(text []byte, o Options) (r Result, err error) {
	defer recovered(&r, &err)
	e, err := read(text, o, true)
	if err != nil {
		return Result{}, err
	}
	if err := e.checkAuthor(); err != nil {
		return Result{}, err
	}
	if err := e.checkSignature(); err != nil {
		return Result{}, err
	}
	return e.Result, nil
}

// Hash names an event in any JSON spelling, signed or not: it fills Hash and
// Preimage and looks at neither key nor signature. The error is a *code.Error.
func Hash(text []byte, o Options) (r Result, err error) {
	defer recovered(&r, &err)
	e, err := read(text, o, false)
	if err != nil {
		return Result{}, err
	}
	return Result{Hash: e.Hash, Preimage: e.Preimage}, nil
}

// Canonicalize returns the RFC 8785 form of text. The error is a *code.Error.
func Canonicalize(text []byte) (out []byte, err error) {
	defer recovered(&out, &err)
	if len(text) > maxTextBytes {
		return nil, refuse(code.TooLarge, "", "")
	}
	return canonical(text, maxTextDepth, false)
}

// VerifyDigest judges a signature alone: nil if it is in its one valid form and
// the key that it recovers to for the digest is public, else a *code.Error.
func VerifyDigest(public, signature string, d digest.Hash) (err error) {
	var none struct{}
	defer recovered(&none, &err)
	e := event{Result: Result{Author: public, Hash: d}, sig: signature}
	if err := e.checkAuthor(); err != nil {
		return err
	}
	return e.checkSignature()
}

// CrossCheck asks the reference about an event that the module has judged:
// verdict is the module's error, nil if it found the event valid with the
// given hash and record digest. It returns nil when both agree, and a
// *code.Error of code.ImplementationsDisagree that names both opinions when
// they do not.
func CrossCheck(text []byte, o Options, hash, record digest.Hash, verdict error) error {
	r, err := Verify(text, o)
	var detail string
	switch {
	case errors.Is(err, &code.Error{Code: code.Internal}):
		detail = fmt.Sprintf("the reference failed: %v", err)
	case err != nil && verdict != nil:
		return nil
	case err != nil:
		detail = fmt.Sprintf("the module accepts, the reference says %v", err)
	case verdict != nil:
		detail = fmt.Sprintf("the reference accepts, the module says %v", verdict)
	case r.Hash != hash:
		detail = fmt.Sprintf("hash %s by the module, %s by the reference", hash, r.Hash)
	case r.RecordDigest != record:
		detail = fmt.Sprintf("record digest %s by the module, %s by the reference", record, r.RecordDigest)
	default:
		return nil
	}
	return &code.Error{Code: code.ImplementationsDisagree, Detail: detail}
}

// recovered turns a panic of a library into a refusal.
func recovered[T any](r *T, err *error) {
	if p := recover(); p != nil {
		var zero T
		*r, *err = zero, &code.Error{Code: code.Internal, Detail: fmt.Sprintf("the reference panicked: %v", p)}
	}
}

func refuse(c code.Code, pointer, detail string) error {
	return &code.Error{Code: c, Pointer: pointer, Detail: detail}
}

func sum(b []byte) digest.Hash { return sha256.Sum256(b) }
