// Package antelope speaks with chains of Antelope (EOSIO): it packs what is signed
// and sent, byte for byte as nodeos does, and asks nodes through their HTTP
// interface. It knows nothing of what is put there or why.
package antelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Permission authorizes an action: that of an account.
type Permission struct{ Actor, Permission Name }

// An Action is a call of a contract.
type Action struct {
	Account       Name // the contract's
	Name          Name
	Authorization []Permission
	Data          []byte // packed
}

// An Extension of a transaction.
type Extension struct {
	Type uint16
	Data []byte
}

// A Transaction is what is signed. All of its actions take effect or none does.
type Transaction struct {
	Expiration     uint32 // Unix seconds: the block's time may be this one and no later one
	RefBlockNum    uint16 // the low bits of the number of an earlier block
	RefBlockPrefix uint32 // and bytes 8 … 11 of its id, little-endian
	MaxNetWords    uint32 // of 8 bytes; 0: no limit but the chain's
	MaxCPU         uint8  // milliseconds; 0: no limit but the chain's
	Delay          uint32 // seconds
	ContextFree    []Action
	Actions        []Action
	Extensions     []Extension
}

// SetReference makes the transaction valid only after the block of this id.
func (t *Transaction) SetReference(block digest.Hash) {
	t.RefBlockNum = uint16(binary.BigEndian.Uint32(block[:]))
	t.RefBlockPrefix = binary.LittleEndian.Uint32(block[8:])
}

var order = binary.LittleEndian

// Pack returns the bytes that are signed and sent, without signatures.
func (t *Transaction) Pack() []byte {
	b := order.AppendUint32(nil, t.Expiration)
	b = order.AppendUint16(b, t.RefBlockNum)
	b = order.AppendUint32(b, t.RefBlockPrefix)
	b = binary.AppendUvarint(b, uint64(t.MaxNetWords))
	b = append(b, t.MaxCPU)
	b = binary.AppendUvarint(b, uint64(t.Delay))
	b = appendActions(b, t.ContextFree)
	b = appendActions(b, t.Actions)
	b = binary.AppendUvarint(b, uint64(len(t.Extensions)))
	for _, e := range t.Extensions {
		b = order.AppendUint16(b, e.Type)
		b = appendBytes(b, e.Data)
	}
	return b
}

func appendActions(b []byte, as []Action) []byte {
	b = binary.AppendUvarint(b, uint64(len(as)))
	for _, a := range as {
		b = order.AppendUint64(b, uint64(a.Account))
		b = order.AppendUint64(b, uint64(a.Name))
		b = binary.AppendUvarint(b, uint64(len(a.Authorization)))
		for _, p := range a.Authorization {
			b = order.AppendUint64(b, uint64(p.Actor))
			b = order.AppendUint64(b, uint64(p.Permission))
		}
		b = appendBytes(b, a.Data)
	}
	return b
}

func appendBytes[T string | []byte](b []byte, data T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}

// MaxTransaction bounds what Unpack reads, in bytes: nodeos takes no larger one.
const MaxTransaction = 512 << 10

var errTransaction = errors.New("antelope: not the bytes of a transaction")

// Unpack reads exactly the bytes that Pack makes of a transaction, which it
// shares, and refuses all others.
func Unpack(packed []byte) (t Transaction, err error) {
	if len(packed) > MaxTransaction {
		return t, errTransaction
	}
	r := reader{rest: packed}
	t.Expiration = r.uint32()
	t.RefBlockNum = r.uint16()
	t.RefBlockPrefix = r.uint32()
	t.MaxNetWords = r.length()
	t.MaxCPU = r.byte()
	t.Delay = r.length()
	t.ContextFree = r.actions()
	t.Actions = r.actions()
	for n := r.length(); n > 0 && !r.bad; n-- {
		t.Extensions = append(t.Extensions, Extension{Type: r.uint16(), Data: r.bytes()})
	}
	// Numbers that are written with more bytes than they need are told by packing.
	if r.bad || len(r.rest) > 0 || !bytes.Equal(t.Pack(), packed) {
		return Transaction{}, errTransaction
	}
	return t, nil
}

// A reader takes values off the front of packed bytes; bad: there were too few.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return order.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return order.Uint32(b)
	}
	return 0
}

func (r *reader) name() Name {
	if b := r.take(8); b != nil {
		return Name(order.Uint64(b))
	}
	return 0
}

// length reads a number of 7 bits a byte, the lowest first.
func (r *reader) length() uint32 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<32-1 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return uint32(v)
}

func (r *reader) bytes() []byte { return r.take(r.length()) }

func (r *reader) actions() (as []Action) {
	for n := r.length(); n > 0 && !r.bad; n-- {
		a := Action{Account: r.name(), Name: r.name()}
		for p := r.length(); p > 0 && !r.bad; p-- {
			a.Authorization = append(a.Authorization, Permission{Actor: r.name(), Permission: r.name()})
		}
		a.Data = r.bytes()
		as = append(as, a)
	}
	return as
}

// ID returns the id of a packed transaction.
func ID(packed []byte) digest.Hash { return sha256.Sum256(packed) }

// Digest returns what is signed for a packed transaction without context-free
// data, on the chain of this id.
func Digest(chain digest.Hash, packed []byte) digest.Hash {
	h := sha256.New()
	h.Write(chain[:])
	h.Write(packed)
	h.Write(make([]byte, digest.Size))
	return digest.Hash(h.Sum(nil))
}
