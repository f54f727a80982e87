// Package tile has the tiles and entry bundles of C2SP tlog-tiles for a log
// whose leaf data are the 32 bytes of an event's hash.
package tile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Width is how many hashes a full tile, and entries a full bundle, has.
const Width = 256

// Entries is the level that stands for entry bundles.
const Entries = -1

// A Name names a tile or an entry bundle.
type Name struct {
	Level  int    // 0 … 7; Entries: a bundle
	Number uint64 // from 0
	Width  int    // 1 … 256
}

// Path returns the path below the log's prefix, as tile/0/x001/x234/067 or
// tile/entries/000.p/17.
func (n Name) Path() string {
	level := "entries"
	if n.Level >= 0 {
		level = strconv.Itoa(n.Level)
	}
	number := fmt.Sprintf("%03d", n.Number%1000)
	for rest := n.Number / 1000; rest > 0; rest /= 1000 {
		number = fmt.Sprintf("x%03d/%s", rest%1000, number)
	}
	path := "tile/" + level + "/" + number
	if n.Width < Width {
		path += ".p/" + strconv.Itoa(n.Width)
	}
	return path
}

var errPath = errors.New("tile: not the path of a tile")

// ParsePath reads what Path returns, and nothing else.
func ParsePath(path string) (Name, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, cut := strings.Cut(rest, "/")
	if !ok || !cut {
		return Name{}, errPath
	}
	n := Name{Level: Entries, Width: Width}
	if level != "entries" {
		l, err := strconv.Atoi(level)
		if err != nil || l < 0 || l > 7 {
			return Name{}, errPath
		}
		n.Level = l
	}
	number, width, partial := strings.Cut(rest, ".p/")
	if partial {
		w, err := strconv.Atoi(width)
		if err != nil || w < 1 || w >= Width {
			return Name{}, errPath
		}
		n.Width = w
	}
	segments := strings.Split(number, "/")
	if len(segments) > 6 {
		return Name{}, errPath
	}
	for _, s := range segments {
		d, err := strconv.Atoi(strings.TrimPrefix(s, "x"))
		if err != nil || d < 0 || d > 999 {
			return Name{}, errPath
		}
		n.Number = n.Number*1000 + uint64(d)
	}
	if n.Path() != path { // spelled in no other way
		return Name{}, errPath
	}
	return n, nil
}

// entrySize is what an entry takes in a bundle: its length, 2 bytes big-endian,
// and the hash.
const entrySize = 2 + digest.Size

// AppendEntries appends entries of a bundle to dst.
func AppendEntries(dst []byte, hs []digest.Hash) []byte {
	for i := range hs {
		dst = binary.BigEndian.AppendUint16(dst, digest.Size)
		dst = append(dst, hs[i][:]...)
	}
	return dst
}

// ParseEntries reads a bundle of 1 to 256 entries, each a hash.
func ParseEntries(b []byte) ([]digest.Hash, error) {
	if len(b) == 0 || len(b)%entrySize != 0 || len(b) > Width*entrySize {
		return nil, fmt.Errorf("tile: a bundle of %d bytes", len(b))
	}
	hs := make([]digest.Hash, 0, len(b)/entrySize)
	for ; len(b) > 0; b = b[entrySize:] {
		if binary.BigEndian.Uint16(b) != digest.Size {
			return nil, errors.New("tile: an entry that is not a hash")
		}
		hs = append(hs, digest.Hash(b[2:entrySize]))
	}
	return hs, nil
}
