package antelope

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A transaction as the tests read it: another way to the same.
type transaction struct {
	Head struct {
		Expiration uint32
		Block      uint16
		Prefix     uint32
	}
	net, delay    uint64
	cpu           byte
	free, actions []action
	extensions    []extension
}

type action struct {
	Name struct{ Account, Action uint64 }
	by   []struct{ Actor, Permission uint64 }
	data []byte
}

type extension struct {
	kind uint16
	data []byte
}

// read unpacks leniently; what is strict about it is that pack makes the same bytes.
func read(packed []byte) (tx transaction, ok bool) {
	r := bytes.NewReader(packed)
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	defer func() { ok = recover() == nil && r.Len() == 0 && bytes.Equal(tx.pack(), packed) }()
	count := func() uint64 {
		n, err := binary.ReadUvarint(r)
		must(err)
		if n > 1<<32-1 {
			panic("more than 32 bits")
		}
		return n
	}
	list := func(each func()) {
		n := count()
		if n > uint64(r.Len()) {
			panic("more than there can be")
		}
		for range n {
			each()
		}
	}
	data := func() []byte {
		n := count()
		if n > uint64(r.Len()) {
			panic("more than there is")
		}
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		must(err)
		return b
	}
	must(binary.Read(r, binary.LittleEndian, &tx.Head))
	tx.net = count()
	must(binary.Read(r, binary.LittleEndian, &tx.cpu))
	tx.delay = count()
	for _, actions := range []*[]action{&tx.free, &tx.actions} {
		list(func() {
			var a action
			must(binary.Read(r, binary.LittleEndian, &a.Name))
			list(func() {
				var by struct{ Actor, Permission uint64 }
				must(binary.Read(r, binary.LittleEndian, &by))
				a.by = append(a.by, by)
			})
			a.data = data()
			*actions = append(*actions, a)
		})
	}
	list(func() {
		var e extension
		must(binary.Read(r, binary.LittleEndian, &e.kind))
		e.data = data()
		tx.extensions = append(tx.extensions, e)
	})
	return tx, true
}

func (tx *transaction) pack() []byte {
	var b bytes.Buffer
	fixed := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	count := func(n int) { b.Write(binary.AppendUvarint(nil, uint64(n))) }
	fixed(tx.Head)
	count(int(tx.net))
	fixed(tx.cpu)
	count(int(tx.delay))
	for _, actions := range [][]action{tx.free, tx.actions} {
		count(len(actions))
		for _, a := range actions {
			fixed(a.Name)
			count(len(a.by))
			fixed(a.by)
			count(len(a.data))
			b.Write(a.data)
		}
	}
	count(len(tx.extensions))
	for _, e := range tx.extensions {
		fixed(e.kind)
		count(len(e.data))
		b.Write(e.data)
	}
	return b.Bytes()
}

func (p *Post) action() (a action) {
	a.Name.Account, a.Name.Action = p.Contract, postAction
	a.by = append(a.by, struct{ Actor, Permission uint64 }{p.Contract, 7})
	a.data = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, p.Seq), p.Size)
	a.data = append(a.data, p.Root[:]...)
	return a
}

// posts is whether tx has the action of p with the authority of its contract.
func (tx *transaction) posts(p *Post) bool {
	want := p.action()
	for _, a := range tx.actions {
		for _, by := range a.by {
			if a.Name == want.Name && by.Actor == p.Contract && bytes.Equal(a.data, want.data) {
				return true
			}
		}
	}
	return false
}

var head = Post{Contract: 0x5530ea0000000000, Seq: 0x0102030405060708, Size: 1<<63 - 1, Root: digest.SHA256([]byte("root"))}

// whole is a transaction with something in every list.
func whole() transaction {
	var tx transaction
	tx.Head.Expiration, tx.Head.Block, tx.Head.Prefix, tx.net, tx.cpu, tx.delay = 1795502644, 0x1234, 0xdeadbeef, 300, 7, 1<<32-1
	other := head.action()
	other.Name.Action++
	other.by = append(other.by, other.by...)
	tx.free = []action{head.action()}
	tx.actions = []action{other, head.action(), {data: make([]byte, 200)}}
	tx.extensions = []extension{{kind: 1, data: []byte{2, 3}}, {kind: 9}}
	return tx
}

func check(t *testing.T, p *Post, packed []byte) (posts, ok bool) {
	t.Helper()
	expires, posts, ok := p.Unpack(packed)
	tx, is := read(packed)
	if ok != is || ok && (posts != tx.posts(p) || expires != tx.Head.Expiration) {
		t.Fatalf("%x: expires %d, posts %v, %v; another reader has %+v, %v", packed, expires, posts, ok, tx, is)
	}
	return posts, ok
}

func TestUnpack(t *testing.T) {
	tx := whole()
	packed := tx.pack()
	if posts, ok := check(t, &head, packed); !posts || !ok {
		t.Fatal("it is not unpacked")
	}
	for n := range packed {
		if _, ok := check(t, &head, packed[:n]); ok {
			t.Errorf("%d bytes are enough", n)
		}
	}
	if _, ok := check(t, &head, append(bytes.Clone(packed), 0)); ok {
		t.Error("a byte may follow")
	}
	for bit := range 8 * len(packed) {
		packed[bit/8] ^= 1 << (bit % 8)
		check(t, &head, packed)
		packed[bit/8] ^= 1 << (bit % 8)
	}
	// Without one of the three that count the others do nothing.
	for name, change := range map[string]func(tx *transaction){
		"another contract's":   func(tx *transaction) { tx.actions[1].Name.Account++ },
		"another action":       func(tx *transaction) { tx.actions[1].Name.Action++ },
		"another's authority":  func(tx *transaction) { tx.actions[1].by[0].Actor++ },
		"nobody's authority":   func(tx *transaction) { tx.actions[1].by = nil },
		"another seq":          func(tx *transaction) { tx.actions[1].data[0]++ },
		"another size":         func(tx *transaction) { tx.actions[1].data[8]++ },
		"another root":         func(tx *transaction) { tx.actions[1].data[47]++ },
		"a byte more":          func(tx *transaction) { tx.actions[1].data = append(tx.actions[1].data, 0) },
		"a byte less":          func(tx *transaction) { tx.actions[1].data = tx.actions[1].data[:47] },
		"only without context": func(tx *transaction) { tx.actions = tx.actions[:1] },
	} {
		tx := whole()
		change(&tx)
		if posts, ok := check(t, &head, tx.pack()); posts || !ok {
			t.Errorf("%s: %v, %v", name, posts, ok)
		}
	}
	for name, long := range map[string]string{
		"a count in two bytes that one holds": "8000", "one in three": "808000", "one of 33 bits": "8080808010", "one that does not end": "808080808001", "the largest": "ffffffff0f", "one more": "ffffffff1f",
	} {
		b, _ := hex.DecodeString(long)
		packed := append(append(make([]byte, 10), b...), 0, 0, 0, 0, 0)
		if _, ok := check(t, &head, packed); ok != (name == "the largest") {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func FuzzTransaction(f *testing.F) {
	tx := whole()
	f.Add(tx.pack())
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, packed []byte) {
		tx, ok := read(packed)
		check(t, &head, packed)
		if !ok {
			return
		}
		// Any of its actions, as if it were one of these.
		for _, a := range tx.actions {
			if len(a.data) == 48 {
				p := Post{Contract: a.Name.Account, Seq: binary.LittleEndian.Uint64(a.data), Size: binary.LittleEndian.Uint64(a.data[8:]), Root: digest.Hash(a.data[16:])}
				check(t, &p, packed)
			}
		}
	})
}

func TestUnpackingAllocatesNothing(t *testing.T) {
	tx := whole()
	packed := tx.pack()
	if n := testing.AllocsPerRun(20, func() { head.Unpack(packed) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
