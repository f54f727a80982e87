package antelope

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

// vectors are those that wharfkit made.
func vectors[T any](t *testing.T, file string) []T {
	raw, err := os.ReadFile("../../testvectors/anchor/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Cases []T }
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Cases) < 5 {
		t.Fatalf("%s: %d cases, %v", file, len(f.Cases), err)
	}
	return f.Cases
}

func TestNamesOfOthers(t *testing.T) {
	for _, c := range vectors[struct{ Text, Value string }](t, "names.json") {
		n, ok := ParseName([]byte(c.Text))
		if ok != (c.Value != "") || ok && strconv.FormatUint(n, 10) != c.Value {
			t.Errorf("%q is %d, %v, want %q", c.Text, n, ok, c.Value)
		}
	}
}

func TestTransactionsOfOthers(t *testing.T) {
	type action struct {
		Account, Name string
		Authorization []struct{ Actor string }
		Data          string
	}
	posts := 0
	for _, c := range vectors[struct {
		Name        string
		Packed      string
		Transaction struct {
			Expiration uint32
			Actions    []action
		}
	}](t, "transactions.json") {
		packed, err := hex.DecodeString(c.Packed)
		if err != nil {
			t.Fatal(err)
		}
		none := Post{Seq: 1}
		if expires, found, ok := none.Unpack(packed); !ok || found || expires != c.Transaction.Expiration {
			t.Errorf("%s: %d, %v, %v", c.Name, expires, found, ok)
		}
		for _, a := range c.Transaction.Actions {
			data, err := hex.DecodeString(a.Data)
			if err != nil || a.Name != "post" || len(data) != 48 || len(a.Authorization) != 1 || a.Authorization[0].Actor != a.Account {
				continue
			}
			posts++
			p := Post{Seq: binary.LittleEndian.Uint64(data), Size: binary.LittleEndian.Uint64(data[8:]), Root: digest.Hash(data[16:])}
			p.Contract, _ = ParseName([]byte(a.Account))
			if _, found, ok := p.Unpack(packed); !ok || !found {
				t.Errorf("%s: seq %d is not found", c.Name, p.Seq)
			}
			if _, found, ok := p.Unpack(append(bytes.Clone(packed), 0)); ok {
				t.Errorf("%s with a byte more: %v", c.Name, found)
			}
		}
	}
	if posts < 3 {
		t.Errorf("%d posts", posts)
	}
}
