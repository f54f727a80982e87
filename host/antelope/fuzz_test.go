package antelope

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func FuzzName(f *testing.F) {
	for _, s := range []string{"eosio", "a..b", "zzzzzzzzzzzzj", "UPPER", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseName(s); err == nil && n.String() != s {
			t.Errorf("%q is %q", s, n)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	for _, c := range cases[transactionCase](f, "transactions.json")[:20] {
		b, _ := hex.DecodeString(c.Packed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := Unpack(b); err == nil && !bytes.Equal(x.Pack(), b) {
			t.Errorf("%x is packed as %x", b, x.Pack())
		}
	})
}

// What a node answers is as much as anybody's.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{infoJSON, blockJSON, rowsJSON, refusalJSON, failedJSON, `{}`, `null`, `[]`, `{"rows":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if info, err := parseInfo(b); err == nil && (info.LIBNum > info.HeadNum || info.HeadTime.IsZero()) {
			t.Errorf("%s: %+v", b, info)
		}
		if rows, _, err := parseRows(b, 3); err == nil && len(rows) > 3 {
			t.Errorf("%s: %d rows", b, len(rows))
		}
		if block, err := parseBlock(b, 7); err == nil && block.Num != 7 {
			t.Errorf("%s: %+v", b, block)
		}
		if info, err := parseBlockInfo(b, 7); err == nil && info.Num != 7 {
			t.Errorf("%s: %+v", b, info)
		}
		if e := parseError(500, b); e != nil && e.Code == 0 {
			t.Errorf("%s: %+v", b, e)
		}
		_ = parseSent(b)
	})
}
