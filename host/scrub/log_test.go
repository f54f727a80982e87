package scrub

import (
	"testing"

	"github.com/eventseal/eventseal/host/log"
)

// What a place lacks of the log is no clean scrub, and its repairs are counted.
func TestReportOfLog(t *testing.T) {
	r := Report{Complete: true, Log: []log.Audited{{Replica: "a", Objects: 9}}}
	if !r.Clean() {
		t.Error("a whole log is not clean")
	}
	r.Log[0].Missing, r.Log[0].Repaired, r.Log[0].Failed = 3, 2, 1
	if repaired, failed := r.Repairs(); r.Clean() || repaired != 2 || failed != 1 {
		t.Errorf("clean %t, %d repaired, %d failed", r.Clean(), repaired, failed)
	}
	if (&Report{Complete: true, LogError: "other events"}).Clean() {
		t.Error("a log that is not the journal's is clean")
	}
}
