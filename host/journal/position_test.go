package journal_test

import (
	"testing"

	"github.com/eventseal/eventseal/host/journal"
)

func TestPositionsHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]journal.Position{
		"7c31a88e00112233-0":                {Epoch: "7c31a88e00112233"},
		"7c31a88e00112233-42":               {Epoch: "7c31a88e00112233", Sequence: 42},
		"0000000000000000-9007199254740991": {Epoch: "0000000000000000", Sequence: 1<<53 - 1},
	} {
		p, ok := journal.ParsePosition(text)
		if !ok || p != want || p.String() != text {
			t.Errorf("%s: %+v, %v, back to %s", text, p, ok, p)
		}
	}
	for _, text := range []string{
		"", "-", "42", "0", "7c31a88e00112233", "7c31a88e00112233-", "7c31a88e00112233-042", "7c31a88e00112233-+4", "7c31a88e00112233--4",
		"7C31A88E00112233-4", "7c31a88e0011223-4", "7c31a88e001122334-4", "7c31a88e0011223g-4", "7c31a88e00112233-9007199254740992", "7c31a88e00112233-4 ",
		"7c31a88e00112233-99999999999999999999", "-42",
	} {
		if p, ok := journal.ParsePosition(text); ok {
			t.Errorf("%q is read as %+v", text, p)
		}
	}
}
