package antelope

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

// cases reads testvectors/anchor/NAME, which another implementation made.
func cases[T any](t testing.TB, name string) []T {
	t.Helper()
	raw, err := os.ReadFile("../../testvectors/anchor/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Cases []T }
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Cases) < 4 {
		t.Fatalf("%s has %d cases", name, len(f.Cases))
	}
	return f.Cases
}

type nameJSON struct{ Name }

func (n *nameJSON) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		return nil
	}
	n.Name, err = ParseName(string(b))
	return err
}

type actionJSON struct {
	Account, Name nameJSON
	Authorization []struct{ Actor, Permission nameJSON }
	Data          string
}

func (a actionJSON) action(t testing.TB) Action {
	data, err := hex.DecodeString(a.Data)
	if err != nil {
		t.Fatal(err)
	}
	out := Action{Account: a.Account.Name, Name: a.Name.Name, Data: data}
	for _, p := range a.Authorization {
		out.Authorization = append(out.Authorization, Permission{p.Actor.Name, p.Permission.Name})
	}
	return out
}

type transactionCase struct {
	Name        string
	Transaction struct {
		Expiration  uint32
		RefBlockNum uint16       `json:"ref_block_num"`
		RefPrefix   uint32       `json:"ref_block_prefix"`
		NetWords    uint32       `json:"max_net_usage_words"`
		CPU         uint8        `json:"max_cpu_usage_ms"`
		Delay       uint32       `json:"delay_sec"`
		ContextFree []actionJSON `json:"context_free_actions"`
		Actions     []actionJSON
		Extensions  []struct {
			Type uint16
			Data string
		} `json:"transaction_extensions"`
	}
	Packed, ID, Digest string
	Chain              string `json:"chain_id"`
}

func TestTransactions(t *testing.T) {
	for _, c := range cases[transactionCase](t, "transactions.json") {
		x := c.Transaction
		tx := Transaction{
			Expiration: x.Expiration, RefBlockNum: x.RefBlockNum, RefBlockPrefix: x.RefPrefix,
			MaxNetWords: x.NetWords, MaxCPU: x.CPU, Delay: x.Delay,
		}
		for _, a := range x.ContextFree {
			tx.ContextFree = append(tx.ContextFree, a.action(t))
		}
		for _, a := range x.Actions {
			tx.Actions = append(tx.Actions, a.action(t))
		}
		for _, e := range x.Extensions {
			data, err := hex.DecodeString(e.Data)
			if err != nil {
				t.Fatal(err)
			}
			tx.Extensions = append(tx.Extensions, Extension{e.Type, data})
		}
		packed := tx.Pack()
		if got := hex.EncodeToString(packed); got != c.Packed {
			t.Fatalf("%s: packed %s, want %s", c.Name, got, c.Packed)
		}
		if got := ID(packed).String(); got != c.ID {
			t.Errorf("%s: id %s, want %s", c.Name, got, c.ID)
		}
		chain, ok := digest.ParseHash(c.Chain)
		if got := Digest(chain, packed).String(); !ok || got != c.Digest {
			t.Errorf("%s: digest %s, want %s", c.Name, got, c.Digest)
		}
		back, err := Unpack(packed)
		if err != nil || !bytes.Equal(back.Pack(), packed) || len(back.Actions) != len(tx.Actions) {
			t.Errorf("%s: unpacked %+v, %v", c.Name, back, err)
		}
		for n := range packed {
			if _, err := Unpack(packed[:n]); err == nil {
				t.Errorf("%s: the first %d bytes are taken", c.Name, n)
			}
		}
		if _, err := Unpack(append(bytes.Clone(packed), 0)); err == nil {
			t.Errorf("%s: a byte behind it is taken", c.Name)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	empty := (&Transaction{}).Pack()
	if _, err := Unpack(empty); err != nil {
		t.Fatal(err)
	}
	long := append(bytes.Clone(empty[:10]), 0x80, 0x00) // 0 in two bytes
	long = append(long, empty[11:]...)
	if _, err := Unpack(long); err == nil {
		t.Error("a number with more bytes than it needs is taken")
	}
	if _, err := Unpack(make([]byte, MaxTransaction+1)); err == nil {
		t.Error("it is too large and taken")
	}
	// A count that no bytes stand behind costs nothing.
	many := append(bytes.Clone(empty[:12]), 0xff, 0xff, 0xff, 0xff, 0x0f)
	if n := testing.AllocsPerRun(5, func() { _, _ = Unpack(many) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
}

func TestNames(t *testing.T) {
	for _, c := range cases[struct {
		Text, Value string
		Refuse      bool
	}](t, "names.json") {
		n, err := ParseName(c.Text)
		if c.Refuse {
			if err == nil {
				t.Errorf("%q is taken as %d", c.Text, n)
			}
			continue
		}
		if got := strconv.FormatUint(uint64(n), 10); err != nil || got != c.Value || n.String() != c.Text {
			t.Errorf("%q: %s, %q, %v; want %s", c.Text, got, n, err, c.Value)
		}
	}
}

func TestRequests(t *testing.T) {
	tried := 0
	for _, c := range cases[struct {
		Name       string
		Chain      string `json:"chain_id"`
		Alias      *int   `json:"chain_alias"`
		Actions    []actionJSON
		Broadcast  bool
		Background bool
		Callback   string
		Header     byte
		Payload    string
	}](t, "requests.json") {
		if c.Alias != nil || !c.Broadcast || c.Background || c.Callback != "" {
			continue // not what is asked here
		}
		tried++
		chain, _ := digest.ParseHash(c.Chain)
		var actions []Action
		for _, a := range c.Actions {
			actions = append(actions, a.action(t))
		}
		uri := RequestURI(chain, actions)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(uri, "esr://"))
		if err != nil || raw[0] != c.Header {
			t.Fatalf("%s: %s, %v", c.Name, uri, err)
		}
		payload, err := io.ReadAll(flate.NewReader(bytes.NewReader(raw[1:])))
		if got := hex.EncodeToString(payload); err != nil || got != c.Payload {
			t.Errorf("%s: %s, %v; want %s", c.Name, got, err, c.Payload)
		}
	}
	if tried < 2 {
		t.Errorf("%d cases were tried", tried)
	}
}

func TestData(t *testing.T) {
	h := ID(nil)
	seq, size, root, err := ParsePost(PostData(7, 1<<40, h))
	if seq != 7 || size != 1<<40 || root != h || err != nil {
		t.Error(seq, size, root, err)
	}
	seq, code, hash, err := ParseEvent(EventData(8, 1000, h))
	if seq != 8 || code != 1000 || hash != h || err != nil {
		t.Error(seq, code, hash, err)
	}
	if _, _, _, err := ParsePost(EventData(8, 1000, h)); err == nil {
		t.Error("an event is taken as a head")
	}
	if _, _, _, err := ParseEvent(PostData(7, 1, h)); err == nil {
		t.Error("a head is taken as an event")
	}
}
