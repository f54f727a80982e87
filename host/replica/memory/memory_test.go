package memory

import (
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/digest"
)

func TestConformance(t *testing.T) {
	replicatest.Run(t, func(t *testing.T) replicatest.Subject {
		r := New()
		return replicatest.Subject{
			Replica: r,
			Close:   r.Close,
			Corrupt: func(t *testing.T, ref replica.Ref) { corrupt(t, r, ref.Hash) },
			CorruptObject: func(t *testing.T, name string) {
				if !r.CorruptObject(name, []byte("{}")) {
					t.Fatal("there is no object to damage")
				}
			},
		}
	})
}

func corrupt(t *testing.T, r *Replica, h digest.Hash) {
	if !r.Corrupt(h, []byte("{}")) {
		t.Fatal("there is no copy to damage")
	}
}
