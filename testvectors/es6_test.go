package testvectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"testing"
)

// es6 is the part of numbers/es6.json that makes the published sequence.
type es6 struct {
	Published map[int]string
	Sequence  struct {
		Chosen []string
		Serial struct {
			From  string
			Count int
		}
	}
}

func readES6(t testing.TB) (e es6) {
	raw, err := files.ReadFile("numbers/es6.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Published) != 4 {
		t.Fatalf("%d published checksums", len(e.Published))
	}
	return e
}

// each yields the doubles of the sequence without end.
func (e *es6) each(yield func(uint64) bool) {
	for i, h := range append(e.Sequence.Chosen, e.Sequence.Serial.From) {
		bits, err := strconv.ParseUint(h, 16, 64)
		if err != nil {
			panic(err)
		}
		n := 1
		if i == len(e.Sequence.Chosen) {
			n = e.Sequence.Serial.Count
		}
		for ; n > 0; n-- {
			if !yield(bits) {
				return
			}
			bits++
		}
	}
	for block := sha256.Sum256(make([]byte, 32)); ; block = sha256.Sum256(block[:]) {
		for at := 0; at < 32; at += 8 {
			bits := binary.LittleEndian.Uint64(block[at:])
			f := math.Float64frombits(bits)
			if f != 0 && !math.IsNaN(f) && !math.IsInf(f, 0) && !yield(bits) {
				return
			}
		}
	}
}

// holdES6 formats the first lines of the sequence with impl, 5,000 to a call,
// and holds them to the published checksums. The numbers go in with 17
// significant digits, which name a double but are not its shortest text.
func holdES6(t *testing.T, impl implementation, lines int) {
	e := readES6(t)
	var bits []uint64
	in := []byte{'['}
	sum, n := sha256.New(), 0
	flush := func() {
		in[len(in)-1] = ']'
		out, err := impl("canonicalize", &In{Text: in})
		if err != nil {
			t.Fatal(err)
		}
		texts := bytes.Split(out.Text[1:len(out.Text)-1], []byte(","))
		if len(texts) != len(bits) {
			t.Fatalf("%d numbers of %d", len(texts), len(bits))
		}
		var line []byte
		for i, text := range texts {
			line = strconv.AppendUint(line[:0], bits[i], 16)
			line = append(append(append(line, ','), text...), '\n')
			sum.Write(line)
			if n++; e.Published[n] != "" {
				if got := hex.EncodeToString(sum.Sum(nil)); got != e.Published[n] {
					t.Fatalf("the first %d lines have checksum %s, published is %s", n, got, e.Published[n])
				}
			}
		}
		bits, in = bits[:0], append(in[:0], '[')
	}
	for b := range e.each {
		bits = append(bits, b)
		in = append(strconv.AppendFloat(in, math.Float64frombits(b), 'e', 16, 64), ',')
		if len(bits) == 5000 {
			flush()
		}
		if n+len(bits) == lines {
			break
		}
	}
	if len(bits) > 0 {
		flush()
	}
	if n != lines || e.Published[n] == "" {
		t.Fatalf("%d lines, not a published number", n)
	}
}

func TestES6Reference(t *testing.T) { holdES6(t, referenceRun, 1000000) }
