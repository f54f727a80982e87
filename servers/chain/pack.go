package chain

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A permission is an actor's, as an action declares it.
type permission struct {
	Actor      name `json:"actor"`
	Permission name `json:"permission"`
}

func (p permission) compare(q permission) int {
	return cmp.Or(cmp.Compare(p.Actor, q.Actor), cmp.Compare(p.Permission, q.Permission))
}

type action struct {
	account, name name
	auth          []permission
	data          []byte
}

// A transaction is as it was unpacked (libraries/chain/include/eosio/chain/transaction.hpp).
type transaction struct {
	expiration  uint32 // seconds since 1970
	refNum      uint16
	refPrefix   uint32
	netWords    uint32
	cpuMs       uint8
	delay       uint32
	contextFree []action
	actions     []action
	extensions  int
}

var errPacked = errors.New("the bytes are no packed transaction")

// A reader takes packed values from the front of its bytes. Its first error
// stays, and what it reads then is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b) {
		if r.err == nil {
			r.err = fmt.Errorf("%w: they end too early", errPacked)
		}
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// varuint reads an unsigned_int, which has one spelling here: nodeos reads longer
// ones too, but packs them anew for the id, so that the sender's id would be another.
func (r *reader) varuint() uint32 {
	v, n := binary.Uvarint(r.b)
	if r.err == nil && (n <= 0 || v > math.MaxUint32 || n > 1 && r.b[n-1] == 0) {
		r.err = fmt.Errorf("%w: a length is malformed", errPacked)
	}
	if r.err != nil {
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

// list calls f for each of a list's elements, each of at least size bytes.
func (r *reader) list(size int, f func()) {
	n := int(r.varuint())
	if r.err == nil && n > len(r.b)/size {
		r.err = fmt.Errorf("%w: a list is longer than they are", errPacked)
	}
	for i := 0; i < n && r.err == nil; i++ {
		f()
	}
}

func (r *reader) bytes() []byte { return r.take(int(r.varuint())) }

func (r *reader) actions() []action {
	var list []action
	r.list(18, func() {
		a := action{account: name(r.u64()), name: name(r.u64())}
		r.list(16, func() {
			a.auth = append(a.auth, permission{name(r.u64()), name(r.u64())})
		})
		a.data = r.bytes()
		list = append(list, a)
	})
	return list
}

// unpack reads a packed transaction, all of it.
func unpack(b []byte) (transaction, error) {
	r := &reader{b: b}
	t := transaction{
		expiration: r.u32(), refNum: r.u16(), refPrefix: r.u32(),
		netWords: r.varuint(), cpuMs: r.u8(), delay: r.varuint(),
		contextFree: r.actions(), actions: r.actions(),
	}
	r.list(3, func() {
		r.u16()
		r.bytes()
		t.extensions++
	})
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%w: %d bytes are left over", errPacked, len(r.b))
	}
	return t, r.err
}

// packTransaction is for what Act makes.
func packTransaction(t transaction) []byte {
	b := binary.LittleEndian.AppendUint32(nil, t.expiration)
	b = binary.LittleEndian.AppendUint16(b, t.refNum)
	b = binary.LittleEndian.AppendUint32(b, t.refPrefix)
	b = binary.AppendUvarint(b, uint64(t.netWords))
	b = append(b, t.cpuMs)
	b = binary.AppendUvarint(b, uint64(t.delay))
	for _, list := range [][]action{t.contextFree, t.actions} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, a := range list {
			b = packAction(b, a)
		}
	}
	return append(b, 0)
}

// packBase packs an action without its data.
func packBase(b []byte, a action) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(a.account))
	b = binary.LittleEndian.AppendUint64(b, uint64(a.name))
	b = binary.AppendUvarint(b, uint64(len(a.auth)))
	for _, p := range a.auth {
		b = binary.LittleEndian.AppendUint64(b, uint64(p.Actor))
		b = binary.LittleEndian.AppendUint64(b, uint64(p.Permission))
	}
	return b
}

func packAction(b []byte, a action) []byte {
	b = packBase(b, a)
	b = binary.AppendUvarint(b, uint64(len(a.data)))
	return append(b, a.data...)
}
