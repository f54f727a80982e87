package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/anchor/contract"
)

// vectors reads the cases of a file that others' code made.
func vectors[T any](t *testing.T, file string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testvectors", "anchor", file))
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Cases []T }
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Cases) == 0 {
		t.Fatalf("%s has no case", file)
	}
	return v.Cases
}

// What wharfkit and eosjs packed and signed is read as they meant it.
func TestVectorTransactions(t *testing.T) {
	for _, k := range vectors[struct {
		Name, Packed, ID, Digest, Public, Signature string
		ChainID                                     string `json:"chain_id"`
		Transaction                                 struct {
			Extensions []json.RawMessage `json:"transaction_extensions"`
			Actions    []struct{ Account, Name, Data string }
		}
	}](t, "transactions.json") {
		t.Run(k.Name, func(t *testing.T) {
			packed, _ := hex.DecodeString(k.Packed)
			tx, err := unpack(packed)
			if err != nil {
				t.Fatal(err)
			}
			if tx.extensions != len(k.Transaction.Extensions) || len(tx.actions) != len(k.Transaction.Actions) {
				t.Fatalf("%+v", tx)
			}
			for i, a := range k.Transaction.Actions {
				if got := tx.actions[i]; got.account.String() != a.Account || got.name.String() != a.Name || hex.EncodeToString(got.data) != a.Data {
					t.Errorf("%+v, want %+v", got, a)
				}
			}
			if tx.extensions == 0 && !bytes.Equal(packTransaction(tx), packed) {
				t.Error("packed anew it is another")
			}
			for n := range packed {
				if _, err := unpack(packed[:n]); err == nil {
					t.Errorf("%d of %d bytes are a transaction", n, len(packed))
				}
			}
			if id := sha256.Sum256(packed); hex.EncodeToString(id[:]) != k.ID {
				t.Errorf("%x", id)
			}
			digest, _ := hex.DecodeString(k.Digest)
			sig, err := parseText("SIG_K1_", k.Signature, 65)
			if err != nil {
				t.Fatal(err)
			}
			if key, err := recoverKey(sig, [32]byte(digest)); err != nil || key != k.Public {
				t.Errorf("%s %v, want %s", key, err, k.Public)
			}
			chain, _ := hex.DecodeString(k.ChainID)
			c := &Chain{id: [32]byte(chain)}
			keys, refused := c.recover(&signed{raw: packed, sigs: [][]byte{sig}})
			if refused != nil || len(keys) != 1 || keys[0] != k.Public {
				t.Errorf("%v %v", keys, refused)
			}
		})
	}
}

func TestVectorNames(t *testing.T) {
	for _, k := range vectors[struct {
		Text, Value string
		Refuse      bool
	}](t, "names.json") {
		n, err := parseName(k.Text)
		if (err != nil) != k.Refuse || err == nil && (strconv.FormatUint(uint64(n), 10) != k.Value || n.String() != k.Text) {
			t.Errorf("%q is %d %v, want %s", k.Text, uint64(n), err, k.Value)
		}
	}
}

// The ABI is packed as others pack it, and reads the data that they packed by it.
func TestVectorABI(t *testing.T) {
	a, err := parseABI(contract.ABI)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range vectors[struct{ Packed string }](t, "abi.json") {
		if got := hex.EncodeToString(a.packed); got != k.Packed {
			t.Errorf("%s\nwant\n%s", got, k.Packed)
		}
	}
	for _, k := range vectors[struct {
		Name, Type, Data string
		Fields           map[string]json.RawMessage
	}](t, "data.json") {
		data, _ := hex.DecodeString(k.Data)
		v, err := a.decode(k.Type, data)
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		b, _ := json.Marshal(v)
		var got map[string]json.RawMessage
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		for field, want := range k.Fields {
			// Numbers of 64 bits are strings in the vectors, and where they have to be in nodeos.
			if strings.Trim(string(want), `"`) != strings.Trim(string(got[field]), `"`) {
				t.Errorf("%s: %s is %s, want %s", k.Name, field, got[field], want)
			}
		}
	}
}

// The contract does here what it does in @eosnetwork/vert.
func TestVectorContract(t *testing.T) {
	type play struct {
		Name, Time, Refuse string
		Actions            []struct {
			Account, Name string
			Authorization []struct{ Actor, Permission string }
			Data          string
		}
		Heads, Events []string
	}
	cases := vectors[play](t, "contract.json")
	first, err := time.Parse("2006-01-02T15:04:05.000", cases[0].Time)
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{Start: first.Add(-500 * time.Millisecond), Keys: map[string][]string{"active": {posterKey}}, Others: map[string]string{"mallory": posterKey}})
	n := c.Node(0)
	for _, k := range cases {
		at, err := time.Parse("2006-01-02T15:04:05.000", k.Time)
		if err != nil {
			t.Fatal(err)
		}
		c.Advance(at.Sub(slotTime(c.next(&c.main))))
		tx := post(c, 1)
		tx.expiration = uint32(at.Unix()) + 60
		tx.actions = nil
		for _, a := range k.Actions {
			data, _ := hex.DecodeString(a.Data)
			act := action{account: mustName(a.Account), name: mustName(a.Name), data: data}
			for _, p := range a.Authorization {
				act.auth = append(act.auth, permission{mustName(p.Actor), mustName(p.Permission)})
			}
			tx.actions = append(tx.actions, act)
		}
		status, v := ask(t, n, "send_transaction2", signedBy(c, tx, poster))
		b, _ := json.Marshal(v["error"])
		if (status == 202) != (k.Refuse == "") || k.Refuse != "" && k.Refuse != "missing authority" && !strings.Contains(string(b), "assertion failure with message: "+k.Refuse) {
			t.Fatalf("%s: %d %v, want %q", k.Name, status, v, k.Refuse)
		}
		c.Produce(1)
		for table, want := range map[string][]string{"heads": k.Heads, "events": k.Events} {
			_, v := ask(t, n, "get_table_rows", map[string]any{"code": "eventseal", "scope": "eventseal", "table": table, "limit": 1000})
			got := []string{}
			for _, r := range v["rows"].([]any) {
				got = append(got, r.(string))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %s are %v, want %v", k.Name, table, got, want)
			}
		}
	}
}
