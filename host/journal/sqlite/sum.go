package sqlite

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"sync"
)

// Each page of the file ends with a sum, in the 8 bytes that its header
// reserves (https://www.sqlite.org/fileformat.html#resbyte): the CRC-32C and
// the CRC-32 (IEEE) of the rest and the page's number, big-endian. Eight zero
// bytes: another program wrote the page, which does not know of sums.
const (
	pageBytes = 4096
	sumBytes  = 8
	bodyBytes = pageBytes - sumBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sums(body []byte, page uint32) (a, b uint32) {
	n := [4]byte(binary.BigEndian.AppendUint32(nil, page))
	a = crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, n[:])
	b = crc32.Update(crc32.ChecksumIEEE(body), crc32.IEEETable, n[:])
	return a, b
}

// seal puts the sum into a page.
func seal(p []byte, page uint32) {
	a, b := sums(p[:bodyBytes], page)
	binary.BigEndian.PutUint32(p[bodyBytes:], a)
	binary.BigEndian.PutUint32(p[bodyBytes+4:], b)
}

type verdict int

const (
	pageGood    verdict = iota
	pageMended          // a single bit was wrong, and is right now
	pageForeign         // has no sum
	pageBad
)

// judge compares a page with its sum. One bit that flipped is found by what it
// does to the first CRC, of which no two bits of a page do the same, and turned
// back if the second CRC agrees.
func judge(p []byte, page uint32) verdict {
	a, b := sums(p[:bodyBytes], page)
	da, db := a^binary.BigEndian.Uint32(p[bodyBytes:]), b^binary.BigEndian.Uint32(p[bodyBytes+4:])
	switch {
	case da == 0 && db == 0:
		return pageGood
	case binary.BigEndian.Uint64(p[bodyBytes:]) == 0:
		for _, x := range p[:bodyBytes] {
			if x != 0 {
				return pageForeign
			}
		}
		return pageBad // nobody writes a page of nothing
	case da == 0 || db == 0:
		if bits.OnesCount32(da|db) == 1 {
			return pageMended // the sum's own bit
		}
		return pageBad
	}
	bit, ok := flips()[da]
	if !ok {
		return pageBad
	}
	p[bit/8] ^= 1 << (bit % 8)
	if _, again := sums(p[:bodyBytes], page); again^b != db {
		p[bit/8] ^= 1 << (bit % 8)
		return pageBad
	}
	return pageMended
}

// flips maps what a flipped bit does to the first CRC of a page to the bit. A CRC is
// linear: that does not depend on the rest.
var flips = sync.OnceValue(func() map[uint32]int {
	m := make(map[uint32]int, bodyBytes*8)
	p := make([]byte, bodyBytes)
	none, _ := sums(p, 0)
	for bit := range bodyBytes * 8 {
		p[bit/8] = 1 << (bit % 8)
		one, _ := sums(p, 0)
		m[none^one] = bit
		p[bit/8] = 0
	}
	return m
})
