package testvectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 the format asks for it
)

// external returns the folder of other people's vectors. Where it is named it
// must be there; where it is not, there is nothing to run.
func external(t *testing.T, folder string) string {
	root := os.Getenv("EVENTSEAL_EXTERNAL_VECTORS")
	if root == "" {
		t.Skip("EVENTSEAL_EXTERNAL_VECTORS names no folder")
	}
	dir := filepath.Join(root, folder)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, path ...string) []byte {
	raw, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func list(t *testing.T, pattern string, least int) []string {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < least {
		t.Fatalf("%s: %d files, want at least %d: %v", pattern, len(names), least, err)
	}
	return names
}

// A foreign case may leave the verdict open: then any implementation may take
// or refuse it, but they must do so alike.
type foreign struct {
	Case
	codes []string // refusals that are right; none means success, and with open nothing is asked
	open  bool
}

// rightly says what is wrong with a verdict, "" if nothing is.
func (f *foreign) rightly(out *Out, err error) string {
	if f.open {
		return ""
	}
	if len(f.codes) == 0 {
		return differ(&f.Case, out, err, true)
	}
	if err == nil {
		return "succeeded with " + show(out)
	}
	for _, c := range f.codes {
		if strings.HasPrefix(err.Error(), c) {
			return ""
		}
	}
	return fmt.Sprintf("refused with %v, want one of %v", err, f.codes)
}

// jcsCases are the reference pairs of RFC 8785.
func jcsCases(t *testing.T) (cases []foreign) {
	dir := external(t, "jcs")
	for _, name := range list(t, filepath.Join(dir, "input", "*.json"), 6) {
		base := filepath.Base(name)
		want := read(t, dir, "output", base)
		digits := strings.Join(strings.Fields(string(read(t, dir, "outhex", strings.TrimSuffix(base, ".json")+".txt"))), "")
		if raw, err := hex.DecodeString(digits); err != nil || !bytes.Equal(raw, want) {
			t.Fatalf("%s: output and outhex differ: %v", base, err)
		}
		cases = append(cases, foreign{Case: Case{Name: base, Op: "canonicalize", In: In{Text: read(t, name)}, Out: &Out{Text: want}}})
	}
	var numbers, texts []byte
	for _, line := range strings.Fields(string(read(t, dir, "es6numbers_1000.txt"))) {
		_, text, _ := strings.Cut(line, ",")
		numbers = append(append(numbers, ','), text...)
		texts = append(append(texts, ','), text...)
	}
	numbers[0], texts[0] = '[', '['
	return append(cases, foreign{Case: Case{Name: "es6numbers_1000.txt", Op: "canonicalize", In: In{Text: append(numbers, ']')}, Out: &Out{Text: append(texts, ']')}}})
}

// jsonCases are the JSONTestSuite's: y_ is JSON, n_ is not, i_ is open. y_ may
// still be more than a canonical form can hold.
func jsonCases(t *testing.T) (cases []foreign) {
	for _, name := range list(t, filepath.Join(external(t, "jsontestsuite"), "test_parsing", "*.json"), 300) {
		f := foreign{Case: Case{Name: filepath.Base(name), Op: "canonicalize", In: In{Text: read(t, name)}}}
		switch {
		case strings.HasPrefix(f.Name, "n_"):
			f.codes = []string{"invalid_json", "invalid_utf8", "depth_exceeded", "lone_surrogate"}
		case strings.HasPrefix(f.Name, "y_object_duplicated"):
			f.codes = []string{"duplicate_key"}
		case strings.HasPrefix(f.Name, "y_"):
			want := canonicalByStandardLibrary(t, f.In.Text)
			f.Out = &Out{Text: want}
		default:
			f.open = true
		}
		cases = append(cases, f)
	}
	return cases
}

// canonicalByStandardLibrary is enough of RFC 8785 for the suite's texts:
// encoding/json sorts by bytes, which is the same for names below U+10000.
func canonicalByStandardLibrary(t *testing.T, text []byte) Text {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	out := bytes.TrimSpace(b.Bytes())
	for _, s := range [][2]string{{`\u2028`, "\u2028"}, {`\u2029`, "\u2029"}, {"-0", "0"}} {
		if s[0] != "-0" || bytes.Contains(out, []byte("[-0]")) {
			out = bytes.ReplaceAll(out, []byte(s[0]), []byte(s[1]))
		}
	}
	return out
}

// wycheproofCases are C2SP's ECDSA cases on secp256k1, r‖s of 32 bytes each.
// Each valid one is put under every recovery id: exactly one may verify, and
// none where the signature is not EOS-canonical.
func wycheproofCases(t *testing.T) (cases [][]foreign) {
	var suite struct {
		TestGroups []struct {
			PublicKey struct{ Uncompressed Hex }
			Tests     []struct {
				TcID            int
				Msg, Sig        Hex
				Result, Comment string
			}
		}
	}
	raw := read(t, external(t, "wycheproof"), "ecdsa_secp256k1_sha256_p1363_test.json")
	if err := json.Unmarshal(raw, &suite); err != nil {
		t.Fatal(err)
	}
	for _, g := range suite.TestGroups {
		k := g.PublicKey.Uncompressed
		point := append([]byte{2 | k[64]&1}, k[1:33]...)
		public := "PUB_K1_" + encodeChecked(point, "K1")
		for _, c := range g.Tests {
			digest := sha256.Sum256(c.Msg)
			var ids []foreign
			for id := range byte(4) {
				compact := append([]byte{31 + id}, c.Sig...)
				ids = append(ids, foreign{Case: Case{
					Name: fmt.Sprintf("%d (%s, %s), recovery id %d", c.TcID, c.Result, c.Comment, id), Op: "verify_digest",
					In: In{Public: public, Digest: digest[:], Signature: "SIG_K1_" + encodeChecked(compact, "K1")}, Out: &Out{},
				}})
			}
			// The first case holds what the four are to add up to.
			ids[0].open = c.Result == "valid" && len(c.Sig) == 64 && dense(c.Sig[:32]) && dense(c.Sig[32:])
			cases = append(cases, ids)
		}
	}
	return cases
}

func dense(b []byte) bool { return b[0] < 0x80 && (b[0] != 0 || b[1] >= 0x80) }

func checksum(payload []byte, suffix string) []byte {
	h := ripemd160.New()
	h.Write(payload)
	h.Write([]byte(suffix))
	return h.Sum(nil)[:4]
}

func encodeChecked(payload []byte, suffix string) string {
	raw := append(append([]byte{}, payload...), checksum(payload, suffix)...)
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n, d, text := new(big.Int).SetBytes(raw), new(big.Int), ""
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), d)
		text = string(alphabet[d.Int64()]) + text
	}
	for i := 0; i < len(raw) && raw[i] == 0; i++ {
		text = "1" + text
	}
	return text
}

// holdForeign runs what impl offers of the foreign cases.
func holdForeign(t *testing.T, impl implementation, ops string) {
	if strings.Contains(ops, "canonicalize") {
		for name, cases := range map[string]func(*testing.T) []foreign{"jcs": jcsCases, "jsontestsuite": jsonCases} {
			t.Run(name, func(t *testing.T) {
				for _, c := range cases(t) {
					if d := c.rightly(impl(c.Op, &c.In)); d != "" {
						t.Errorf("%s: %s", c.Name, d)
					}
				}
			})
		}
	}
	if strings.Contains(ops, "verify_digest") {
		t.Run("wycheproof", func(t *testing.T) {
			accepted := 0
			for _, ids := range wycheproofCases(t) {
				valid := 0
				for _, c := range ids {
					if _, err := impl(c.Op, &c.In); err == nil {
						valid++
					}
				}
				if want := ids[0].open; valid > 1 || (valid == 1) != want {
					t.Errorf("%s: %d recovery ids verify, want %v", ids[0].Name, valid, want)
				}
				accepted += valid
			}
			if accepted < 10 {
				t.Errorf("only %d signatures were valid", accepted)
			}
		})
	}
}

func TestForeignReference(t *testing.T) { holdForeign(t, referenceRun, "canonicalize verify_digest") }
func TestForeignNative(t *testing.T)    { holdForeign(t, native, "canonicalize verify_digest") }
