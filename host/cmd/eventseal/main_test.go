package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm/code"
)

func TestStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errNo, 1},
		{saidError(3), 3},
		{usage("wrong"), 2},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, 2},
		{errors.New("anything else"), 3},
		{&client.Error{Err: errors.New("connection refused")}, 3},
	} {
		if got := status(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
	// Every refusal is no, or not now: none is taken for wrong use.
	later := map[code.Code]bool{
		code.InsufficientRedundancy: true, code.JournalUnavailable: true, code.StorageFull: true, code.Overloaded: true,
		code.ShuttingDown: true, code.Timeout: true, code.RequestTimeout: true, code.RateLimited: true, code.Corrupt: true,
		code.ImplementationsDisagree: true, code.Unavailable: true, code.Internal: true, code.ProofPending: true, code.LogStopped: true,
		code.AnchorPending: true,
	}
	for _, c := range code.All {
		want := statusNo
		if later[c] {
			want = statusFail
		}
		if got := status(fmt.Errorf("host: %w", &code.Error{Code: c})); got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
}

func TestMessagesHoldNoKey(t *testing.T) {
	for _, key := range []string{
		"PVT_K1_2bfGi9rYsXQSXXTvJbDAPhHLQUojjaNLomdm3cEJ1XTzMqUt3V",
		"PVT_R1_fJ6ASApAc9utAL4zfNE4qwo22p7JpgHHSCVJ9pQfw4vZPXCq3",
		"5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3",
	} {
		var out bytes.Buffer
		s := &stdio{err: &out}
		s.complain(fmt.Errorf("open %s: no such file; tried %q, --key=%s", key, key, key))
		if strings.Contains(out.String(), key[8:]) || !strings.Contains(out.String(), "(a private key)") {
			t.Errorf("said: %s", out.String())
		}
	}
}

// A lying server cannot write to the terminal what it likes.
func TestMessagesAreText(t *testing.T) {
	var out bytes.Buffer
	s := &stdio{err: &out}
	s.complain(errors.New("host: \x1b[2J\x1b]0;owned\x07 \u009b31m \u202eabc\r ünïcode\nnext"))
	if got, want := out.String(), "eventseal: host: \ufffd[2J\ufffd]0;owned\ufffd \ufffd31m \ufffdabc\ufffd ünïcode\neventseal: next\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:8420": true, "127.8.8.8:1": true, "[::1]:8420": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:8420": false, "[::]:8420": false, "192.0.2.7:80": false, "[fe80::1]:80": false,
	} {
		if got := loopback(addr); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestReadingOrder(t *testing.T) {
	var places []replica.Place
	for name, kind := range map[string]string{"node": "ipfs", "bucket": "s3", "cache": "redis", "near": "local"} {
		places = append(places, replica.Place{Name: name, Kind: kind})
	}
	for _, test := range []struct{ first, want string }{
		{"", "cache near bucket node"},
		{"node near", "node near cache bucket"},
	} {
		var got []string
		for _, p := range readingOrder(places, strings.Fields(test.first)) {
			got = append(got, p.Name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("after %q: %v, want %s", test.first, got, test.want)
		}
	}
}

func TestSound(t *testing.T) {
	for name, test := range map[string]struct {
		report          scrub.Report
		sound, readOnly bool
	}{
		"all good":        {scrub.Report{Complete: true, Places: []scrub.Place{{Good: 3}}}, true, true},
		"repaired":        {scrub.Report{Complete: true, Places: []scrub.Place{{Good: 1, Missing: 1, Damaged: 1, Repaired: 2}}}, true, false},
		"a repair failed": {scrub.Report{Complete: true, Places: []scrub.Place{{Missing: 1, Failed: 1}}}, false, false},
		"unreachable":     {scrub.Report{Complete: true, Places: []scrub.Place{{Unreachable: 1}}}, false, false},
		"lost":            {scrub.Report{Complete: true, Lost: 1}, false, false},
		"disagreement":    {scrub.Report{Complete: true, Disagreements: 1}, false, false},
	} {
		if got := sound(test.report, false); got != test.sound {
			t.Errorf("%s: %v", name, got)
		}
		if got := sound(test.report, true); got != test.readOnly {
			t.Errorf("%s, read only: %v", name, got)
		}
	}
}
