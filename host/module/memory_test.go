package module

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

func one(t testing.TB) (*Pool, *instance) {
	p, err := Open(t.Context(), Config{Instances: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	in := <-p.free
	p.free <- in
	return p, in
}

// spellings are the ways that a number below n may lie in memory.
func spellings(n, x *big.Int) map[string][]byte {
	b := x.FillBytes(make([]byte, 32))
	little := slices.Clone(b)
	slices.Reverse(little)
	limbs := func(x *big.Int) (out []byte) {
		x = new(big.Int).Set(x)
		mask := big.NewInt(1<<29 - 1)
		for range 3 {
			out = binary.LittleEndian.AppendUint64(out, new(big.Int).And(x, mask).Uint64())
			x.Rsh(x, 29)
		}
		return out
	}
	montgomery := new(big.Int).Lsh(x, 261)
	montgomery.Mod(montgomery, n)
	return map[string][]byte{"big-endian": b[:16], "little-endian": little[:16], "in limbs": limbs(x), "in Montgomery form": limbs(montgomery)}
}

// After a call with a private key neither the key nor the nonce is anywhere in
// the module's memory.
func TestSecretsAreWiped(t *testing.T) {
	p, in := one(t)
	for _, curve := range []struct{ name, order string }{
		{"K1", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"},
		{"R1", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
	} {
		n, _ := new(big.Int).SetString(curve.order, 16)
		seed := digest.SHA256([]byte("a seed for " + curve.name))
		x := new(big.Int).SetBytes(seed[:])
		k, err := p.KeyFromRandom(t.Context(), curve.name, (*[32]byte)(&seed))
		if err != nil {
			t.Fatal(err)
		}
		wanted := map[string][]byte{"text": k.Private[7:39]}
		clean := func(after string) {
			t.Helper()
			memory, _ := in.memory.Read(0, in.memory.Size())
			for what, b := range wanted {
				if at := bytes.Index(memory, b); at >= 0 {
					t.Errorf("%s: %s lies at %d after %s", curve.name, what, at, after)
				}
			}
		}
		for how, b := range spellings(n, x) {
			wanted["the key, "+how] = b
		}
		clean("making it")
		d := digest.SHA256([]byte("what is signed"))
		s, err := p.SignDigest(t.Context(), d, k.Private)
		if err != nil {
			t.Fatal(err)
		}
		_, compact, err := p.ParseSignature(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		// k = (z + r·x)/s, or its negative where s was lowered.
		r, sInt, z := new(big.Int).SetBytes(compact[1:33]), new(big.Int).SetBytes(compact[33:]), new(big.Int).SetBytes(d[:])
		nonce := new(big.Int).Mul(r, x)
		nonce.Add(nonce, z).Mul(nonce, new(big.Int).ModInverse(sInt, n)).Mod(nonce, n)
		for how, b := range spellings(n, nonce) {
			wanted["the nonce, "+how] = b
		}
		for how, b := range spellings(n, new(big.Int).Sub(n, nonce)) {
			wanted["the nonce's negative, "+how] = b
		}
		for how, b := range spellings(n, new(big.Int).ModInverse(nonce, n)) {
			wanted["the nonce's inverse, "+how] = b
		}
		clean("signing a digest")
		event, _, err := p.Create(t.Context(), Draft{Type: "LIKE", Author: k.Public, Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Sign(t.Context(), event, k.Private); err != nil {
			t.Fatal(err)
		}
		clean("signing an event")
		if _, err := p.PublicKey(t.Context(), k.Private); err != nil {
			t.Fatal(err)
		}
		clean("asking for its public key")
		if _, err := p.ParsePrivate(t.Context(), k.Private); err != nil {
			t.Fatal(err)
		}
		clean("respelling it")
		if _, err := p.Sign(t.Context(), []byte(`{"no":"event"}`), k.Private); err == nil {
			t.Fatal("no event was signed")
		}
		clean("a refusal to sign")
	}
	// The scan itself finds what is there.
	secret := []byte("something to be found in memory!")
	if _, err := in.put(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if memory, _ := in.memory.Read(0, in.memory.Size()); !bytes.Contains(memory, secret) {
		t.Error("the scan is blind")
	}
}

// A million calls leave the memory as large as a few did.
func TestMemoryStays(t *testing.T) {
	p, in := one(t)
	k, err := p.GenerateKey(t.Context(), "K1")
	if err != nil {
		t.Fatal(err)
	}
	event, _, err := p.Create(t.Context(), Draft{Type: "LIKE", Author: k.Public, Body: []byte(`{"b":1,"a":[0.1]}`)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Sign(t.Context(), event, k.Private)
	if err != nil {
		t.Fatal(err)
	}
	record := v.Record()
	bad := append([]byte(" "), record[:len(record)-20]...)
	calls, whole := 1000000, 4000
	if testing.Short() {
		calls, whole = 50000, 1000
	}
	round := func(n int, f func() error) {
		t.Helper()
		f()
		before := in.memory.Size()
		for range n {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		if after := in.memory.Size(); after != before {
			t.Errorf("%d calls took memory from %d to %d bytes", n, before, after)
		}
	}
	ctx := t.Context()
	call := func(name string, input ...[]byte) func() error {
		return func() error {
			n, err := in.put(ctx, input...)
			if err == nil {
				_, err = in.call(ctx, name, n, 0)
			}
			return err
		}
	}
	round(calls, call("verify", bad))
	round(calls/4, call("name", record))
	round(calls/4, call("canonicalize", record))
	round(whole, call("verify", record))
	round(whole/8, call("verify_batch", bytes.Repeat(append(field(record), field(bad)...), 8)))
	round(whole, call("sign", field(k.Private), event))
	round(whole, call("public_key", k.Private))
	round(whole, call("public_text", []byte(k.Legacy)))
	round(whole, call("recover", make([]byte, 32), record[:0]))
	round(whole, call("create", make([]byte, 8), field("LIKE"), field(k.Public), field("[]"), field("{}")))
	round(whole, call("register_types", binary.LittleEndian.AppendUint32(nil, 900), field("ACME")))
	round(whole, func() error { _, err := in.call(ctx, "types"); return err })
	round(whole, call("inclusion", make([]byte, 160)))
}

// Whatever the parameters are, no export traps or reads what it should not.
func TestExportsTakeAnything(t *testing.T) {
	p, in := one(t)
	garbage := [][]byte{{}, {0}, bytes.Repeat([]byte{0xff}, 100), bytes.Repeat([]byte{0}, 200), []byte("PVT_K1_"), binary.LittleEndian.AppendUint32(nil, 1<<31)}
	ctx := t.Context()
	for _, name := range operations {
		for _, g := range garbage {
			n, err := in.put(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []uint32{n, 0, n + 1, 1 << 31, 1<<32 - 1} {
				if _, err := in.call(ctx, name, size, 1<<32-1); err != nil {
					t.Errorf("%s of %x with size %d: %v", name, g, size, err)
				}
			}
		}
	}
	if at, err := in.call(ctx, "input", maxInput+1); err != nil || at != 0 {
		t.Errorf("input beyond the limit: %d, %v", at, err)
	}
	if at, err := in.call(ctx, "input", maxInput); err != nil || at == 0 {
		t.Errorf("input at the limit: %d, %v", at, err)
	}
	_ = p
}

// An instance that trapped is not used again.
func TestTrappedInstanceIsReplaced(t *testing.T) {
	p, in := one(t)
	_, err := do(t.Context(), p, func(ctx context.Context, in *instance) (int, error) {
		in.memory.Write(0, bytes.Repeat([]byte{0xff}, int(in.memory.Size())))
		_, err := in.ask(ctx, "canonicalize", []byte(`{"a":1}`))
		return 0, err
	})
	if !errors.Is(err, ErrTrapped) {
		t.Fatalf("a broken instance: %v", err)
	}
	if fresh := <-p.free; fresh == in || fresh == nil {
		t.Fatal("it was not replaced")
	} else {
		p.free <- fresh
	}
	if out, err := p.Canonicalize(t.Context(), []byte(`{"b":1,"a":2}`)); err != nil || string(out) != `{"a":2,"b":1}` {
		t.Errorf("%s, %v", out, err)
	}
	if s := p.Stats(); s.Traps != 1 {
		t.Errorf("%+v", s)
	}
}
