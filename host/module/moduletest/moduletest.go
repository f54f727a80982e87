// Package moduletest gives tests a pool and real signed events.
package moduletest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/module"
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
