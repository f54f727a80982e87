package chain

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// A chain that is begun again in its folder is the one that it was, forks and contracts included.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Limits: Limits{RAM: 1 << 20}}
	c := start(t, o)
	n := c.Node(0)
	c.Produce(5)
	for seq := range uint64(3) {
		sent(t, n, signedBy(c, post(c, seq+1), poster))
		c.Produce(1)
	}
	if err := c.Fork(2, Keep); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute)
	c.Produce(2)
	if _, err := c.Act("event", append(postData(1, 0)[:8], make([]byte, 36)...)); err != nil {
		t.Fatal(err)
	}
	body := signedBy(c, post(c, 4), poster)
	sent(t, n, body)
	c.Produce(1)
	want := c.State()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "blocks")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A line that was cut off is as if it had not been begun.
	if err := os.WriteFile(file, append(whole, `{"block":{"slot":82`...), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// A limit that is lower now refuses nothing of what was.
		o.Limits.RAM = 1000
		c = start(t, o)
		got := c.State()
		got.Use.Limits, want.Use.Limits = Limits{}, Limits{}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\nwant\n%+v", got, want)
		}
		refused(t, c.Node(0), body, 409, codeDuplicate)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o.Limits.RAM = 0
	c = start(t, o)
	sent(t, c.Node(0), signedBy(c, post(c, 5), poster))
	if err := c.Fork(1, Drop); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "other"), nil, 0o600), c.Close()); err != nil {
		t.Fatal(err)
	}
	o.Account = "other"
	if c, err := New(o); err == nil {
		c.Close()
		t.Error("it is a chain of another account")
	}
}

// Another contract than the last one is deployed at the start, once.
func TestResumeDeploys(t *testing.T) {
	nothing := []byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 7, 1, 0x60, 3, 0x7e, 0x7e, 0x7e, 0, 3, 2, 1, 0, 7, 9, 1, 5, 'a', 'p', 'p', 'l', 'y', 0, 0, 10, 4, 1, 2, 0, 11}
	o := Options{Dir: t.TempDir()}
	c := start(t, o)
	abi := c.o.ABI
	sent(t, c.Node(0), signedBy(c, post(c, 1), poster))
	c.Produce(2)
	rows := c.Rows("heads")
	c.Close()
	o.Wasm, o.ABI = nothing, abi
	for range 2 {
		c = start(t, o)
		if !reflect.DeepEqual(c.Rows("heads"), rows) || c.main.state.code.sequence != 2 {
			t.Fatalf("%s, contract %d", c.Rows("heads"), c.main.state.code.sequence)
		}
		c.Close()
	}
}
