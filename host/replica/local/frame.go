package local

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A segment file is a sequence of frames and nothing else. A frame, its
// numbers little-endian:
//
//	 0  4  magic
//	 4  4  kind in the top byte, length of the record in the rest
//	 8 32  hash of the event, or of an object's name (keyOf)
//	40  4  CRC-32C of the record
//	44  4  CRC-32C of the 44 bytes before
//	48  …  the record; of an object, the length of its name in a byte, the name
//	       and its bytes; of a tombstone, nothing
//
// The header has a sum of its own, so that a damaged record does not hide
// where the next frame begins, and so that what is in a record cannot pass for
// a frame: a header is believed only with both, and the magic is no UTF-8,
// which every record is. The bytes of objects need not be, but where a frame in
// them were looked for, behind a damaged header, it would have to have 64 bits
// of magic and sum, and what the host puts into objects are hashes.
const (
	magic      = "\xffES1"
	headerSize = 48
)

const (
	kindPut        = 1
	kindTombstone  = 2
	kindObject     = 3 // from format 2 on, as is the next
	kindObjectGone = 4 // the tombstone of an object
)

// maxContent bounds the record of an object's frame.
const maxContent = 1 + replica.MaxObjectName + replica.MaxObject

// holds reports whether a frame of the kind is a copy, and no tombstone.
func holds(kind byte) bool { return kind == kindPut || kind == kindObject }

// kept returns the kind of the copies that a kind of tombstones is for.
func kept(tombstone byte) byte {
	if tombstone == kindObjectGone {
		return kindObject
	}
	return kindPut
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header is what the first headerSize bytes of a frame say.
type header struct {
	kind   byte
	length int // of the record
	hash   digest.Hash
	sum    uint32 // of the record
}

func (h header) frameSize() int64 { return headerSize + int64(h.length) }

// whole reports whether record is the one that the header was written for.
func (h header) whole(record []byte) bool {
	return len(record) == h.length && crc32.Checksum(record, castagnoli) == h.sum
}

// appendFrame appends a frame to dst.
func appendFrame(dst []byte, kind byte, h digest.Hash, record []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(kind)<<24|uint32(len(record)))
	dst = append(dst, h[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(record, castagnoli))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, record...)
}

// readHeader reads the header at the start of b. ok is false when there is none.
func readHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || string(b[:4]) != magic ||
		crc32.Checksum(b[:44], castagnoli) != binary.LittleEndian.Uint32(b[44:]) {
		return header{}, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	h = header{kind: byte(n >> 24), length: int(n & 0xffffff), sum: binary.LittleEndian.Uint32(b[40:])}
	copy(h.hash[:], b[8:40])
	switch h.kind {
	case kindPut:
		ok = h.length <= module.MaxRecordBytes
	case kindObject:
		ok = h.length <= maxContent
	case kindTombstone, kindObjectGone:
		ok = h.length == 0
	}
	return h, ok
}

// A frame as scan finds it.
type frame struct {
	header
	offset int64
	record []byte // valid during the call
	whole  bool   // false: the record is damaged
}

// scan calls f for every frame of b in order. What is damaged loses only
// itself: after a bad record the next header is where the good one says, after
// a bad header it is searched for. It returns the end of the last whole frame,
// behind which there is nothing but damage: in the file that was written last,
// a torn tail.
func scan(b []byte, f func(frame)) (end int64) {
	for at := 0; at < len(b); {
		h, ok := readHeader(b[at:])
		if !ok {
			next := bytes.Index(b[at+1:], []byte(magic))
			if next < 0 {
				break
			}
			at += 1 + next
			continue
		}
		fr := frame{header: h, offset: int64(at)}
		size := int(h.frameSize())
		if size <= len(b)-at {
			fr.record = b[at+headerSize : at+size]
			fr.whole = h.whole(fr.record)
		}
		f(fr)
		switch {
		case fr.whole:
			at += size
			end = int64(at)
		case size <= len(b)-at && (size == len(b)-at || isHeader(b[at+size:])):
			at += size
		default: // cut short by a crash, with later frames in its place
			at += headerSize
		}
	}
	return end
}

func isHeader(b []byte) bool {
	_, ok := readHeader(b)
	return ok
}
