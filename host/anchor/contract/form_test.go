package contract_test

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/host/anchor/contract"
)

// The contract asks of a chain what every nodeos has, and nothing else.
func TestImportsAndExports(t *testing.T) {
	code := newChain(t).code // compiles for the first WebAssembly's features alone
	var imports []string
	for _, f := range code.ImportedFunctions() {
		from, name, _ := f.Import()
		imports = append(imports, from+" "+name)
	}
	slices.Sort(imports)
	want := []string{
		"env action_data_size", "env current_time", "env db_end_i64", "env db_find_i64", "env db_get_i64", "env db_previous_i64",
		"env db_remove_i64", "env db_store_i64", "env eosio_assert", "env read_action_data", "env require_auth",
	}
	if !slices.Equal(imports, want) {
		t.Errorf("imports %q", imports)
	}
	if got := slices.Collect(maps.Keys(code.ExportedFunctions())); !slices.Equal(got, []string{"apply"}) {
		t.Errorf("exports %q", got)
	}
	if got := slices.Collect(maps.Keys(code.ExportedMemories())); !slices.Equal(got, []string{"memory"}) {
		t.Errorf("memories %q", got)
	}
	if n := len(code.ImportedMemories()); n != 0 {
		t.Errorf("imports %d memories", n)
	}
	memory := code.ExportedMemories()["memory"]
	if memory.Min() > 33<<4 { // wasm_constraints::maximum_linear_memory, 33 MiB
		t.Errorf("needs %d pages", memory.Min())
	}
}

// nodeos refuses at setcode what starts by itself and what initializes memory
// from 64 KiB on (wasm_eosio_constraints.hpp); names and notes would be RAM to
// pay for.
func TestSections(t *testing.T) {
	const custom, start, data = 0, 8, 11
	number := func(b *[]byte) int {
		n, size := binary.Uvarint(*b)
		if size <= 0 {
			t.Fatal("a number that is none")
		}
		*b = (*b)[size:]
		return int(n)
	}
	segments := 0
	for b := contract.Wasm[8:]; len(b) > 0; {
		id := b[0]
		b = b[1:]
		size := number(&b)
		section := b[:size]
		b = b[size:]
		switch id {
		case custom, start:
			t.Errorf("a section %d of %d bytes", id, size)
		case data:
			for segments = number(&section); len(section) > 0; {
				const plain, i32Const, end = 0, 0x41, 0x0b
				if number(&section) != plain || number(&section) != i32Const {
					t.Fatal("a segment of another form")
				}
				offset := number(&section) // signed, which is the same for what is not negative
				if number(&section) != end {
					t.Fatal("an offset of another form")
				}
				length := number(&section)
				section = section[length:]
				if offset+length > 64<<10 {
					t.Errorf("memory is initialized up to %d", offset+length)
				}
			}
		}
	}
	if segments == 0 {
		t.Error("no data: where are the messages?")
	}
}

// The ABI names what the contract does, and nothing else.
func TestABI(t *testing.T) {
	type field struct{ Name, Type string }
	var abi struct {
		Version string
		Structs []struct {
			Name   string
			Fields []field
		}
		Actions []struct {
			Name, Type        string
			RicardianContract string `json:"ricardian_contract"`
		}
		Tables []struct {
			Name, Type string
			IndexType  string `json:"index_type"`
		}
	}
	if err := json.Unmarshal(contract.ABI, &abi); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{"uint32": 4, "uint64": 8, "checksum256": 32, "block_timestamp_type": 4}
	lengths := map[string]int{}
	for _, s := range abi.Structs {
		for _, f := range s.Fields {
			if sizes[f.Type] == 0 {
				t.Errorf("%s.%s is a %s", s.Name, f.Name, f.Type)
			}
			lengths[s.Name] += sizes[f.Type]
		}
	}
	if want := map[string]int{"post": 48, "event": 44, "head": 52, "event_row": 48}; abi.Version != "eosio::abi/1.1" || !maps.Equal(lengths, want) {
		t.Errorf("version %q, lengths %v", abi.Version, lengths)
	}
	for i, name := range []string{"post", "event"} {
		if a := abi.Actions[i]; len(abi.Actions) != 2 || a.Name != name || a.Type != name || a.RicardianContract == "" {
			t.Errorf("action %d is %+v", i, a)
		}
	}
	for i, table := range [][2]string{{"heads", "head"}, {"events", "event_row"}} {
		if a := abi.Tables[i]; len(abi.Tables) != 2 || a.Name != table[0] || a.Type != table[1] || a.IndexType != "i64" {
			t.Errorf("table %d is %+v", i, a)
		}
	}
}
