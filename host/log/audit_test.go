package log

import (
	"strings"
	"testing"
)

func (w *world) audit(readOnly bool) []Audited {
	w.t.Helper()
	found, err := Audit(w.t.Context(), AuditOptions{Journal: w.disk, Places: w.places(), ReadOnly: readOnly})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestAudit(t *testing.T) {
	w := begun(t, 3, 2, 300)
	w.disk.admit(700)
	w.publish(w.start(fault{}))
	for _, a := range w.audit(true) {
		// 3 full tiles and bundles, 1 partial of each, 1 of level 1, and the head.
		if !a.Clean() || a.Objects != 10 {
			t.Errorf("%+v", a)
		}
	}
	const prefix = objectPrefix + "00000000000000a0/"
	o := w.buckets[0].objects
	delete(o, prefix+"tile/0/001")
	delete(o, prefix+"tile/entries/003.p/232")
	o[prefix+"tile/entries/000"][40] ^= 1
	o[prefix+"tile/1/000.p/3"] = []byte{}
	w.buckets[1].objects = map[string][]byte{}
	w.buckets[2].down = true
	for _, readOnly := range []bool{true, false} {
		found := w.audit(readOnly)
		want := []Audited{
			{Replica: "replica-1", Objects: 10, Missing: 2, Damaged: 2},
			{Replica: "replica-2", Objects: 10, Missing: 10},
			{Replica: "replica-3", Objects: 1, Unreachable: 1},
		}
		if !readOnly {
			want[0].Repaired, want[1].Repaired = 4, 10
		}
		for i := range want {
			if found[i] != want[i] {
				t.Errorf("found %+v, want %+v", found[i], want[i])
			}
		}
	}
	w.buckets[2].down = false
	for _, a := range w.audit(false) {
		if !a.Clean() {
			t.Errorf("%+v", a)
		}
	}
	for i, b := range w.buckets {
		for name := range b.objects {
			if strings.HasSuffix(name, ".p/44") { // of the head of 300
				t.Errorf("place %d keeps %s", i+1, name)
			}
		}
	}
	l := w.start(fault{})
	w.publish(l)
	w.check(l)

	// A journal whose events are other ones repairs nothing.
	delete(w.buckets[0].objects, prefix+"tile/0/001")
	w.disk.events[300][1] ^= 1
	if _, err := Audit(t.Context(), AuditOptions{Journal: w.disk, Places: w.places()}); err == nil {
		t.Error("a changed journal was not noticed")
	}
	if _, err := w.buckets[0].GetObject(t.Context(), prefix+"tile/0/001"); err == nil {
		t.Error("a changed journal has repaired something")
	}
}

// A place whose head is behind is looked at as far as that goes.
func TestAuditBehind(t *testing.T) {
	w := begun(t, 2, 1, 300)
	w.buckets[1].down = true
	l := w.start(fault{})
	w.buckets[1].down = false
	w.round(l)
	w.buckets[1].down = true
	w.disk.admit(300)
	w.round(l)
	w.buckets[1].down = false
	found := w.audit(true)
	if !found[0].Clean() || !found[1].Clean() || found[0].Objects <= found[1].Objects {
		t.Errorf("%+v", found)
	}
}
