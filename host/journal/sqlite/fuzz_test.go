package sqlite

import "testing"

// FuzzParseCopies: bytes from the file are refused or read, and what is read
// survives being written.
func FuzzParseCopies(f *testing.F) {
	f.Add(appendCopy(appendCopy(nil, copyState{replica: 1, location: "x"}), copyState{replica: 300, err: "gone", attempts: 3, updated: 1 << 41}))
	f.Add([]byte{1, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		cs, err := parseCopies(b)
		if err != nil {
			return
		}
		var again []byte
		for _, c := range cs {
			again = appendCopy(again, c)
		}
		back, err := parseCopies(again)
		if err != nil || len(back) != len(cs) {
			t.Fatalf("%v, %d of %d", err, len(back), len(cs))
		}
		for i := range cs {
			if back[i] != cs[i] {
				t.Fatalf("%+v became %+v", cs[i], back[i])
			}
		}
	})
}

// FuzzColumns: a damaged block is refused or read within its bounds.
func FuzzColumns(f *testing.F) {
	c := encode(make([]row, blockEvents))
	for _, b := range [][]byte{c.types, c.created, c.authors, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m mask
		_ = valuesIn(b, []int64{0, 7}, &m)
		_ = createdIn(b, 0, 9, &m)
		_ = parentsIn(b, []int64{0, 7}, &m)
	})
}
