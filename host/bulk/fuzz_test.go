package bulk

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/module"
)

// Whatever a file holds, its lines come in order, none longer than a record,
// and nothing but white space is left out.
func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "\n", "a\nb", "a\r\n\r\n b \n", "\x00\n\xff", strings.Repeat("x", 300<<10) + "\ny"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := openLines("", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(text, "\n")
		last := uint64(0)
		for {
			l, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || l.number <= last || l.number > uint64(len(want)) {
				t.Fatalf("line %d after %d: %v", l.number, last, err)
			}
			for n := last + 1; n < l.number; n++ {
				if strings.TrimSpace(want[n-1]) != "" {
					t.Fatalf("line %d was left out", n)
				}
			}
			last = l.number
			if l.text == nil && len(want[last-1]) > module.MaxRecordBytes {
				continue
			}
			if string(l.text) != strings.TrimSpace(want[last-1]) {
				t.Fatalf("line %d is %q", last, l.text)
			}
		}
		for n := last + 1; n <= uint64(len(want)); n++ {
			if strings.TrimSpace(want[n-1]) != "" {
				t.Fatalf("line %d was left out", n)
			}
		}
	})
}
