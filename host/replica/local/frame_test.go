package local

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// What scan calls whole is what appendFrame wrote, and it never leaves the bytes.
func FuzzScan(f *testing.F) {
	var b []byte
	for _, v := range events(0, 3, 150) {
		b = appendFrame(b, kindPut, v.Hash(), v.Record())
	}
	b = appendFrame(b, kindTombstone, replicatest.Event(1, 150, 0).Hash(), nil)
	f.Add(b)
	f.Add(b[:len(b)-60])
	f.Add(append(bytes.Repeat([]byte(magic), 40), b...))
	f.Add(append(bytes.Clone(b[:100]), b...))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		last := int64(-1)
		end := int64(0)
		got := scan(b, func(fr frame) {
			if fr.offset <= last || fr.offset+headerSize > int64(len(b)) {
				t.Fatalf("a frame at %d after %d of %d", fr.offset, last, len(b))
			}
			last = fr.offset
			if !fr.whole {
				return
			}
			end = fr.offset + fr.frameSize()
			if again := appendFrame(nil, fr.kind, fr.hash, fr.record); !bytes.Equal(again, b[fr.offset:end]) {
				t.Fatal("a frame is not its own encoding")
			}
		})
		if got != end || got > int64(len(b)) {
			t.Fatalf("the end is %d, want %d", got, end)
		}
	})
}

// What readTable accepts is what appendTable wrote, and in the segment.
func FuzzTable(f *testing.F) {
	entries := []listed{{1, placeOf(0, 0, 100), kindPut}, {2, placeOf(0, 128, headerSize), kindTombstone}}
	f.Add(appendTable(nil, 1000, entries), int64(1000))
	f.Add(appendTable(nil, 0, nil), int64(0))
	f.Add([]byte(tableMagic), int64(5))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		for _, sealed := range []bool{false, true} { // with the right sum, too
			if sealed && len(b) >= 4 {
				b = bytes.Clone(b)
				binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
			}
			var got []listed
			if err := readTable(b, size, func(e listed) { got = append(got, e) }); err != nil {
				if got != nil {
					t.Fatal("entries of a bad table were used")
				}
				continue
			}
			for _, e := range got {
				if e.place.offset()+headerSize > size {
					t.Fatalf("an entry at %d of %d", e.place.offset(), size)
				}
			}
			if !bytes.Equal(appendTable(nil, size, got), b) {
				t.Fatal("a table is not its own encoding")
			}
		}
	})
}

func TestNames(t *testing.T) {
	for _, id := range []uint64{1, 42, 9999999999, 12345678901} {
		if got, ok := parseName(fileName(id, logSuffix), logSuffix); !ok || got != id {
			t.Errorf("%d: %d, %v", id, got, ok)
		}
	}
	for _, name := range []string{"segment-0000000000.log", "segment-1.log", "segment-0000000001.idx", "segment-00000000001.log", "segment-000000000x.log", "segment-.log", "lock", "segment-99999999999999999999.log"} {
		if id, ok := parseName(name, logSuffix); ok {
			t.Errorf("%s is %d", name, id)
		}
	}
}
