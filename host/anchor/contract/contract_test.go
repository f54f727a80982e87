package contract_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/anchor/contract"
	"github.com/eventseal/eventseal/testvectors"
)

var self = name("eventseal")

func own(kind string, data []byte) action {
	return action{receiver: self, code: self, name: name(kind), by: []uint64{self}, data: data}
}

func post(seq, size uint64) action {
	root := sha256.Sum256(fmt.Append(nil, seq, size))
	data := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, seq), size)
	return own("post", append(data, root[:]...))
}

func event(seq uint64) action {
	hash := sha256.Sum256(fmt.Append(nil, seq))
	data := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, seq), 40)
	return own("event", append(data, hash[:]...))
}

// The vectors' transactions, one after the other: what is refused and why, and
// every row after each.
func TestVectors(t *testing.T) {
	text, err := testvectors.Anchor.ReadFile("anchor/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name, Time, Refuse string
			Actions            []struct {
				Account, Name string
				Authorization []struct{ Actor string }
				Data          testvectors.Hex
			}
			Heads, Events []testvectors.Hex
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 30 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	c := newChain(t)
	for _, v := range file.Cases {
		if c.time, err = time.Parse("2006-01-02T15:04:05.000", v.Time); err != nil {
			t.Fatal(err)
		}
		var actions []action
		for _, a := range v.Actions {
			account := name(a.Account)
			made := action{receiver: account, code: account, name: name(a.Name), data: a.Data}
			for _, by := range a.Authorization {
				made.by = append(made.by, name(by.Actor))
			}
			actions = append(actions, made)
		}
		switch err := c.run(actions...); {
		case v.Refuse == "" && err != nil:
			t.Errorf("%s: %v", v.Name, err)
		case v.Refuse != "" && (err == nil || !strings.HasPrefix(err.Error(), v.Refuse)):
			t.Errorf("%s: %v, not %s", v.Name, err, v.Refuse)
		}
		for table, want := range map[string][]testvectors.Hex{"heads": v.Heads, "events": v.Events} {
			if !slices.EqualFunc(c.rows(table), want, func(a []byte, b testvectors.Hex) bool { return bytes.Equal(a, b) }) {
				t.Fatalf("%s: the table %s has %x, not %x", v.Name, table, c.rows(table), want)
			}
		}
	}
}

// A table keeps its last 1,024 rows, without a gap, and each table its own.
func TestLastRowsStay(t *testing.T) {
	c := newChain(t)
	c.time = time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC)
	const kept, n = 1024, 1024 + 20
	for seq := uint64(1); seq <= n; seq++ {
		if err := c.run(post(seq, seq*3), event(seq)); err != nil {
			t.Fatalf("%d: %v", seq, err)
		}
		for _, table := range []string{"heads", "events"} {
			rows := c.tables[name(table)]
			if want := min(seq, kept); uint64(len(rows)) != want || rows[seq] == nil || rows[seq-want+1] == nil {
				t.Fatalf("%s has %d rows of %d after %d", table, len(rows), want, seq)
			}
		}
	}
	for i, row := range c.rows("heads") {
		if seq := uint64(i + n - kept + 1); !bytes.Equal(row[:48], post(seq, seq*3).data) {
			t.Fatalf("head %d is %x", seq, row)
		}
	}
	if err := c.run(post(1, n*4)); err == nil {
		t.Error("a number that has left the table is taken again")
	}
}

// What happens on other accounts is not the contract's business, whoever
// tells it; and it is the same contract on an account of any name.
func TestReceivers(t *testing.T) {
	c := newChain(t)
	for _, a := range []action{post(1, 10), event(1), own("other", nil)} {
		a.code = name("mallory")
		for _, by := range [][]uint64{nil, {self}, {name("mallory")}} {
			if a.by = by; c.run(a) != nil || len(c.tables) != 0 {
				t.Fatalf("a notification did something: %v", maps.Keys(c.tables))
			}
		}
	}
	a := post(1, 10)
	a.receiver, a.code = name("zzzzzzzzzzzz"), name("zzzzzzzzzzzz")
	if err := c.run(a); err == nil || !strings.HasPrefix(err.Error(), "missing authority") {
		t.Errorf("another account's action by this one: %v", err)
	}
	a.by = []uint64{a.receiver}
	if err := c.run(a); err != nil {
		t.Error(err)
	}
}

func TestDigest(t *testing.T) {
	if sum := sha256.Sum256(contract.Wasm); hex.EncodeToString(sum[:]) != contract.Digest {
		t.Errorf("anchor.wasm is %x, anchor.wasm.sha256 says %s", sum, contract.Digest)
	}
}
