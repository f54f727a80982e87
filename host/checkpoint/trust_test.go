package checkpoint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/checkpoint"
)

func TestTrust(t *testing.T) {
	log, _ := newKey("example.org/log", checkpoint.Ed25519)
	var w [4]checkpoint.Key
	for i := range w {
		w[i], _ = newKey(fmt.Sprintf("w.example/%d", i), checkpoint.Cosignature)
	}
	const host = "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"
	text := fmt.Sprintf("# whom we know\n\n%s\n %s\t\nwitness A %s https://a.example/\nwitness B %s\nwitness C %s\n%s\ngroup two 2 A B\ngroup one any two C\nquorum one\n",
		log, host, w[0], w[1], w[2], w[3])
	got, err := checkpoint.ParseTrust(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Logs) != 1 || got.Logs[0].String() != log.String() || !slices.Equal(got.Hosts, []string{host}) || len(got.Witnesses) != 4 || !got.Demanding() {
		t.Errorf("got %+v", got)
	}
	for signed, want := range map[string]bool{"": false, "0": false, "01": true, "2": true, "3": false, "13": false} {
		enough := got.Enough(func(k checkpoint.Key) bool {
			i := slices.IndexFunc(w[:], func(o checkpoint.Key) bool { return o.String() == k.String() })
			return strings.Contains(signed, fmt.Sprint(i))
		})
		if enough != want {
			t.Errorf("signed by %q: %v", signed, enough)
		}
	}
	for _, none := range []string{"", log.String(), "log " + log.String(), w[0].String() + "\nquorum none"} {
		if got, err := checkpoint.ParseTrust(none); err != nil || got.Demanding() || !got.Enough(func(checkpoint.Key) bool { return false }) {
			t.Errorf("%q: %+v, %v", none, got, err)
		}
	}
	a, b := "witness A "+w[0].String()+"\n", "witness B "+w[1].String()+"\n"
	for _, bad := range []string{
		"nonsense", "log", "log " + w[0].String(), "witness A " + log.String(), a + "witness A " + w[1].String(), a + w[0].String(),
		"witness none " + w[0].String(), a + "group g 2 A", a + "group g 0 A", a + "group g 01 A", a + "group g any B", a + b + "group g any A A",
		a + b + "group g all A B\ngroup h any A", a + "quorum B", a + "quorum A\nquorum A", "quorum", log.String() + "\n" + log.String(),
		host + "\n" + host, log.String() + "\r\n", "# \x00", strings.Repeat("#\n", checkpoint.MaxTrust),
	} {
		if got, err := checkpoint.ParseTrust(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestTrustInChains(t *testing.T) {
	id := strings.Repeat("0a", 32)
	lines := []string{"chain " + id + " seal.anchor", "\tchain  " + id + "\tzzzzzzzzzzzzj ", "chain " + strings.Repeat("f", 64) + " seal.anchor"}
	got, err := checkpoint.ParseTrust(strings.Join(lines, "\n"))
	if err != nil || len(got.Chains) != 3 || got.Chains[0].Contract != "seal.anchor" || got.Chains[0].ID.String() != id || got.Chains[1].Contract != "zzzzzzzzzzzzj" || got.Demanding() {
		t.Errorf("%+v, %v", got, err)
	}
	many := lines[0]
	for i := range 15 {
		many += "\n" + lines[0] + string(rune('a'+i))
	}
	if got, err := checkpoint.ParseTrust(many); err != nil || len(got.Chains) != 16 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{
		"chain", "chain " + id, lines[0] + " x", lines[0] + "\n" + lines[0], many + "\n" + lines[2], "chain " + id[1:] + " a", "chain 0" + id + " a", "chain " + strings.ToUpper(id) + " a", "CHAIN " + id + " a",
		"chain " + id + " A", "chain " + id + " a6", "chain " + id + " a.", "chain " + id + " aaaaaaaaaaaaaa", "chain " + id + " zzzzzzzzzzzzk", "chain " + id + " aaaaaaaaaaaa.",
	} {
		if got, err := checkpoint.ParseTrust(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}
