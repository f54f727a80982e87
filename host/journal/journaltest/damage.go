package journaltest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Damage makes zeros of the page of a journal's file, which nobody has open, in
// which the row of an event is, as a bad sector does. Pages keep what was
// deleted in them, so that the hash may be found in others, too.
func Damage(path string, h digest.Hash) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint16(file[16:])) // the SQLite database header, §1.3 of its file format
	unused := unusedPages(file, size)
	for at := 0; ; at++ {
		next := bytes.Index(file[at:], h[:])
		if next < 0 {
			return fmt.Errorf("%s has no event %s", path, h)
		}
		at += next
		n := at / size
		page := file[n*size:][:size]
		if !unused[n] && inCell(page, at%size) {
			clear(page)
			return os.WriteFile(path, file, 0o600)
		}
	}
}

// unusedPages are those of the free list (§1.5), from 0.
func unusedPages(file []byte, size int) map[int]bool {
	unused := map[int]bool{}
	for trunk := binary.BigEndian.Uint32(file[32:]); trunk > 0; {
		page := file[int(trunk-1)*size:]
		unused[int(trunk-1)] = true
		for i := range binary.BigEndian.Uint32(page[4:]) {
			unused[int(binary.BigEndian.Uint32(page[8+4*i:]))-1] = true
		}
		trunk = binary.BigEndian.Uint32(page)
	}
	return unused
}

// inCell reports whether what is at an offset of a page belongs to a row: the
// page is a leaf of a table (§1.6), and one of its cells reaches over it.
func inCell(page []byte, at int) bool {
	const tableLeaf = 13
	if page[0] != tableLeaf {
		return false
	}
	for i := range int(binary.BigEndian.Uint16(page[3:])) {
		start := int(binary.BigEndian.Uint16(page[8+2*i:]))
		payload, n := uint64(0), 0
		for ; n < 8; n++ { // a varint: the payload's length; the row's number follows
			b := page[start+n]
			payload = payload<<7 | uint64(b&0x7f)
			if b < 0x80 {
				break
			}
		}
		if at > start+n && at < start+n+int(payload) {
			return true
		}
	}
	return false
}
