package module

import (
	"crypto/sha256"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// MaxRecordBytes is the largest record that any configuration admits: 4 MiB.
const MaxRecordBytes = 4 << 20

// Meta is what the module reports of a valid event, and what the journal keeps.
type Meta struct {
	Hash         digest.Hash // SHA-256 of the preimage: the event's identity
	RecordDigest digest.Hash // SHA-256 of the record
	Type         string      // registered name
	TypeCode     uint32      // on-chain code of the type
	Author       string      // author_pubkey exactly as the event spells it
	AuthorKey    [34]byte    // curve (0 K1, 1 R1) followed by the 33-byte compressed point: equal for every spelling of one key
	CreatedAt    uint64      // Unix seconds, 0 … 2^53−1
	Parents      []digest.Hash
}

// A Verified event is one that the module found valid, or whose bytes carry
// the digest that was recorded when it did. Only this package makes one, so
// the compiler keeps unverified bytes out of replicas and answers. The zero
// Verified holds nothing and must not be used.
type Verified struct {
	meta   *Meta
	record []byte
}

// Meta returns what is known of the event. The caller must not change it.
func (v Verified) Meta() *Meta { return v.meta }

// Hash returns the event's identity.
func (v Verified) Hash() digest.Hash { return v.meta.Hash }

// Record returns the canonical bytes of the signed event (RFC 8785), the only
// bytes that are ever stored or served. The caller must not change them.
func (v Verified) Record() []byte { return v.record }

// Match makes a Verified event of bytes that came from a replica, against the
// meta that was recorded when the event was admitted: equal digests mean equal
// bytes, so the signature need not be checked again. Other bytes are refused
// with code.HashMismatch. meta and record must not be changed afterwards.
func Match(meta *Meta, record []byte) (Verified, error) {
	if digest.Hash(sha256.Sum256(record)) != meta.RecordDigest {
		return Verified{}, &code.Error{Code: code.HashMismatch, Detail: "the bytes are not the recorded ones"}
	}
	return Verified{meta: meta, record: record}, nil
}
