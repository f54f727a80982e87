package module

import (
	"encoding/binary"
	"errors"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// verdictSize is the length in bytes of what the operations on events answer;
// ABI.md has the offsets.
const verdictSize = 168

// verdict is one, as a view of memory.
type verdict []byte

func (v verdict) uint32(at int) uint32 { return binary.LittleEndian.Uint32(v[at:]) }

func (in *instance) verdict(at uint32) (verdict, error) { return in.read(at, verdictSize) }

// view reads the memory that an address and a length at an offset of v name.
func (in *instance) view(v verdict, at int) ([]byte, error) {
	return in.read(v.uint32(at), v.uint32(at+4))
}

// refusal returns the refusal that v is, nil if it is none.
func (in *instance) refusal(v verdict) error {
	c := v.uint32(0)
	if c == 0 {
		return nil
	}
	pointer, err := in.view(v, 156)
	if err != nil {
		return err
	}
	return &code.Error{Code: code.Code(c), Pointer: string(pointer)}
}

// Forged reports whether err is Verify's refusal of a record that nobody
// signed, where all else of it than the signature is a known event's
// (replica.Damaged is false): a damaged signature can be any text, and even break
// the JSON. What the host's settings refuse may well have been signed.
func Forged(err error) bool {
	var refused *code.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch c := refused.Code; c {
	case code.TooLarge, code.UnknownType:
		return false
	default:
		return c < code.NotFound // the module's own
	}
}

// verified copies a valid event out of memory.
func (in *instance) verified(v verdict) (Verified, error) {
	record, err := in.view(v, 116)
	if err != nil {
		return Verified{}, err
	}
	name, err := in.view(v, 124)
	if err != nil {
		return Verified{}, err
	}
	author, err := in.view(v, 132)
	if err != nil {
		return Verified{}, err
	}
	parents, err := in.view(v, 140)
	if err != nil {
		return Verified{}, err
	}
	m := &Meta{Type: string(name), TypeCode: v.uint32(4), Author: string(author), CreatedAt: binary.LittleEndian.Uint64(v[8:])}
	copy(m.Hash[:], v[16:])
	copy(m.RecordDigest[:], v[48:])
	copy(m.AuthorKey[:], v[80:])
	if len(parents) > 0 {
		m.Parents = make([]digest.Hash, len(parents)/digest.Size)
		for i := range m.Parents {
			copy(m.Parents[i][:], parents[i*digest.Size:])
		}
	}
	return Verified{meta: m, record: append([]byte(nil), record...)}, nil
}
