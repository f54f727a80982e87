package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Another valid signature of a stored event is answered as the first one was,
// and changes nothing.
func TestSecondSignature(t *testing.T) {
	h := start(t, 2, nil)
	first, second := twice(t)
	if _, err := h.store(first.Record(), Quorum); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := h.store(second.Record(), Quorum)
		if err != nil || r.Created || r.Hash != first.Hash() || r.Durable != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		h.settled()
	}
	h.mustHold(0, first)
	h.mustHold(1, first)
}

// A place that lacks the first one gets that, also when the second one is what
// comes in; and so it is for both in one batch.
func TestSecondSignatureOfMissing(t *testing.T) {
	h := start(t, 2, nil)
	h.r[1].set(refuses)
	h.r[1].sick = errRefused
	first, second := twice(t)
	if _, err := h.store(first.Record(), Quorum); err == nil {
		t.Fatal("stored")
	}
	h.r[1].set(nil)
	if r, err := h.store(second.Record(), Quorum); err != nil || r.Durable != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, first)
	h.mustHold(1, first)

	third, fourth := twice(t)
	for i, s := range h.StoreBatch(context.Background(), [][]byte{third.Record(), fourth.Record()}, All) {
		if s.Err != nil || s.Receipt.Created != (i == 0) {
			t.Errorf("%d of a batch: %+v, %v", i, s.Receipt, s.Err)
		}
	}
	h.mustHold(0, third)
	h.mustHold(1, third)
}

// twice returns an event under two valid signatures: R1 has no rule against
// the mirrored one.
func twice(t *testing.T) (first, second module.Verified) {
	t.Helper()
	p, ctx := moduletest.Open(t), context.Background()
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
