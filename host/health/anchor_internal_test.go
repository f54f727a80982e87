package health

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
)

// What is out of order with the anchor is a warning each, and what is in order none.
func TestAnchorWarnings(t *testing.T) {
	now := time.Now()
	old := now.Add(-time.Hour)
	due := anchor.Kind{Backlog: 3}
	for name, c := range map[string]struct {
		state anchor.State
		want  string // "": no warning
	}{
		"in order":      {anchor.State{State: anchor.Anchoring, Heads: due, LastFinalAt: &now}, ""},
		"nothing due":   {anchor.State{State: anchor.Anchoring, LastFinalAt: &old}, ""},
		"late":          {anchor.State{State: anchor.Anchoring, Heads: due, LastFinalAt: &old}, "3 events are not anchored"},
		"never final":   {anchor.State{State: anchor.Anchoring, Heads: due}, "nothing has become final"},
		"wallet":        {anchor.State{State: anchor.Anchoring, Heads: due, Requests: make([]anchor.Request, 1)}, "a wallet has to sign"},
		"stopped":       {anchor.State{State: anchor.Stopped, Why: "another log"}, "stopped: another log"},
		"waits long":    {anchor.State{State: anchor.Waiting, Why: "no node", Since: old}, "waits: no node"},
		"waits briefly": {anchor.State{State: anchor.Waiting, Why: "no node", Since: now}, ""},
		"refused":       {anchor.State{State: anchor.Anchoring, Posts: []anchor.Post{{State: anchor.Failed, Reason: "no RAM"}}}, "refuses what is to be anchored: no RAM"},
		"stuck":         {anchor.State{State: anchor.Anchoring, Stuck: []anchor.Stuck{{Sequence: 7, Hash: "ab", Why: "one place"}}}, "7 ab (one place)"},
	} {
		m := &Monitor{started: old}
		m.o.Anchor = func(context.Context) anchor.State { return c.state }
		m.o.AnchorEvery = time.Minute
		var h Health
		late := m.anchored(t.Context(), &h)
		if all := strings.Join(h.Warnings, "\n"); late != (c.want != "") || !strings.Contains(all, c.want) || c.want == "" && all != "" {
			t.Errorf("%s: %v, %q", name, late, all)
		}
	}
}
