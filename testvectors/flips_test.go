package testvectors

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// Each bit of a proof file is bound to all others: with any one of them turned
// the file is refused, or says the very same in another spelling of JSON. So is
// each bit of what is trusted. Of what only a chain can say another may be said.
func TestEveryBitOfAProofCounts(t *testing.T) {
	t.Parallel()
	p, err := module.Open(t.Context(), module.Config{CallTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	plain := caseNamed(t, "proofs/valid.json", "a tree of 8")
	flip(t, p, plain.In.Text, []byte(plain.In.Trust), 1, 0, len(plain.In.Text))
	flip(t, p, []byte(plain.In.Trust), nil, 1, 0, len(plain.In.Trust), plain.In.Text...)
	// Of a cosigned one the cosignatures, which the quorum asks for.
	cosigned := caseNamed(t, "proofs/valid.json", "cosigned, group g all w1 w2 w3\nquorum g")
	from := bytes.Index(cosigned.In.Text, []byte("— witness.example.org/w1"))
	flip(t, p, cosigned.In.Text, []byte(cosigned.In.Trust), 1, from, from+bytes.IndexByte(cosigned.In.Text[from:], '"'))
	// Of an anchored one the anchor, which is the first member, and whose contract is trusted.
	anchored := caseNamed(t, "proofs/anchored.json", "a head of 9 before the checkpoint of 11")
	flip(t, p, anchored.In.Text, nil, 3, 0, bytes.Index(anchored.In.Text, []byte(`,"eventseal_proof"`)))
	contract := caseNamed(t, "proofs/anchored.json", "the contract is known")
	flip(t, p, []byte(contract.In.Trust), nil, 1, 0, len(contract.In.Trust), contract.In.Text...)
}

// flip turns every step-th bit of text from an offset to another.
func flip(t *testing.T, p *module.Pool, text, trust []byte, step, from, to int, file ...byte) {
	t.Helper()
	verify := func(text []byte) (module.ProofReport, error) {
		if file != nil {
			return p.VerifyProof(t.Context(), file, text)
		}
		return p.VerifyProof(t.Context(), text, trust)
	}
	good, err := verify(text)
	if err != nil || !good.Valid || from < 0 {
		t.Fatalf("%+v, %v", good, err)
	}
	if testing.Short() {
		step = 7
	}
	bits := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			flipped := bytes.Clone(text)
			for bit := range bits {
				flipped[bit/8] ^= 1 << (bit % 8)
				r, err := verify(flipped)
				var refused *code.Error
				switch {
				case err != nil && !errors.As(err, &refused):
					t.Errorf("bit %d: %v", bit, err)
				case err == nil && r.Valid && file != nil && flipped[0] == '#': // one bit from a contract's line
				case err == nil && r.Valid && onChain(r, good):
				case err == nil && r.Valid && !bytes.Equal(r.JSON, good.JSON):
					t.Errorf("bit %d: the report is %s", bit, r.JSON)
				case err == nil && r.Valid && !respelt(t, p, text, flipped):
					t.Errorf("bit %d: %s is taken", bit, flipped)
				}
				flipped[bit/8] ^= 1 << (bit % 8)
			}
		})
	}
	for bit := 8 * from; bit < 8*to; bit += step {
		bits <- bit
	}
	close(bits)
	wg.Wait()
}

// onChain reports whether two reports differ in what only a chain can say, and
// in nothing else: the block's time, and its ID behind the block's number.
func onChain(r, good module.ProofReport) bool {
	if r.Anchor == nil || good.Anchor == nil || *r.Anchor == *good.Anchor || [4]byte(r.Anchor.BlockID[:]) != [4]byte(good.Anchor.BlockID[:]) {
		return false
	}
	a := *r.Anchor
	a.BlockID, a.Time = good.Anchor.BlockID, good.Anchor.Time
	b := good
	b.Anchor, b.JSON, r.Anchor, r.JSON = nil, nil, nil, nil
	return a == *good.Anchor && reflect.DeepEqual(r, b)
}

// respelt reports whether two texts are one in canonical form.
func respelt(t *testing.T, p *module.Pool, a, b []byte) bool {
	x, errA := p.Canonicalize(t.Context(), a)
	y, errB := p.Canonicalize(t.Context(), b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

func caseNamed(t *testing.T, path, name string) *Case {
	for _, f := range load(t) {
		for i := range f.Cases {
			if f.Path == path && f.Cases[i].Name == name {
				return &f.Cases[i]
			}
		}
	}
	t.Fatalf("%s has no %q", path, name)
	return nil
}
