package module

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/eventseal/eventseal/wasm"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Until a key is erased, what the compiled module does depends on the lengths
// of its texts and on how many attempts a signature takes, on nothing else
// that is secret: the same branches, the same addresses, the same dividends.
func TestSecretsDoNotShowInWhatIsDone(t *testing.T) {
	m := newTraced(t)
	p, _ := one(t)
	var d digest.Hash
	for _, curve := range []struct{ name, order string }{
		{"K1", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"},
		{"R1", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
	} {
		n, _ := new(big.Int).SetString(curve.order, 16)
		traces := map[string]map[string]bool{}
		hold := func(what, operation string, input []byte) {
			if traces[what] == nil {
				traces[what] = map[string]bool{}
			}
			traces[what][m.trace(operation, input)] = true
		}
		for i := range 160 {
			x := sha256.Sum256(fmt.Append(nil, curve.name, i))
			d = sha256.Sum256(x[:])
			switch {
			case i < 8: // what is special about a number
				x = [32]byte{31: byte(i + 1)}
			case i < 16:
				new(big.Int).Sub(n, big.NewInt(int64(i-7))).FillBytes(x[:])
			case i < 24:
				x[i-16] = 0
			}
			k, err := p.KeyFromRandom(t.Context(), curve.name, &x)
			if err != nil {
				t.Fatal(err)
			}
			length := len(k.Private)
			hold(fmt.Sprintf("making a key of %d letters", length), "key_from_random", append([]byte{curve.name[0]&1 ^ 1}, x[:]...))
			hold(fmt.Sprintf("reading a key of %d letters", length), "private_text", k.Private)
			hold(fmt.Sprintf("the public key for %d letters", length), "public_key", k.Private)
			compact := signed(t, p, d, k.Private)
			tries := attempts(n, x, d, compact)
			hold(fmt.Sprintf("signing with a key of %d letters, attempt %d", length, tries), "sign_digest", append(d[:], k.Private...))
			if wif := wifOf(curve.name, x[:]); wif != nil {
				hold(fmt.Sprintf("signing with WIF of %d letters, attempt %d", len(wif), tries), "sign_digest", append(d[:], wif...))
			}
		}
		for what, seen := range traces {
			if len(seen) != 1 {
				t.Errorf("%s: %s takes %d ways", curve.name, what, len(seen))
			}
		}
		if len(traces) < 4 || len(traces) > 60 {
			t.Errorf("%s: %d kinds of call", curve.name, len(traces))
		}
	}
	// The trace itself sees what differs.
	text := func(b byte) []byte { return []byte(digest.AppendBase58([]byte("EOS"), bytes.Repeat([]byte{b}, 37))) }
	if m.trace("public_text", text(1)) == m.trace("public_text", text(2)) {
		t.Error("the trace is blind")
	}
}

// In signing an event the author's key is read and the signature written before
// the key is erased, both in their own time. What differs from key to key is in
// the functions that do that, and in no other.
func TestSigningAnEventShowsNoSecret(t *testing.T) {
	m := newTraced(t)
	p, _ := one(t)
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	type call struct {
		sign   string
		public string // reading the key, reading the event, writing the signature
	}
	calls := map[string][]call{}
	for i := range 40 {
		x := sha256.Sum256(fmt.Append(nil, "event", i))
		k, err := p.KeyFromRandom(t.Context(), "K1", &x)
		if err != nil {
			t.Fatal(err)
		}
		event, h, err := p.Create(t.Context(), Draft{Type: "LIKE", Author: k.Public, CreatedAt: 1, Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		compact := signed(t, p, h, k.Private)
		what := fmt.Sprintf("a key of %d letters, attempt %d", len(k.Private), attempts(n, x, h, compact))
		calls[what] = append(calls[what], call{
			sign:   m.trace("sign", append(field(k.Private), event...)),
			public: m.trace("public_text", []byte(k.Public)) + m.trace("name", event) + m.trace("signature_of", append([]byte{0}, compact[:]...)),
		})
	}
	compared := 0
	for what, cs := range calls {
		first := cs[0]
		for _, c := range cs[1:] {
			allowed := 0
			for i := range m.hashes {
				differs := func(a, b string) bool { return a[8*i:8*i+8] != b[8*i:8*i+8] }
				public := false
				for at := 0; at < len(c.public); at += len(c.sign) {
					public = public || differs(first.public[at:], c.public[at:])
				}
				if public {
					allowed++
				} else if differs(first.sign, c.sign) {
					t.Errorf("%s: function %d does not do the same for every key", what, i)
				}
			}
			if compared++; allowed > 6 {
				t.Errorf("%s: %d functions may do what they like", what, allowed)
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d signatures were compared", compared)
	}
}

// In signing a receipt what is done depends on the length of the key's text, on
// how far its nonce was walked and how often it was drawn, on nothing else that
// is secret: the signature's text is written when the key is erased.
func TestSigningAReceiptShowsNoSecret(t *testing.T) {
	m := newTraced(t)
	p, _ := one(t)
	traces := map[string]map[string]bool{}
	for i := range 120 {
		x := sha256.Sum256(fmt.Append(nil, "receipt", i))
		switch {
		case i < 4:
			x = [32]byte{31: byte(i + 1)}
		case i < 8:
			x[i-4] = 0
		}
		k, err := p.KeyFromRandom(t.Context(), "K1", &x)
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := p.Canonicalize(t.Context(), unsignedReceipt())
		if err != nil {
			t.Fatal(err)
		}
		steps, draws := walk(t, p, k.Private, x, sha256.Sum256(canonical))
		for _, private := range [][]byte{k.Private, wifOf("K1", x[:])} {
			what := fmt.Sprintf("a key of %d letters, %v steps, %d draws", len(private), steps, draws)
			if traces[what] == nil {
				traces[what] = map[string]bool{}
			}
			traces[what][m.trace("sign_receipt", append(field(private), unsignedReceipt()...))] = true
		}
	}
	for what, seen := range traces {
		if len(seen) != 1 {
			t.Errorf("%s: it takes %d ways", what, len(seen))
		}
	}
	if len(traces) < 4 || len(traces) > 40 {
		t.Errorf("%d kinds of call", len(traces))
	}
}

// walk returns how many steps each draw of a nonce was walked in signing a
// digest as receipts are signed, and how many draws there were.
func walk(t *testing.T, p *Pool, private []byte, x [32]byte, d digest.Hash) (steps []int, draws int) {
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	z := new(big.Int).Mod(new(big.Int).SetBytes(d[:]), n)
	plain := func(b []byte) bool { return b[0] < 0x80 && (b[0] > 0 || b[1] >= 0x80) }
	for {
		draws++
		key, value := bytes.Clone(x[:]), z.FillBytes(make([]byte, 32))
		k, v := seededWith(append(append(key, value...), byte(draws), 1))
		h := hmac.New(sha256.New, k)
		h.Write(v)
		nonce := new(big.Int).SetBytes(h.Sum(nil))
		for i := 0; ; i++ {
			q, err := p.KeyFromRandom(t.Context(), "K1", (*[32]byte)(nonce.FillBytes(make([]byte, 32))))
			if err != nil {
				t.Fatal(err)
			}
			point, _, err := p.ParsePublic(t.Context(), q.Public)
			if err != nil {
				t.Fatal(err)
			}
			if plain(point[2:]) {
				steps = append(steps, i)
				s := new(big.Int).SetBytes(point[2:])
				s.Mul(s, new(big.Int).SetBytes(x[:])).Add(s, z).Mul(s, new(big.Int).ModInverse(nonce, n)).Mod(s, n)
				if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
					s.Sub(n, s)
				}
				if plain(s.FillBytes(make([]byte, 32))) {
					return steps, draws
				}
				break
			}
			nonce.Add(nonce, big.NewInt(1))
		}
	}
}

// attempts returns which attempt made a signature, 0 for R1.
func attempts(n *big.Int, key [32]byte, d digest.Hash, compact [65]byte) byte {
	x, z := new(big.Int).SetBytes(key[:]), new(big.Int).SetBytes(d[:])
	r, s := new(big.Int).SetBytes(compact[1:33]), new(big.Int).SetBytes(compact[33:])
	nonce := new(big.Int).Mul(r, x)
	nonce.Add(nonce, z).Mul(nonce, new(big.Int).ModInverse(s, n)).Mod(nonce, n)
	for attempt := range byte(200) {
		k, v := seeded(key[:], new(big.Int).Mod(z, n).FillBytes(make([]byte, 32)), attempt)
		h := hmac.New(sha256.New, k)
		h.Write(v)
		first := new(big.Int).SetBytes(h.Sum(nil))
		if first.Cmp(nonce) == 0 || first.Sub(n, first).Cmp(nonce) == 0 {
			return attempt
		}
	}
	return 200
}

// A traced module keeps, for each of its functions, a hash of what was decided
// in it: the outcome of each branch and selection, each address that was read
// or written, each operand of a division. It stops when the stack is erased.
type traced struct {
	t      testing.TB
	module api.Module
	hashes []api.MutableGlobal
	going  api.MutableGlobal
}

func newTraced(t testing.TB) *traced {
	ctx := context.Background()
	file, functions := instrument(t, wasm.Module)
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	m, err := r.InstantiateWithConfig(ctx, file, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	tr := &traced{t: t, module: m, going: m.ExportedGlobal("going").(api.MutableGlobal)}
	for i := range functions {
		tr.hashes = append(tr.hashes, m.ExportedGlobal(fmt.Sprint("hash", i)).(api.MutableGlobal))
	}
	// Tables are filled on first use.
	for _, text := range [][]byte{make([]byte, 33), append([]byte{1}, make([]byte, 32)...)} {
		text[32] = 9
		tr.trace("key_from_random", text)
	}
	return tr
}

// trace calls an operation twice, so that its buffers are there, and returns
// the hashes of the second call.
func (tr *traced) trace(operation string, input []byte) string {
	var all []byte
	for range 2 {
		at := tr.call("input", uint64(len(input)))
		if !tr.module.Memory().Write(uint32(at), input) {
			tr.t.Fatal(errOutside)
		}
		for _, h := range tr.hashes {
			h.Set(0)
		}
		tr.going.Set(1<<64 - 1)
		tr.call(operation, uint64(len(input)))
		all = all[:0]
		for _, h := range tr.hashes {
			all = binary.LittleEndian.AppendUint64(all, h.Get())
		}
	}
	return string(all)
}

func (tr *traced) call(name string, params ...uint64) uint64 {
	f := tr.module.ExportedFunction(name)
	params = append(params, 0)[:len(f.Definition().ParamTypes())] // max_bytes: the default
	out, err := f.Call(context.Background(), params...)
	if err != nil {
		tr.t.Fatal(err)
	}
	return out[0]
}
