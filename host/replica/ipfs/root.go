package ipfs

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"slices"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Of all that CIDs can be, these two kinds are used: version 1, SHA-256, raw
// (a block) and dag-cbor (a root). https://github.com/multiformats/cid
var (
	rawPrefix  = []byte{1, 0x55, 0x12, 32}
	rootPrefix = []byte{1, 0x71, 0x12, 32}
)

var base = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func rawCID(h digest.Hash) string {
	return "b" + base.EncodeToString(append(bytes.Clone(rawPrefix), h[:]...))
}

func rootCID(h digest.Hash) string {
	return "b" + base.EncodeToString(append(bytes.Clone(rootPrefix), h[:]...))
}

// parseCID reads the text of a raw block's CID.
func parseCID(s string) (digest.Hash, bool) { return parse(s, rawPrefix) }

func parse(s string, prefix []byte) (h digest.Hash, ok bool) {
	if len(s) != 59 || s[0] != 'b' {
		return h, false
	}
	b, err := base.DecodeString(s[1:])
	if err != nil || !bytes.HasPrefix(b, prefix) {
		return h, false
	}
	return h, copy(h[:], b[len(prefix):]) == len(h)
}

// An entry is one event of a root: the digests of its two blocks.
type entry struct{ hash, record digest.Hash }

// maxRoot bounds a root's length when it is read: some 10,000 events.
const maxRoot = 1 << 20

// A root is the dag-cbor of {"events": [[preimage, record], …], "eventseal": 1}
// in canonical form, the events in the order of their hashes, so that the same
// events have the same root.
var (
	rootHead  = []byte("\xa2\x66events")
	rootTail  = []byte("\x69eventseal\x01")
	pair      = byte(0x82)
	link      = append([]byte{0xd8, 42, 0x58, 37, 0}, rawPrefix...) // tag 42, 37 bytes: 0, CID
	entrySize = 1 + 2*(len(link)+digest.Size)
)

// encodeRoot sorts the entries and returns the root's bytes.
func encodeRoot(entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int {
		if c := bytes.Compare(a.hash[:], b.hash[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.record[:], b.record[:])
	})
	b := make([]byte, 0, len(rootHead)+5+len(entries)*entrySize+len(rootTail))
	b = append(b, rootHead...)
	switch n := len(entries); { // CBOR array header, the shortest, RFC 8949 §3
	case n < 24:
		b = append(b, 0x80|byte(n))
	case n < 1<<8:
		b = append(b, 0x98, byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x99), uint16(n))
	}
	for _, e := range entries {
		b = append(b, pair)
		b = append(append(b, link...), e.hash[:]...)
		b = append(append(b, link...), e.record[:]...)
	}
	return append(b, rootTail...)
}

// decodeRoot reads what encodeRoot wrote; anything else is not ours.
func decodeRoot(b []byte) ([]entry, bool) {
	b, ok := bytes.CutPrefix(b, rootHead)
	if !ok || len(b) < 3 {
		return nil, false
	}
	var n int
	switch {
	case b[0] >= 0x80 && b[0] < 0x98:
		n, b = int(b[0]&0x1f), b[1:]
	case b[0] == 0x98:
		n, b = int(b[1]), b[2:]
	case b[0] == 0x99:
		n, b = int(binary.BigEndian.Uint16(b[1:])), b[3:]
	default:
		return nil, false
	}
	if len(b) != n*entrySize+len(rootTail) || !bytes.HasSuffix(b, rootTail) {
		return nil, false
	}
	entries := make([]entry, n)
	for i := range entries {
		one := b[i*entrySize : (i+1)*entrySize]
		first, second := one[1:1+len(link)+digest.Size], one[1+len(link)+digest.Size:]
		if one[0] != pair || !bytes.HasPrefix(first, link) || !bytes.HasPrefix(second, link) {
			return nil, false
		}
		copy(entries[i].hash[:], first[len(link):])
		copy(entries[i].record[:], second[len(link):])
	}
	return entries, true
}

// A car is a CARv1 file in the making, with one root.
// https://ipld.io/specs/transport/car/carv1/
type car struct{ b []byte }

func newCar(prefix []byte, root digest.Hash, size int) *car {
	header := append([]byte("\xa2\x65roots\x81\xd8\x2a\x58\x25\x00"), prefix...)
	header = append(append(header, root[:]...), "\x67version\x01"...)
	c := &car{make([]byte, 0, size+len(header)+10)}
	c.b = append(binary.AppendUvarint(c.b, uint64(len(header))), header...)
	return c
}

func (c *car) add(prefix []byte, name digest.Hash, block []byte) {
	c.b = binary.AppendUvarint(c.b, uint64(len(prefix)+len(name)+len(block)))
	c.b = append(append(append(c.b, prefix...), name[:]...), block...)
}
