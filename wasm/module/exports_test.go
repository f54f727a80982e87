package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// exports are the functions behind the exports. TinyGo finds them by their
// directives; nothing else calls them.
var exports = map[string]any{
	"abi_version":     exportABIVersion,
	"canonicalize":    exportCanonicalize,
	"create":          exportCreate,
	"erase":           exportErase,
	"inclusion":       exportInclusion,
	"input":           exportInput,
	"key_from_random": exportKeyFromRandom,
	"name":            exportName,
	"preimage":        exportPreimage,
	"private_text":    exportPrivateText,
	"public_key":      exportPublicKey,
	"public_of":       exportPublicOf,
	"public_text":     exportPublicText,
	"recover":         exportRecover,
	"register_types":  exportRegisterTypes,
	"sha256":          exportSHA256,
	"sign":            exportSign,
	"sign_digest":     exportSignDigest,
	"sign_receipt":    exportSignReceipt,
	"signature_of":    exportSignatureOf,
	"signature_text":  exportSignatureText,
	"types":           exportTypes,
	"verify":          exportVerify,
	"verify_batch":    exportVerifyBatch,
	"verify_digest":   exportVerifyDigest,
	"verify_proof":    exportVerifyProof,
	"verify_receipt":  exportVerifyReceipt,
	"version":         exportVersion,
}

// exports.txt, which the file itself is held to, lists these functions and
// nothing else, and ABI.md has a line for each.
func TestExportsAreListedAndDocumented(t *testing.T) {
	lines := []string{"_initialize() -> ()", "memory memory"}
	for name, f := range exports {
		signature := reflect.TypeOf(f)
		lines = append(lines, fmt.Sprintf("%s(%s) -> (%s)", name,
			strings.TrimSuffix(strings.Repeat("i32, ", signature.NumIn()), ", "), strings.Repeat("i32", signature.NumOut())))
	}
	slices.Sort(lines)
	if got := read(t, "../exports.txt"); got != strings.Join(lines, "\n")+"\n" {
		t.Errorf("exports.txt is\n%swant\n%s", got, strings.Join(lines, "\n"))
	}
	abi := read(t, "../ABI.md")
	for name, f := range exports {
		args := [...]string{"", "size", "size, max_bytes"}[reflect.TypeOf(f).NumIn()]
		if !strings.Contains(abi, "| `"+name+"("+args+")` |") && name != "input" {
			t.Errorf("ABI.md has no line for %s(%s)", name, args)
		}
	}
}

func read(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
