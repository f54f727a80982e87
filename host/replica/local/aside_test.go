package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
)

// What is damaged at the end of the log, or in the last segment, is moved to a
// file of its own and is missing; the segment is written on.
func TestDamageIsMovedAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	vs := events(0, 4, 160)
	segment, _ := sealedFile(t, vs)
	frame := len(segment) / len(vs)
	flipped := func(at ...int) []byte {
		b := bytes.Clone(segment)
		for _, i := range at {
			b[i] ^= 4
		}
		return b
	}
	for name, c := range map[string]struct {
		b     []byte
		aside []byte
		lost  []int
	}{
		"whole":                       {segment, nil, nil},
		"cut off":                     {segment[:3*frame+100], nil, []int{3}},
		"cut off in a header":         {segment[:3*frame+10], nil, []int{3}},
		"zeros behind":                {append(bytes.Clone(segment), make([]byte, 5000)...), nil, nil},
		"zeros, more than a group":    {append(bytes.Clone(segment), make([]byte, maxGroup+1)...), make([]byte, maxGroup+1), nil},
		"something else behind":       {append(bytes.Clone(segment), "{}"...), []byte("{}"), nil},
		"the last record":             {flipped(3*frame + 100), flipped(3*frame + 100)[3*frame:], []int{3}},
		"the last header":             {flipped(3*frame + 8), flipped(3*frame + 8)[3*frame:], []int{3}},
		"a record in the middle":      {flipped(frame + 100), flipped(frame + 100)[frame : 2*frame], []int{1}},
		"a header in the middle":      {flipped(frame + 1), flipped(frame + 1)[frame : 2*frame], []int{1}},
		"the first and the last ones": {flipped(50, 3*frame+50), append(flipped(50)[:frame:frame], flipped(3*frame + 50)[3*frame:]...), []int{0, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
			write(t, path, map[string][]byte{fileName(1, logSuffix): c.b})
			r := open(t, path, o)
			for i, v := range vs {
				err := outcome(t, r, v)
				if lost := slices.Contains(c.lost, i); lost != errors.Is(err, replica.ErrNotFound) || !lost && err != nil {
					t.Errorf("event %d: %v", i, err)
				}
			}
			listed := 0
			for _, err := range r.List(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				listed++
			}
			if listed != len(vs)-len(c.lost) {
				t.Errorf("%d are listed", listed)
			}
			aside := filepath.Join(path, fileName(1, damagedSuffix))
			if c.aside == nil {
				if _, err := os.Stat(aside); !os.IsNotExist(err) || r.Suffered() != 0 || strings.Contains(log.String(), "WARN") {
					t.Errorf("%v, %d suffered; %s", err, r.Suffered(), &log)
				}
			} else {
				if b, err := os.ReadFile(aside); err != nil || !bytes.Equal(b, c.aside) {
					t.Errorf("%d bytes were moved aside, want %d: %v", len(b), len(c.aside), err)
				}
				if want := uint64(max(1, len(c.lost))); r.Suffered() != want {
					t.Errorf("%d suffered, want %d", r.Suffered(), want)
				}
				if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), damagedSuffix) || !strings.Contains(log.String(), fmt.Sprintf("bytes=%d", len(c.aside))) {
					t.Errorf("the log: %s", &log)
				}
			}
			put(t, r, vs...)
			put(t, r, events(5, 6, 160)...)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			log.Reset()
			r = open(t, path, o)
			for i, v := range append(vs, events(5, 6, 160)...) {
				if err := outcome(t, r, v); err != nil {
					t.Errorf("event %d, put again: %v", i, err)
				}
			}
			if r.Suffered() != 0 || strings.Contains(log.String(), "WARN") {
				t.Errorf("it does not end: %d, %s", r.Suffered(), &log)
			}
			if b, err := os.ReadFile(aside); c.aside != nil && (err != nil || !bytes.Equal(b, c.aside)) {
				t.Errorf("what was moved aside is gone: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What is moved aside a second time does not replace the first, and what a
// crash had moved already is not moved twice.
func TestDamageKeepsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	segment, _ := sealedFile(t, events(0, 1, 160))
	for round, damage := range []string{"first", "first", "second", "third"} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, fileName(1, logSuffix)), append(bytes.Clone(segment), damage...), 0o600); err != nil {
			t.Fatal(err)
		}
		r := open(t, path, Options{})
		if r.Suffered() != 1 {
			t.Errorf("round %d: %d suffered", round, r.Suffered())
		}
		r.kill()
	}
	for name, want := range map[string]string{fileName(1, damagedSuffix): "first", fileName(1, "-2"+damagedSuffix): "second", fileName(1, "-3"+damagedSuffix): "third"} {
		if b, err := os.ReadFile(filepath.Join(path, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// A disk that cannot read a part of a segment has lost what is in that part.
func TestBadSector(t *testing.T) {
	var whole []byte
	for i := range 3*sector + 100 {
		whole = append(whole, byte(i%250)+1)
	}
	for lost, want := range map[int][2]int{-1: {0, 0}, 0: {0, sector}, sector + 7: {sector, 2 * sector}, 3*sector + 99: {3 * sector, 3*sector + 100}} {
		b, bad, err := readWhole(badSector{whole, lost}, int64(len(whole)))
		expected := bytes.Clone(whole)
		clear(expected[want[0]:want[1]])
		if err != nil || bad != (lost >= 0) || !bytes.Equal(b, expected) {
			t.Errorf("byte %d: %d bytes, %v, %v", lost, len(b), bad, err)
		}
	}
}

// badSector fails to read one byte.
type badSector struct {
	b    []byte
	lost int
}

func (f badSector) ReadAt(b []byte, at int64) (int, error) {
	if n := f.lost - int(at); n >= 0 && n < len(b) {
		return copy(b[:n], f.b[at:]), syscall.EIO
	}
	return bytes.NewReader(f.b).ReadAt(b, at)
}
