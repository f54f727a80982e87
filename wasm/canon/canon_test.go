package canon_test

import (
	"bytes"
	"fmt"
	"math"
	mathbig "math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"

	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
)

func write(t testing.TB, w *canon.Writer, text string) string {
	out, c := w.Write([]byte(text))
	if c != code.OK {
		t.Fatalf("%.200q: %v at %s", text, c, w.Pointer())
	}
	return string(out)
}

// Every double of a spread of exponents, and the worst literals around it,
// against the standard library's parser and jcs's formatter.
func TestNumbersAgainstJCS(t *testing.T) {
	w := &canon.Writer{Depth: 1}
	r := rand.New(rand.NewPCG(1, 2))
	literals := []string{"5e-324", "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
		"2.2250738585072014e-308", "2.2250738585072011e-308", "1.7976931348623157e308", "9007199254740993", "-0.0", "-0", "0e9999999999",
		"0." + strings.Repeat("0", 400) + "1e420", "1" + strings.Repeat("0", 300) + "e-300", "123456789012345678901234567890", "1e21", "1e-7", "0.000001", "1e-1000000000000"}
	for range 10000 {
		bits := r.Uint64() &^ (1 << 63)
		if r.IntN(2) == 0 {
			bits = bits&(1<<52-1) | uint64(1023+r.IntN(120)-60)<<52
		}
		f := math.Float64frombits(bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		exact := strconv.FormatFloat(f, 'e', 800, 64)
		mantissa, exp, _ := strings.Cut(exact, "e")
		mantissa = strings.TrimRight(mantissa, "0") + "0"
		literals = append(literals, strconv.FormatFloat(f, 'g', r.IntN(20)+1, 64), mantissa+"e"+exp)
		if next := math.Nextafter(f, math.MaxFloat64); r.IntN(8) == 0 && !math.IsInf(next, 0) {
			half := midpoint(f, next)
			m, e, _ := strings.Cut(half, "e")
			literals = append(literals, half, m+"0000000000000000000000000000000000000000001e"+e)
		}
	}
	for _, l := range literals {
		f, err := strconv.ParseFloat(l, 64)
		if err != nil {
			continue
		}
		want, err := jcs.NumberToJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := write(t, w, l); got != want {
			t.Errorf("%s: %s, want %s", l, got, want)
		}
	}
}

// midpoint writes the number halfway between two neighbours in full.
func midpoint(a, b float64) string {
	var x mathbig.Float
	x.SetPrec(2000)
	x.SetFloat64(a)
	var y mathbig.Float
	y.SetPrec(2000).SetFloat64(b)
	x.Add(&x, &y)
	y.SetFloat64(0.5)
	x.Mul(&x, &y)
	return x.Text('e', 800)
}

func TestOrder(t *testing.T) {
	w := &canon.Writer{Depth: 10}
	for text, want := range map[string]string{
		`{"b":{"z":1,"a":2},"a":[{"y":0,"x":{"2":1,"1":2}}],"c":{}}`:          `{"a":[{"x":{"1":2,"2":1},"y":0}],"b":{"a":2,"z":1},"c":{}}`,
		"{\"\ufb33\":1,\"😀\":2,\"\ue000\":3,\"\u20ac\":4,\"\\r\":5,\"\"  :6}": "{\"\":6,\"\\r\":5,\"\u20ac\":4,\"😀\":2,\"\ue000\":3,\"\ufb33\":1}",
		`{"a\"":1,"a\n":2,"a!":3,"a":4}`:                                      `{"a":4,"a\n":2,"a!":3,"a\"":1}`,
	} {
		if got := write(t, w, text); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

// Wide, deep and backwards, against jcs.
func TestRandomAgainstJCS(t *testing.T) {
	w := &canon.Writer{Depth: 1000}
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		text := random(r, 4)
		want, err := jcs.Transform([]byte(text))
		if err != nil {
			continue // a bare scalar, which jcs does not take
		}
		if got := write(t, w, text); got != string(want) {
			t.Fatalf("%s:\n%s, want\n%s", text, got, want)
		}
		for _, m := range w.Members() {
			if out := write(t, &canon.Writer{Depth: 1000}, text); out[m.Key] != '"' || out[m.Value-1] != ':' || (out[m.End] != ',' && out[m.End] != '}') {
				t.Fatalf("member %v of %s", m, out)
			}
		}
	}
}

func random(r *rand.Rand, depth int) string {
	names := []string{"a", "b", "aa", "é", "\\u0001", "\\n", "😀", "\ufb33", "ab", "z", "\\\"", "", "zz", "q", "w", "e", "r"}
	switch n := r.IntN(8); {
	case depth > 0 && n < 3:
		var b strings.Builder
		b.WriteByte('{')
		for i, at := range r.Perm(len(names))[:r.IntN(len(names)+1)] {
			if i > 0 {
				b.WriteString(" ,")
			}
			fmt.Fprintf(&b, "\"%s\" : %s", names[at], random(r, depth-1))
		}
		return b.String() + "}"
	case depth > 0 && n < 5:
		var b strings.Builder
		b.WriteByte('[')
		for i := range r.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(random(r, depth-1))
		}
		return b.String() + "]"
	case n == 5:
		return strconv.FormatFloat(r.NormFloat64()*1e5, 'g', -1, 64)
	case n == 6:
		return `"` + names[r.IntN(len(names))] + `\u00e9\u20ac/\/"`
	}
	return []string{"null", "true", "false", "17"}[r.IntN(4)]
}

// A faulty text with a repeated name before its fault is refused for the name.
func TestDuplicateComesFirst(t *testing.T) {
	w := &canon.Writer{Depth: 4}
	for text, want := range map[string]string{
		`{"a":1,"b":[{"c":1,"a":2,"c":`:        "duplicate_key at /b/0/c",
		`{"b":1,"a":1,"b":{"x":1,"x":2}}`:      "duplicate_key at /b",
		`{"b":{"x":1,"x":2},"a":1,"b":3}`:      "duplicate_key at /b/x",
		`{"b":1,"a":1,"b"`:                     "duplicate_key at /b",
		`{"b":1,"a":1,"b`:                      "invalid_json",
		`{"b":1,"a":[[[[1]]]],"b":1}`:          "depth_exceeded at /a/0/0/0",
		`{"z":1,"y":2,"z":3,"y":4,"x":`:        "duplicate_key at /z",
		`[{"a~/b":1,"a":2,"\u0061~/b":[1,2]}]`: "duplicate_key at /0/a~0~1b",
	} {
		_, c := w.Write([]byte(text))
		got := c.String()
		if len(w.Pointer()) > 0 {
			got += " at " + string(w.Pointer())
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A Writer in use allocates nothing, whatever it is given.
func TestNoAllocation(t *testing.T) {
	w := &canon.Writer{Depth: 100}
	text := []byte(`{"b":[1.5e300,0.30000000000000004,-0.0],"a":{"z":"\u0041","y":{"q":1,"p":2}},"n":"\u0001"}`)
	bad := []byte(`{"b":1,"a":[1,{"x":2,"w":3,"x`)
	run := func() { w.Write(text); w.Write(bad) }
	run()
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Inputs that make a careless implementation quadratic, or overflow its stack.
func TestHostile(t *testing.T) {
	w := &canon.Writer{Depth: 1000}
	backwards := []byte{'{'}
	for i := 300000; i > 0; i-- {
		backwards = fmt.Appendf(backwards, `"%06d":0,`, i)
	}
	backwards[len(backwards)-1] = '}'
	nested := []byte("1")
	for range 999 {
		nested = append(append([]byte(`{"b":`), nested...), `,"a":0}`...)
	}
	for _, text := range [][]byte{backwards, nested, append([]byte("["), bytes.Repeat([]byte("1234567890"), 400000)...), bytes.Repeat([]byte("["), 1<<22),
		append(append([]byte("["), bytes.Repeat([]byte("1.00000000000000011102230246251565404236316680908203125,"), 70000)...), "1]"...)} {
		w.Write(text)
	}
}

func FuzzWrite(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[1e5,"\ud83d\ude00"]}`, `[0.1e-7,-0,12345678901234567890]`, `"\u0000"`} {
		f.Add([]byte(s))
	}
	w, again := &canon.Writer{Depth: 1000}, &canon.Writer{Depth: 1000}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, c := w.Write(text)
		if c != code.OK {
			return
		}
		twice, c := again.Write(out)
		if c != code.OK || !bytes.Equal(out, twice) {
			t.Fatalf("%q becomes %q becomes %q, %v", text, out, twice, c)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	text := []byte(`{"v":1,"type":"ADD_CLAIM","body":{"text":"` + strings.Repeat("some words ", 60) + `","n":[1,2.5,1e-7,0.1],"z":1,"a":{"y":true,"x":null}},"created_at":1758390021}`)
	w := &canon.Writer{Depth: 64}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w.Write(text)
	}
}

func BenchmarkSeventeenDigits(b *testing.B) {
	text := []byte("[0.30000000000000004,1.2345678901234567e-200,123456.78901234567]")
	w := &canon.Writer{Depth: 64}
	for b.Loop() {
		w.Write(text)
	}
}
