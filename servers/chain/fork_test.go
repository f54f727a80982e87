package chain

import (
	"reflect"
	"testing"
)

// A fork takes back what its blocks did, exactly, and the same bytes pass again.
func TestForkDrops(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	c.Produce(5)
	sent(t, n, signedBy(c, post(c, 1), poster))
	c.Produce(1)
	before := c.Account()
	body := signedBy(c, post(c, 2), poster)
	id := sent(t, n, body)
	c.Produce(2)
	head := c.Head()
	if rows := seqs(t, n, "heads", 10); len(rows) != 2 {
		t.Fatal(rows)
	}
	if err := c.Fork(2, Drop); err != nil {
		t.Fatal(err)
	}
	if rows := seqs(t, n, "heads", 10); len(rows) != 1 {
		t.Fatal(rows)
	}
	if after := c.Account(); after.RAM != before.RAM {
		t.Errorf("%d bytes of RAM, %d before", after.RAM, before.RAM)
	}
	// The chain is one block longer, and the last two are others.
	if now := c.Head(); now.Num != head.Num+1 || !now.Time.After(head.Time) || c.find(&c.main, head.Num).told().ID == head.ID {
		t.Errorf("%v after %v", now, head)
	}
	if status, v := ask(t, n, "get_block", map[string]any{"block_num_or_id": head.ID}); status != 400 || v["error"].(map[string]any)["code"].(float64) != codeUnknownBlock {
		t.Errorf("a block that was dropped is told: %d %v", status, v)
	}
	c.Produce(1)
	for _, tx := range c.Transactions() {
		if tx.ID == id {
			t.Error("a transaction that was dropped came back")
		}
	}
	if got := sent(t, n, body); got != id {
		t.Errorf("%s, want %s", got, id)
	}
	c.Produce(1)
	if rows := seqs(t, n, "heads", 10); len(rows) != 2 {
		t.Fatal(rows)
	}
}

// Kept transactions come in again, in their order.
func TestForkKeeps(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	c.Produce(5)
	var ids []string
	for seq := range uint64(3) {
		ids = append(ids, sent(t, n, signedBy(c, post(c, seq+1), poster)))
		if seq < 2 {
			c.Produce(1)
		}
	}
	if err := c.Fork(2, Keep); err != nil {
		t.Fatal(err)
	}
	if rows := seqs(t, n, "heads", 10); len(rows) != 0 {
		t.Fatal(rows)
	}
	c.Produce(1)
	if rows := seqs(t, n, "heads", 10); !reflect.DeepEqual(rows, []float64{1, 2, 3}) {
		t.Fatal(rows)
	}
	for i, tx := range c.Transactions() {
		if tx.ID != ids[i] || tx.Block != c.Head().Num {
			t.Errorf("%v, want %s in %d", tx, ids[i], c.Head().Num)
		}
	}
}

// What is irreversible is not dropped; a reference to a dropped block is no good.
func TestIrreversible(t *testing.T) {
	c := start(t, Options{Lag: 3})
	c.Produce(10)
	if c.LIB().Num != c.Head().Num-3 {
		t.Fatal(c.LIB())
	}
	if err := c.Fork(4, Drop); err == nil {
		t.Fatal("an irreversible block was dropped")
	}
	tx := post(c, 1)
	tx.refNum, tx.refPrefix = uint16(c.main.head.num), c.main.head.prefix()
	body := signedBy(c, tx, poster)
	if err := c.Fork(3, Drop); err != nil {
		t.Fatal(err)
	}
	refused(t, c.Node(0), body, 500, codeReference)
	if c.LIB().Num != c.Head().Num-3 { // one further, as the new branch is one longer
		t.Error(c.LIB(), c.Head())
	}
	c.HoldLIB(true)
	held := c.LIB()
	c.Produce(100)
	if c.LIB() != held {
		t.Errorf("it moved to %v", c.LIB())
	}
	if err := c.Fork(103, Drop); err != nil {
		t.Fatal(err)
	}
	c.HoldLIB(false)
	if c.LIB().Num != c.Head().Num-3 {
		t.Error(c.LIB(), c.Head())
	}
	c.SetLag(50) // never back
	if c.LIB().Num != c.Head().Num-3 {
		t.Error(c.LIB(), c.Head())
	}
	for at := c.main.lib.prev; at != nil; at = at.prev {
		if at.state != nil {
			t.Fatalf("block %d is irreversible and keeps its state", at.num)
		}
	}
}

// The same calls make the same chain.
func TestDeterministic(t *testing.T) {
	make := func() string {
		c := start(t, Options{})
		c.Produce(4)
		sent(t, c.Node(0), signedBy(c, post(c, 1), poster))
		if err := c.Fork(2, Keep); err != nil {
			t.Fatal(err)
		}
		c.Produce(5)
		return c.find(&c.main, c.Head().Num-5).told().ID
	}
	if a, b := make(), make(); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

// Old blocks and states do not pile up.
func TestBounded(t *testing.T) {
	c := start(t, Options{})
	c.kept = 800
	c.Produce(3000)
	if len(c.old) > 901 || c.first < 2000 || c.old[0].num != c.first || c.old[0].prev != nil {
		t.Fatalf("%d blocks are kept from %d on", len(c.old), c.first)
	}
	status, _ := ask(t, c.Node(0), "get_block_info", map[string]any{"block_num": c.first - 1})
	if status != 400 {
		t.Errorf("a block that is not kept: %d", status)
	}
	_, v := ask(t, c.Node(0), "get_block_info", map[string]any{"block_num": c.first})
	if v["block_num"].(float64) != float64(c.first) {
		t.Errorf("%v", v)
	}
}
