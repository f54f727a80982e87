// Command gen writes codes_gen.go, and the SDK's codes.gen.ts, from
// testvectors/codes.json. It is run by go generate ./wasm/code, in the folder
// wasm/code.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"log"
	"os"
	"strings"
)

type entry struct {
	Number int
	Code   string
	Origin string
	Status int
	Title  string
}

func main() {
	log.SetFlags(0)
	src, err := os.ReadFile("../../testvectors/codes.json")
	if err != nil {
		log.Fatal(err)
	}
	var list struct {
		Comment string
		Codes   []entry
	}
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		log.Fatal(err)
	}

	check(list.Codes)

	var out bytes.Buffer
	out.WriteString("// Code generated from testvectors/codes.json by go generate; DO NOT EDIT.\n\npackage code\n\nconst (\n\t// OK is success; it has no text form.\n\tOK Code = 0\n")
	for _, e := range list.Codes {
		fmt.Fprintf(&out, "\t// %s: %s\n\t%s Code = %d\n", name(e.Code), e.Title, name(e.Code), e.Number)
	}
	out.WriteString(")\n\n// All lists every refusal code in the order of its number.\nvar All = [...]Code{")
	for _, e := range list.Codes {
		fmt.Fprintf(&out, "%s, ", name(e.Code))
	}
	// Switches, not maps: the module links only what it uses and initializes nothing.
	out.WriteString("}\n\n// String returns the code as it stands in problem documents and SDK errors; \"\" for OK and unknown numbers.\nfunc (c Code) String() string {\n\tswitch c {\n")
	for _, e := range list.Codes {
		fmt.Fprintf(&out, "\tcase %s:\n\t\treturn %q\n", name(e.Code), e.Code)
	}
	out.WriteString("\t}\n\treturn \"\"\n}\n\n// Title returns one sentence for a person; \"\" for OK and unknown numbers.\nfunc (c Code) Title() string {\n\tswitch c {\n")
	for _, e := range list.Codes {
		fmt.Fprintf(&out, "\tcase %s:\n\t\treturn %q\n", name(e.Code), e.Title)
	}
	out.WriteString("\t}\n\treturn \"\"\n}\n\n// Status returns the HTTP status that the code is answered with; 200 for OK, 500 for unknown numbers.\nfunc (c Code) Status() int {\n\tswitch c {\n\tcase OK:\n\t\treturn 200\n")
	for _, e := range list.Codes {
		fmt.Fprintf(&out, "\tcase %s:\n\t\treturn %d\n", name(e.Code), e.Status)
	}
	out.WriteString("\t}\n\treturn 500\n}\n")

	formatted, err := format.Source(out.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("codes_gen.go", formatted, 0o644); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("../../sdk-js/src/codes.gen.ts", typescript(list.Codes), 0o644); err != nil {
		log.Fatal(err)
	}
}

// check ends the program when two entries share a number or a text, when an
// entry is incomplete, or when the numbers do not rise.
func check(codes []entry) {
	texts := map[string]bool{}
	last := 0
	for _, e := range codes {
		if e.Number <= last || e.Number > 255 || e.Code == "" || texts[e.Code] || e.Title == "" || e.Status < 400 || e.Status > 599 ||
			e.Origin != "module" && e.Origin != "host" {
			log.Fatalf("codes.json: the entry %+v is incomplete, out of order or there twice", e)
		}
		last, texts[e.Code] = e.Number, true
	}
}

// typescript returns the same list as constants of the SDK.
func typescript(codes []entry) []byte {
	var out bytes.Buffer
	out.WriteString(`// Code generated from testvectors/codes.json by go generate; DO NOT EDIT.

/** Every refusal code, in the order of its number: those of the module, then those of the host. */
export const codes = [
`)
	for _, e := range codes {
		title, err := json.Marshal(e.Title)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(&out, "  { number: %d, code: %q, origin: %q, status: %d, title: %s },\n", e.Number, e.Code, e.Origin, e.Status, title)
	}
	out.WriteString(`] as const;

/** What a code stands for: its number in the module's ABI, who gives it, its HTTP status, one sentence for a person. */
export type CodeInfo = (typeof codes)[number];

/** One refusal code: the same string in the module, the host's problem documents and the SDK's errors. */
export type Code = CodeInfo["code"];

/** The codes that the module itself gives. */
export type ModuleCode = Extract<CodeInfo, { origin: "module" }>["code"];

/** The codes that only a host gives. */
export type HostCode = Extract<CodeInfo, { origin: "host" }>["code"];
`)
	return out.Bytes()
}

// name turns snake_case into the exported Go name: invalid_utf8 → InvalidUTF8.
func name(code string) string {
	var b strings.Builder
	for _, part := range strings.Split(code, "_") {
		switch part {
		case "utf8", "json":
			b.WriteString(strings.ToUpper(part))
		default:
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}
