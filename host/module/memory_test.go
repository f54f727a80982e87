package module

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
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
	words := slices.Clone(b) // as SHA-256 reads them
	for i := 0; i < len(words); i += 4 {
		slices.Reverse(words[i : i+4])
	}
	return map[string][]byte{"big-endian": b[:16], "big-endian, its end": b[16:], "little-endian": little[:16], "little-endian, its end": little[16:],
		"in words": words[:16], "in limbs": limbs(x), "in Montgomery form": limbs(montgomery)}
}

// seeded is the state of HMAC_DRBG (SHA-256) after it was seeded as the
// JavaScript libraries do: who has it has the nonce. Attempt 0 is R1's.
func seeded(key, digest []byte, attempt byte) (k, v []byte) {
	material := slices.Concat(key, digest)
	if attempt > 0 {
		material = append(material, attempt)
	}
	return seededWith(material)
}

// seededWith is the same of any material.
func seededWith(material []byte) (k, v []byte) {
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	k, v = make([]byte, 32), bytes.Repeat([]byte{1}, 32)
	for tag := range byte(2) {
		k = mac(k, v, []byte{tag}, material)
		v = mac(k, v)
	}
	return k, v
}

// wifOf is a K1 key in the form of old wallets.
func wifOf(curve string, scalar []byte) []byte {
	if curve != "K1" {
		return nil
	}
	raw := append([]byte{0x80}, scalar...)
	first := digest.SHA256(raw)
	sum := digest.SHA256(first[:])
	return digest.AppendBase58(nil, append(raw, sum[:4]...))
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
		compact := signed(t, p, d, k.Private)
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
		for attempt := range byte(8) {
			key, value := seeded(seed[:], new(big.Int).Mod(z, n).FillBytes(make([]byte, 32)), attempt)
			wanted[fmt.Sprintf("the generator's key, attempt %d", attempt)] = key[:16]
			wanted[fmt.Sprintf("the generator's value, attempt %d", attempt)] = value[:16]
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
		if curve.name == "K1" {
			receipt, err := p.SignReceipt(t.Context(), unsignedReceipt(), k.Private)
			if err != nil {
				t.Fatal(err)
			}
			canonical, err := p.Canonicalize(t.Context(), unsignedReceipt())
			if err != nil {
				t.Fatal(err)
			}
			h := digest.SHA256(canonical)
			_, compact, err := p.ParseSignature(t.Context(), signatureOf(t, receipt))
			if err != nil {
				t.Fatal(err)
			}
			r, s := new(big.Int).SetBytes(compact[1:33]), new(big.Int).SetBytes(compact[33:])
			walked := new(big.Int).Mul(r, x)
			walked.Add(walked, new(big.Int).SetBytes(h[:])).Mul(walked, new(big.Int).ModInverse(s, n)).Mod(walked, n)
			for _, k := range []*big.Int{walked, new(big.Int).Sub(n, walked), new(big.Int).ModInverse(walked, n)} {
				for how, b := range spellings(n, k) {
					wanted[fmt.Sprintf("a receipt's nonce %x, %s", k.Bytes()[:4], how)] = b
				}
			}
			for draw := range byte(3) {
				key, value := seededWith(slices.Concat(seed[:], new(big.Int).Mod(new(big.Int).SetBytes(h[:]), n).FillBytes(make([]byte, 32)), []byte{draw + 1, 1}))
				wanted[fmt.Sprintf("a receipt's generator's key, draw %d", draw+1)] = key[:16]
				wanted[fmt.Sprintf("a receipt's generator's value, draw %d", draw+1)] = value[:16]
			}
			if _, err := p.SignReceipt(t.Context(), unsignedReceipt(), k.Private); err != nil {
				t.Fatal(err)
			}
			clean("signing a receipt")
		}
		if wif := wifOf(k.Curve, seed[:]); wif != nil {
			wanted["WIF"] = wif[10:40]
			if _, err := p.SignDigest(t.Context(), d, wif); err != nil {
				t.Fatal(err)
			}
			clean("signing a digest with WIF")
		}
		if _, err := p.ParsePrivate(t.Context(), k.Private); err != nil {
			t.Fatal(err)
		}
		clean("respelling it")
		other, err := p.KeyFromRandom(t.Context(), curve.name, (*[32]byte)(bytes.Repeat([]byte{7}, 32)))
		if err != nil {
			t.Fatal(err)
		}
		// Whatever is wrong with a call, it wipes what came with it.
		damaged := slices.Clone(k.Private)
		damaged[len(damaged)-1] ^= 1
		foreign := bytes.Replace(event, []byte(k.Public), []byte(other.Public), 1)
		signed := bytes.Replace(event, []byte(`,"type"`), []byte(`,"sig":"","type"`), 1)
		raw := append([]byte{0}, seed[:]...)
		for name, call := range map[string]struct {
			operation string
			size      int // beyond the input's
			input     []byte
		}{
			"no event":                     {"sign", 0, slices.Concat(field(k.Private), []byte(`{"no":"event"}`))},
			"another's event":              {"sign", 0, slices.Concat(field(k.Private), foreign)},
			"a signed event":               {"sign", 0, slices.Concat(field(k.Private), signed)},
			"a wrong checksum":             {"sign", 0, slices.Concat(field(damaged), event)},
			"a field that is cut off":      {"sign", 0, field(k.Private)[:50]},
			"too long a size":              {"sign", 1, slices.Concat(field(k.Private), event)},
			"too short a size":             {"sign", -len(event) - 1, slices.Concat(field(k.Private), event)},
			"no receipt":                   {"sign_receipt", 0, slices.Concat(field(k.Private), []byte("{}"))},
			"a receipt, a wrong checksum":  {"sign_receipt", 0, slices.Concat(field(damaged), unsignedReceipt())},
			"a receipt, cut off":           {"sign_receipt", 0, field(k.Private)[:50]},
			"a receipt, too short a size":  {"sign_receipt", -len(unsignedReceipt()) - 1, slices.Concat(field(k.Private), unsignedReceipt())},
			"no digest":                    {"sign_digest", 0, k.Private[:31]},
			"a digest, a wrong checksum":   {"sign_digest", 0, slices.Concat(d[:], damaged)},
			"a digest, too long a size":    {"sign_digest", 9, slices.Concat(d[:], k.Private)},
			"respelling, a wrong checksum": {"private_text", 0, damaged},
			"respelling, a space":          {"private_text", 0, append([]byte(" "), k.Private...)},
			"its public key, cut off":      {"public_key", 0, k.Private[:len(k.Private)-1]},
			"its public key, size 0":       {"public_key", -len(k.Private), k.Private},
			"random bytes, no curve":       {"key_from_random", 0, append([]byte{2}, seed[:]...)},
			"random bytes, one too many":   {"key_from_random", 0, append(raw, 0)},
		} {
			n, err := in.put(t.Context(), call.input)
			if err != nil {
				t.Fatal(err)
			}
			params := []uint32{n + uint32(call.size), 0}
			at, err := in.call(t.Context(), call.operation, params...)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := in.read(at, 4); err != nil || binary.LittleEndian.Uint32(b) == 0 {
				t.Errorf("%s: it succeeded, %v", name, err)
			}
			clean(name)
		}
		// Input that no operation took goes when other input comes.
		for _, size := range []uint32{3, maxInput} {
			if _, err := in.put(t.Context(), k.Private); err != nil {
				t.Fatal(err)
			}
			if _, err := in.call(t.Context(), "input", size); err != nil {
				t.Fatal(err)
			}
			clean("input that was not used")
		}
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

// Nor is a key anywhere that the module's memory was before it grew, or after
// its instance is closed.
func TestMemoryIsWipedWhereItWas(t *testing.T) {
	p, _ := one(t)
	k, err := p.GenerateKey(t.Context(), "K1")
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"a":"` + strings.Repeat("b", 200<<10) + `"}`)
	event, _, err := p.Create(t.Context(), Draft{Type: "LIKE", Author: k.Public, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.instantiate(t.Context()) // one that is small yet
	if err != nil {
		t.Fatal(err)
	}
	n, err := in.put(t.Context(), field(k.Private), event)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := in.memory.Read(0, in.memory.Size())
	if !bytes.Contains(before, k.Private) {
		t.Fatal("the key is not where it was put")
	}
	at, err := in.call(t.Context(), "sign", n, 0)
	if err != nil {
		t.Fatal(err)
	}
	after, _ := in.memory.Read(0, in.memory.Size())
	if v, err := in.verdict(at); err != nil || in.refusal(v) != nil {
		t.Fatalf("%v, %v", in.refusal(v), err)
	}
	if len(after) == len(before) {
		t.Fatal("the memory did not grow")
	}
	if i := bytes.IndexFunc(before, func(r rune) bool { return r != 0 }); i >= 0 {
		t.Errorf("what the memory was before it grew holds something at %d", i)
	}
	in.close()
	if i := bytes.IndexFunc(after, func(r rune) bool { return r != 0 }); i >= 0 {
		t.Errorf("what the memory was before its instance was closed holds something at %d", i)
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
	text, compact := []byte(signatureOf(t, record)), make([]byte, 66)
	round(whole, call("recover", v.meta.Hash[:], text))
	round(whole, call("verify_digest", v.meta.Hash[:], field(k.Public), text))
	round(whole, call("sign_digest", v.meta.Hash[:], k.Private))
	round(whole, call("private_text", k.Private))
	receipt, err := p.SignReceipt(ctx, unsignedReceipt(), k.Private)
	if err != nil {
		t.Fatal(err)
	}
	proof, trust := proofFile(t, "valid.json", "cosigned, group g 2")
	round(whole, call("sign_receipt", field(k.Private), unsignedReceipt()))
	round(whole, call("verify_receipt", receipt))
	round(whole/8, call("verify_proof", field(trust), proof))
	anchored, _ := proofFile(t, "anchored.json", "eight signatures")
	round(whole/8, call("verify_proof", field(trust), anchored))
	round(calls/20, call("verify_proof", field(trust), proof[:len(proof)-1]))
	round(whole, call("key_from_random", bytes.Repeat([]byte{0, 9}, 17)[:33]))
	round(whole, call("public_of", v.meta.AuthorKey[:]))
	round(calls/20, call("signature_text", text))
	round(calls/20, call("signature_of", compact))
	round(calls/20, call("sha256", record))
	round(calls/20, func() error { _, err := in.call(ctx, "preimage"); return err })
	round(calls/20, func() error { _, err := in.call(ctx, "version"); return err })
	// Batches of every size: what one leaves behind does not add up.
	size, batch := in.memory.Size(), []byte(nil)
	for range 1024 {
		batch = append(batch, field(bad)...)
		if err := call("verify_batch", batch)(); err != nil {
			t.Fatal(err)
		}
	}
	if grown := in.memory.Size() - size; grown > 8<<20 {
		t.Errorf("batches of 1 to 1,024 events took %d bytes", grown)
	}
}

func signatureOf(t *testing.T, record []byte) string {
	_, rest, ok := bytes.Cut(record, []byte(`"sig":"`))
	s, _, found := bytes.Cut(rest, []byte(`"`))
	if !ok || !found {
		t.Fatalf("no signature in %s", record)
	}
	return string(s)
}

// The worst texts of the largest size, all kinds in turn, are refused or taken
// and leave the memory, which the pool bounds, as large as they left it the
// first time.
func TestWorstTexts(t *testing.T) {
	p, err := Open(t.Context(), Config{Instances: 1, MaxEvent: MaxRecordBytes, CallTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	in := <-p.free
	p.free <- in
	fill := func(open, item, end string) []byte {
		return []byte(open + strings.Repeat(item, (MaxRecordBytes-len(open)-len(end))/len(item)) + end)
	}
	names := func(format string) []byte {
		b := []byte{'{'}
		for i := 1 << 21; len(b) < MaxRecordBytes-40; i-- {
			b = fmt.Appendf(b, format, i*0x9e3779b1&(1<<30-1))
		}
		return append(b, `"":0}`...)
	}
	texts := map[string][]byte{
		"one name":         fill("{", `"":0,`, `"":0}`),
		"two names":        fill("{", `"":0,"a":0,`, `"":0}`),
		"names":            names(`"%x":0,`),
		"names, numbers":   names(`"%x":1e20,`),
		"unsorted pairs":   fill("[", `{"b":0,"":0},`, `0]`),
		"numbers in pairs": fill("[", `{"b":1e20,"":1e20},`, `0]`),
		"numbers":          fill("[", `1e20,`, `0]`),
		"small numbers":    fill("[", `1e-6,`, `0]`),
		"digits":           fill("", `7`, ``),
		"arrays":           fill("[", `[],`, `0]`),
		"left open":        fill("{", `"":[{"b":0,"a":0},`, `0`),
		"brackets":         fill("", `[`, ``),
		"escapes":          fill(`"`, `\u0000`, `"`),
		"a long name":      fill(`{"x":`, `{"`+strings.Repeat("n", 60000)+`":`, ``),
	}
	var size uint32
	for range 2 {
		for name, text := range texts {
			began := time.Now()
			var refused *code.Error
			if _, err := p.Canonicalize(t.Context(), text); err != nil && !errors.As(err, &refused) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := p.Verify(t.Context(), text); !errors.As(err, &refused) {
				t.Errorf("%s, as an event: %v", name, err)
			}
			t.Logf("%s: %v, %d MiB", name, time.Since(began), in.memory.Size()>>20)
		}
		if size == 0 {
			size = in.memory.Size()
		}
	}
	if s := p.Stats(); s.Traps > 0 || in.memory.Size() != size {
		t.Errorf("%+v, memory of %d, then %d bytes", s, size, in.memory.Size())
	}
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
	_, err := do(t.Context(), p, func(ctx context.Context, in *instance, _ []byte) (int, error) {
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

// signed returns the 65 bytes of a key's signature of d.
func signed(t *testing.T, p *Pool, d digest.Hash, private []byte) [65]byte {
	t.Helper()
	s, err := p.SignDigest(t.Context(), d, private)
	if err != nil {
		t.Fatal(err)
	}
	_, compact, err := p.ParseSignature(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}
