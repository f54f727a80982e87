package proof

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/proof"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/event"
)

// cases are those of testvectors, which runs them all.
func cases(t testing.TB, file string) (out []struct{ In struct{ Text, Trust string } }) {
	raw, err := os.ReadFile("../../testvectors/proofs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []struct {
			In struct{ Text, Trust json.RawMessage }
		}
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		var o struct{ In struct{ Text, Trust string } }
		if json.Unmarshal(c.In.Text, &o.In.Text) == nil && json.Unmarshal(c.In.Trust, &o.In.Trust) == nil {
			out = append(out, o)
		}
	}
	if len(out) < 20 {
		t.Fatalf("%s has %d cases", file, len(out))
	}
	return out
}

// What is a tlog-proof here is one to transparency-dev, and what it writes is
// one here.
func FuzzInclusion(f *testing.F) {
	for _, name := range []string{"valid.json", "log.json"} {
		for _, c := range cases(f, name) {
			var file struct{ Log string }
			if json.Unmarshal([]byte(c.In.Text), &file) == nil {
				f.Add([]byte(file.Log))
			}
		}
	}
	var ours inclusion
	f.Fuzz(func(t *testing.T, text []byte) {
		ok := ours.parse(text)
		var theirs proof.TLogProof
		err := theirs.Unmarshal(text)
		if ok {
			if bytes.ContainsAny(ours.note, "\r") || len(ours.note) > 0 && ours.note[len(ours.note)-1] != '\n' || len(text) > 48<<10 {
				return // note.Checkpoint refuses these; their reader of lines changes them or gives up
			}
			if err != nil || theirs.Index != ours.index || 32*len(theirs.Hashes) != len(ours.path) || !bytes.Equal(theirs.Checkpoint, ours.note) || !bytes.Equal(theirs.Marshal(), text) {
				t.Fatalf("%q: %+v, theirs %+v, %v", text, ours.index, theirs, err)
			}
		} else if err == nil && theirs.ExtraData == nil && len(theirs.Hashes) <= maxPath && theirs.Index < 1<<63 && bytes.Equal(theirs.Marshal(), text) {
			t.Fatalf("%q is not taken", text)
		}
	})
}

// Whatever a trust text is, a comment before it moves the line that is wrong by
// one, and changes nothing else.
func FuzzTrust(f *testing.F) {
	for _, name := range []string{"valid.json", "trust.json", "anchored.json"} {
		for _, c := range cases(f, name) {
			f.Add(c.In.Trust)
		}
	}
	var a, b trust
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > maxTrust-10 {
			return
		}
		wrong := a.parse([]byte(text))
		moved := b.parse([]byte("# before\n" + text))
		if wrong > 0 && moved != wrong+1 || wrong == 0 && moved != 0 {
			t.Fatalf("%q: line %d, then %d", text, wrong, moved)
		}
		if lines := strings.Count(text, "\n") + 1; int(wrong) > lines {
			t.Fatalf("%q: line %d", text, wrong)
		}
		if a.nlogs != b.nlogs || a.nchains != b.nchains || a.nhosts != b.nhosts || a.nnodes != b.nnodes || a.quorum != b.quorum {
			t.Fatalf("%q: it is not the same with a comment", text)
		}
	})
}

// said is what a report says without what only a chain can say: the time of the
// block, and its ID behind its number.
func said(report []byte) string {
	return string(chainsOwn.ReplaceAll(report, []byte("$1$2$3")))
}

var chainsOwn = regexp.MustCompile(`("anchor":{"block_id":"[0-9a-f]{8})[0-9a-f]{56}(".*?,"time":")[^"]*(")`)

// Whatever a file is, there is a report in JSON or a place, and none that is
// valid but of a file that says what a valid one says, with its anchor or without.
func FuzzVerify(f *testing.F) {
	known := map[string]bool{}
	v := &Verifier{Parser: &event.Parser{}}
	for _, name := range []string{"valid.json", "swapped.json", "log.json", "files.json", "anchored.json", "anchors.json"} {
		for _, c := range cases(f, name) {
			f.Add([]byte(c.In.Text), c.In.Trust)
			if r, ok := v.Verify([]byte(c.In.Text), nil); ok == code.OK {
				known[said(r)] = true
				var file map[string]json.RawMessage
				if err := json.Unmarshal([]byte(c.In.Text), &file); err != nil {
					f.Fatal(err)
				}
				file["anchor"] = json.RawMessage("null")
				bare, err := json.Marshal(file)
				if err != nil {
					f.Fatal(err)
				}
				r, ok := v.Verify(bare, nil)
				known[said(r)] = ok == code.OK
			}
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, trust string) {
		report, c := v.Verify(file, []byte(trust))
		if report == nil {
			if c == code.OK || c >= code.NotFound {
				t.Fatalf("%q: %v", file, c)
			}
			return
		}
		if !json.Valid(report) {
			t.Fatalf("%q: %s", file, report)
		}
		if c == code.OK {
			if report, c := v.Verify(file, nil); c != code.OK || !known[said(report)] {
				t.Fatalf("%q is valid: %s", file, report)
			}
		}
	})
}

func TestVerifyAllocatesLittle(t *testing.T) {
	v := &Verifier{Parser: &event.Parser{}}
	for _, c := range []struct{ In struct{ Text, Trust string } }{cases(t, "valid.json")[1], cases(t, "anchored.json")[3]} {
		file, trust := []byte(c.In.Text), []byte(c.In.Trust)
		// The workspaces of the curves, which the module has one of each.
		if n := testing.AllocsPerRun(5, func() { v.Verify(file, trust) }); n > 6 {
			t.Errorf("%v allocations", n)
		}
	}
}
