package chain

import (
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/anchor/contract"
)

// RAM is billed by rows of 112 bytes and their data, tables of 112, and ten times the code.
func TestRAM(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	_, v := ask(t, n, "get_account", map[string]any{"account_name": "eventseal"})
	// owner, active, anchor with a key each; two links.
	empty := int64(2048 + 3*(288+50) + 2*144 + 10*len(contract.Wasm) + len(c.main.state.code.abi.packed))
	if v["ram_usage"].(float64) != float64(empty) || c.Account().RAM != empty {
		t.Fatalf("%v, want %d", v["ram_usage"], empty)
	}
	first := int64(112 + 112 + 52) // the table, the row and its data
	row := int64(112 + 52)
	for seq := range uint64(3) {
		sent(t, n, signedBy(c, post(c, seq+1), poster))
		c.Produce(1)
		want := row
		if seq == 0 {
			want = first
		}
		if tx := c.Transactions()[seq]; tx.RAM != want || tx.NET != 144 || tx.CPU < 100 {
			t.Fatalf("%+v, want %d bytes of RAM", tx, want)
		}
	}
	if ram := c.Account().RAM; ram != empty+first+2*row {
		t.Errorf("%d", ram)
	}
	c.SetLimits(Limits{RAM: c.Account().RAM + row - 1})
	body := signedBy(c, post(c, 4), poster)
	refused(t, n, body, 500, codeRAM)
	c.SetLimits(Limits{RAM: c.Account().RAM + row})
	sent(t, n, body)
}

// The contract keeps 1,024 rows, and pays for no more.
func TestRing(t *testing.T) {
	c := start(t, Options{})
	for seq := range uint64(1030) {
		if _, err := c.Act("post", postData(seq+1, seq+1)); err != nil {
			t.Fatal(err)
		}
		if seq%103 == 0 {
			c.Produce(1)
		}
	}
	c.Produce(1)
	if rows := seqs(t, c.Node(0), "heads", 1000); len(rows) != 1000 || rows[0] != 7 {
		t.Fatalf("%d rows from %v on", len(rows), rows[0])
	}
	list := c.Transactions()
	if last := list[len(list)-1]; len(list) != 1030 || last.RAM != 0 || c.main.state.tables.root.value.rows != 1024 {
		t.Fatalf("%+v", last)
	}
}

// NET decays within a day. What is kept of it is rounded up, as there.
func TestNET(t *testing.T) {
	c := start(t, Options{Limits: Limits{NET: 300}})
	n := c.Node(0)
	sent(t, n, signedBy(c, post(c, 1), poster))
	sent(t, n, signedBy(c, post(c, 2), poster))
	c.Produce(1)
	if used := c.Account().NET; used != 289 {
		t.Errorf("%d bytes of NET", used)
	}
	refused(t, n, signedBy(c, post(c, 3), poster), 500, codeNET)
	c.Advance(12 * time.Hour)
	c.Produce(1)
	if used := c.Account().NET; used != 144 {
		t.Errorf("%d bytes of NET after half a day", used)
	}
	sent(t, n, signedBy(c, post(c, 3), poster))
}

// A contract that does not end is ended, and is told by whose limit.
func TestCPU(t *testing.T) {
	loop := []byte{0, 'a', 's', 'm', 1, 0, 0, 0,
		1, 7, 1, 0x60, 3, 0x7e, 0x7e, 0x7e, 0, // (func (param i64 i64 i64))
		3, 2, 1, 0,
		7, 9, 1, 5, 'a', 'p', 'p', 'l', 'y', 0, 0,
		10, 9, 1, 7, 0, 3, 0x40, 12, 0, 11, 11, // loop br 0 end end
	}
	c := start(t, Options{Wasm: loop, ABI: contract.ABI, Limits: Limits{One: 20 * time.Millisecond}})
	n := c.Node(0)
	refused(t, n, signedBy(c, post(c, 1), poster), 500, codeCPU)
	c.SetLimits(Limits{One: time.Minute})
	tx := post(c, 1)
	tx.cpuMs = 5
	refused(t, n, signedBy(c, tx, poster), 500, codeCPU)
	c.SetLimits(Limits{CPU: time.Microsecond})
	refused(t, n, signedBy(c, post(c, 1), poster), 500, codeLeeway)
}

// Another contract pays for its own code, and one that cannot run is refused.
func TestDeploy(t *testing.T) {
	c := start(t, Options{})
	sent(t, c.Node(0), signedBy(c, post(c, 1), poster))
	c.Produce(1)
	ram := c.Account().RAM
	nothing := []byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 7, 1, 0x60, 3, 0x7e, 0x7e, 0x7e, 0, 3, 2, 1, 0, 7, 9, 1, 5, 'a', 'p', 'p', 'l', 'y', 0, 0, 10, 4, 1, 2, 0, 11}
	if err := c.Deploy(nothing, contract.ABI); err != nil {
		t.Fatal(err)
	}
	if got := c.Account().RAM; got != ram-10*int64(len(contract.Wasm)-len(nothing)) {
		t.Errorf("%d bytes of RAM, %d before", got, ram)
	}
	sent(t, c.Node(0), signedBy(c, post(c, 7), poster)) // it minds nothing
	for name, wasm := range map[string][]byte{
		"the same":          nothing,
		"no wasm":           []byte("wasm"),
		"no apply":          nothing[:8],
		"an unknown import": {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 10, 1, 3, 'e', 'n', 'v', 2, 'n', 'o', 0, 0},
		"memory.copy":       append(append([]byte{}, nothing[:len(nothing)-6]...), 10, 14, 1, 12, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 11),
	} {
		if err := c.Deploy(wasm, contract.ABI); err == nil {
			t.Errorf("%s was deployed", name)
		}
	}
}
