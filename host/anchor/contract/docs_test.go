package contract_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/anchor/contract"
	"github.com/eventseal/eventseal/testvectors"
)

// What docs/anchor.md says that the contract costs is what nodeos' rules make
// of these files: ten times the code, the packed ABI, 112 bytes beside each row
// and for each table, 338 for a permission of one key and 144 for a link.
func TestDocumentedRAM(t *testing.T) {
	text, err := testvectors.Anchor.ReadFile("anchor/abi.json")
	if err != nil {
		t.Fatal(err)
	}
	var abi struct {
		Cases []struct{ Packed testvectors.Hex }
	}
	if err := json.Unmarshal(text, &abi); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/anchor.md")
	if err != nil {
		t.Fatal(err)
	}
	code, packed, heads, events := 10*len(contract.Wasm), len(abi.Cases[0].Packed), 1024*(112+52), 1024*(112+48)
	all := code + packed + 338 + 2*144 + 2*112 + heads + events
	for what, n := range map[string]int{"the code": code, "the ABI": packed, "1,024 heads": heads, "1,024 events": events, "together": all} {
		if want := "| " + what + " | " + grouped(n) + " |"; !strings.Contains(string(doc), want) {
			t.Errorf("docs/anchor.md does not say %q", want)
		}
	}
	if want := "it is " + grouped(all-events-112) + "."; !strings.Contains(string(doc), want) {
		t.Errorf("docs/anchor.md does not say %q", want)
	}
	if want := "a contract of " + grouped(len(contract.Wasm)) + " bytes"; !strings.Contains(string(doc), want) {
		t.Errorf("docs/anchor.md does not say %q", want)
	}
}

// grouped is n below a million, with a comma between its thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}
