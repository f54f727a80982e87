package scrub

import (
	"context"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/log"
)

// audit looks at what the places hold of the transparency log. That the journal
// and the log do not agree is a finding.
func (s *scrubber) audit(ctx context.Context) error {
	j, ok := s.Journal.(journal.Logged)
	if !ok {
		return nil
	}
	found, err := log.Audit(ctx, log.AuditOptions{Journal: j, Places: s.Places, ReadOnly: s.ReadOnly, Rate: s.Rate, Log: s.Log})
	s.report.Log, s.report.LogError = found, ""
	if err != nil && ctx.Err() == nil {
		s.report.LogError = err.Error()
		s.Log.Error("the replicas' copies of the transparency log could not be looked at", "error", err)
		return nil
	}
	return err
}
