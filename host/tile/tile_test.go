package tile_test

import (
	"slices"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Paths are those of torchwood, another implementation.
func TestPath(t *testing.T) {
	for _, level := range []int{tile.Entries, 0, 1, 5} {
		for _, number := range []uint64{0, 1, 999, 1000, 67, 1234067, 1e9, 1e15 + 7} {
			for _, width := range []int{1, 17, 255, 256} {
				n := tile.Name{Level: level, Number: number, Width: width}
				want := torchwood.TilePath(tlog.Tile{H: torchwood.TileHeight, L: level, N: int64(number), W: width})
				if n.Path() != want {
					t.Errorf("%+v: %s, want %s", n, n.Path(), want)
				}
				if got, err := tile.ParsePath(want); err != nil || got != n {
					t.Errorf("%s is read as %+v, %v", want, got, err)
				}
			}
		}
	}
	for _, bad := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/1", "tile/0/0001", "tile/00/001", "tile/-1/001", "tile/+0/001", "tile/8/001", "tile/64/001", "tile/data/001",
		"tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/01", "tile/0/001.p/", "tile/0/001.p/1.p/1", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002",
		"/tile/0/001", "tile/0/001/", "tile/0/+01", "tile/0/x001/x002/x003/x004/x005/x006/007", "tile/entries", "tile/Entries/000", "tile/0/٠٠١",
	} {
		if n, err := tile.ParsePath(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, n)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/12")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		n, err := tile.ParsePath(path)
		if err == nil && n.Path() != path {
			t.Errorf("%q is also %q", path, n.Path())
		}
	})
}

func TestEntries(t *testing.T) {
	hs := make([]digest.Hash, 256)
	var theirs []byte
	for i := range hs {
		hs[i][0], hs[i][31] = byte(i), 1
		var err error
		if theirs, err = torchwood.AppendTileEntry(theirs, hs[i][:]); err != nil {
			t.Fatal(err)
		}
	}
	ours := tile.AppendEntries(nil, hs)
	if !slices.Equal(ours, theirs) {
		t.Fatal("a bundle is another one than torchwood's")
	}
	got, err := tile.ParseEntries(ours)
	if err != nil || !slices.Equal(got, hs) {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, ours[:33], ours[:35], append(slices.Clone(ours), ours[:34]...), append([]byte{0, 31}, make([]byte, 32)...)} {
		if _, err := tile.ParseEntries(bad); err == nil {
			t.Errorf("%d bytes are a bundle", len(bad))
		}
	}
}
