package local

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// An index file says what is in a sealed segment, in the order of its frames,
// so that a replica with millions of events opens without reading them. All
// numbers are little-endian:
//
//	 0  8  magic
//	 8  8  size of the segment in bytes
//	16  4  number of entries
//	20  …  entries: first 8 bytes of the hash (big-endian), then the frame's
//	       place with its kind in the slot's bits, 8 bytes
//	 …  4  CRC-32C of all before
//
// It is a copy of what the segment says: one that is missing, damaged, or of
// another size of the segment is made again.
const (
	tableMagic  = "ESLIDX1\n"
	tableHeader = 20
	tableEntry  = 16
)

var errTable = errors.New("not the index of this segment")

// A listed is an entry of an index file.
type listed struct {
	prefix uint64
	place  place // of no slot
	kind   byte
}

func appendTable(dst []byte, size int64, entries []listed) []byte {
	dst = append(dst, tableMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(size))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(entries)))
	for _, e := range entries {
		dst = binary.BigEndian.AppendUint64(dst, e.prefix)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.place.inSlot(int(e.kind))))
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli))
}

// tableSize is the largest that the index of a segment of size bytes can be.
func tableSize(size int64) int64 { return tableHeader + size/headerSize*tableEntry + 4 }

// readTable calls f for every entry of the index of a segment of size bytes,
// or, when b is not that, for none.
func readTable(b []byte, size int64, f func(listed)) error {
	if len(b) < tableHeader+4 || string(b[:8]) != tableMagic ||
		binary.LittleEndian.Uint64(b[8:]) != uint64(size) ||
		uint64(len(b)) != tableHeader+uint64(binary.LittleEndian.Uint32(b[16:]))*tableEntry+4 ||
		crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return errTable
	}
	entries := b[tableHeader : len(b)-4]
	for pass := range 2 { // all of it must hold before any of it is used
		for at := 0; at < len(entries); at += tableEntry {
			p := place(binary.LittleEndian.Uint64(entries[at+8:]))
			e := listed{binary.BigEndian.Uint64(entries[at:]), p.inSlot(0), byte(p.slot())}
			if pass == 1 {
				f(e)
			} else if p.slot() < kindPut || p.slot() > kindObjectGone || p.size() < headerSize || p.offset()+headerSize > size {
				return errTable
			}
		}
	}
	return nil
}
