package testvectors

import (
	"errors"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
)

// seeds calls add for every case of the operations.
func seeds(f *testing.F, add func(in *In), ops ...string) {
	for _, file := range load(f) {
		for i := range file.Cases {
			for _, op := range ops {
				if c := &file.Cases[i]; c.Op == op && len(c.In.Text) < 64<<10 {
					add(&c.In)
				}
			}
		}
	}
}

// agree holds two implementations to one verdict and, where both accept, to
// one result.
func agree(t *testing.T, op string, in *In, a, b implementation) {
	outA, errA := a(op, in)
	outB, errB := b(op, in)
	for _, err := range []error{errA, errB} {
		var e *code.Error
		if err != nil && (!errors.As(err, &e) || e.Code == code.Internal || e.Code == code.OK) {
			t.Fatalf("no refusal: %v", err)
		}
	}
	if (errA == nil) != (errB == nil) {
		t.Fatalf("%s %s:\n%v\n%v", op, show(in), errA, errB)
	}
	if errA == nil && show(outA) != show(outB) {
		t.Fatalf("%s %s:\n%s\n%s", op, show(in), show(outA), show(outB))
	}
	if errA != nil && errA.Error() != errB.Error() {
		// Another code or place is no disagreement, but worth a look.
		t.Logf("%v, the other says %v", errA, errB)
	}
}

// The native signatures against eos-go and the standard library.
func FuzzSignature(f *testing.F) {
	seeds(f, func(in *In) { f.Add(in.Public, in.Signature, []byte(in.Digest)) }, "verify_digest")
	f.Fuzz(func(t *testing.T, public, signature string, digest []byte) {
		if len(digest) != 32 {
			return
		}
		agree(t, "verify_digest", &In{Public: public, Signature: signature, Digest: digest}, native, referenceRun)
	})
}

// The same with a right checksum around whatever the fuzzer makes of the bytes.
func FuzzCompactSignature(f *testing.F) {
	f.Add(false, make([]byte, 33), make([]byte, 65), make([]byte, 32))
	f.Fuzz(func(t *testing.T, r1 bool, point, compact, digest []byte) {
		if len(digest) != 32 || len(point) > 40 || len(compact) > 72 {
			return
		}
		curve := "K1"
		if r1 {
			curve = "R1"
		}
		in := &In{Public: "PUB_" + curve + "_" + encodeChecked(point, curve), Signature: "SIG_" + curve + "_" + encodeChecked(compact, curve), Digest: digest}
		agree(t, "verify_digest", in, native, referenceRun)
	})
}

// The native canonicalizer against jcs.
func FuzzCanonicalize(f *testing.F) {
	seeds(f, func(in *In) { f.Add([]byte(in.Text)) }, "canonicalize")
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, "canonicalize", &In{Text: text}, native, referenceRun)
	})
}

// Whole events, judged twice.
func FuzzVerify(f *testing.F) {
	seeds(f, func(in *In) { f.Add([]byte(in.Text)) }, "verify")
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, "verify", &In{Text: text}, native, referenceRun)
		agree(t, "hash", &In{Text: text}, native, referenceRun)
	})
}
