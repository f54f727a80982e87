package replica

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

func TestPreimage(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{`{"body":{"sig":"in"},"sig":"S","type":"VOTE"}`, `{"body":{"sig":"in"},"type":"VOTE"}`},
		{`{"body":{},"sig":"S"}`, `{"body":{}}`},
		{`{"sig":"S","v":1}`, `{"v":1}`},
		{`{"sig":"S"}`, `{}`},
		{`{"body":{"a":"\",\"sig\":\"x"},"sig":"S","v":1}`, `{"body":{"a":"\",\"sig\":\"x"},"v":1}`},
		{`{"body":["sig",{"sig":"x"}],"type":"sig","v":1}`, ``},
		{`{"body":"{","sig":"a\"b","v":1}`, `{"body":"{","v":1}`},
		{``, ``}, {`"`, ``}, {`{"sig":`, ``}, {`{"sig`, ``}, {`"sig":"x"`, ``}, {`{"a":"\`, ``},
	} {
		got := Preimage([]byte(c.record))
		if string(got) != c.want || (got == nil) != (c.want == "") {
			t.Errorf("of %s: %q, want %q", c.record, got, c.want)
		}
		if got != nil && Damaged(sha256.Sum256(got), []byte(c.record)) {
			t.Errorf("%s counts as damaged", c.record)
		}
		if !Damaged(sha256.Sum256([]byte("other")), []byte(c.record)) {
			t.Errorf("%s counts as another event", c.record)
		}
	}
}

func FuzzPreimage(f *testing.F) {
	f.Add([]byte(`{"body":{},"sig":"S","v":1}`))
	f.Add([]byte(`{"sig":"`))
	f.Fuzz(func(t *testing.T, record []byte) {
		before := bytes.Clone(record)
		if got := Preimage(record); len(got) > len(record) {
			t.Errorf("it grew to %q", got)
		}
		if !bytes.Equal(record, before) {
			t.Error("the record was changed")
		}
	})
}
