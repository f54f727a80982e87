// Command go writes the vectors whose expectations come from Go libraries:
// merkle/ by transparency-dev/merkle, proofs/ with it, x/mod and torchwood, and signatures and events by eos-go/ecc
// and gowebpki/jcs. Its argument is the testvectors folder.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// A vector is one case; see testvectors/README.md.
type vector struct {
	Name   string  `json:"name"`
	Op     string  `json:"op"`
	In     any     `json:"in"`
	Out    any     `json:"out,omitempty"`
	Refuse *refuse `json:"refuse,omitempty"`
}

type refuse struct {
	Code    string  `json:"code"`
	Pointer *string `json:"pointer,omitempty"`
}

type object = map[string]any

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . TESTVECTORS")
	}
	write("merkle/inclusion.json", "inclusion: is an event the index-th of size under this root? RFC 9162 section 2.1; the leaf's data are the 32 bytes of the event's hash.", inclusion())
	proofs()
	write("signatures/eosgo.json", "verify_digest: signatures that eos-go/ecc made.", eosgoSignatures())
	write("events/eosgo.json", "Events that gowebpki/jcs wrote and eos-go/ecc signed.", eosgoEvents())
}

func write(path, description string, cases []vector) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"description\": %s,\n  \"cases\": [\n", text(description))
	for i, c := range cases {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    " + text(c))
	}
	b.WriteString("\n  ]\n}\n")
	file := filepath.Join(os.Args[1], path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// text is v as JSON in printable ASCII.
func text(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		log.Fatal(err)
	}
	var out []byte
	for _, r := range string(bytes.TrimSpace(b.Bytes())) {
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	if !utf8.Valid(out) {
		log.Fatalf("not UTF-8: %q", out)
	}
	return string(out)
}
