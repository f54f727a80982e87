// Package moduletest gives tests a pool and real signed events.
package moduletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

var shared = sync.OnceValues(func() (*module.Pool, error) {
	return module.Open(context.Background(), module.Config{})
})

// Open returns a pool that the test binary shares; it must not be closed.
func Open(t testing.TB) *module.Pool {
	p, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var key = sync.OnceValues(func() (module.KeyPair, error) {
	p, err := shared()
	if err != nil {
		return module.KeyPair{}, err
	}
	return p.GenerateKey(context.Background(), "K1")
})

// Key returns a K1 key pair that the test binary shares.
func Key(t testing.TB) module.KeyPair {
	k, err := key()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Event returns the n-th event of the shared key: a signed ADD_CLAIM of about
// 500 bytes. Different numbers make different events.
func Event(t testing.TB, n int) module.Verified {
	body, err := json.Marshal(map[string]any{"node": fmt.Sprintf("track:%d", n), "field": "title", "value": "Low Tide", "confidence": 0.75})
	if err != nil {
		t.Fatal(err)
	}
	return Sign(t, module.Draft{Type: "ADD_CLAIM", CreatedAt: 1758390021 + uint64(n), Body: body})
}

// Sign returns the event of a draft, its author set to the shared key, signed.
func Sign(t testing.TB, d module.Draft) module.Verified {
	p, k := Open(t), Key(t)
	d.Author = k.Public
	event, _, err := p.Create(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Sign(context.Background(), event, k.Private)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Twice returns an event under two valid signatures: R1 has no rule against
// the mirrored one.
func Twice(t testing.TB) (first, second module.Verified) {
	p, ctx := Open(t), context.Background()
	pair, err := p.GenerateKey(ctx, "R1")
	if err != nil {
		t.Fatal(err)
	}
	event, _, err := p.Create(ctx, module.Draft{Type: "VOTE", Author: pair.Public, CreatedAt: 1, Body: json.RawMessage("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if first, err = p.Sign(ctx, event, pair.Private); err != nil {
		t.Fatal(err)
	}
	var m struct{ Sig string }
	if err := json.Unmarshal(first.Record(), &m); err != nil {
		t.Fatal(err)
	}
	_, compact, err := p.ParseSignature(ctx, m.Sig)
	if err != nil {
		t.Fatal(err)
	}
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	s := new(big.Int).SetBytes(compact[33:])
	s.Sub(order, s).FillBytes(compact[33:])
	compact[0] = 31 + ((compact[0] - 31) ^ 1) // the recovery id flips with it
	sum := digest.RIPEMD160(append(compact[:], "R1"...))
	text := "SIG_R1_" + string(digest.AppendBase58(nil, append(compact[:], sum[:4]...)))
	second, err = p.Verify(ctx, bytes.Replace(first.Record(), []byte(m.Sig), []byte(text), 1))
	if err != nil {
		t.Fatal(err)
	}
	if second.Hash() != first.Hash() || bytes.Equal(second.Record(), first.Record()) {
		t.Fatal("that is no second signature")
	}
	return first, second
}
