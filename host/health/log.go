package health

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/log"
)

// Log is the transparency log's part of it.
type Log struct {
	Origin    string `json:"origin"`    // "" until it is known
	State     string `json:"state"`     // starting, publishing, waiting, stopped; "": there is none
	Size      uint64 `json:"size"`      // events that there are
	Published uint64 `json:"published"` // events that the head that is served covers
	Cosigned  int    `json:"cosigned"`  // witnesses that cosigned it
	Why       string `json:"why,omitempty"`
}

// logPatience is how long a log may wait for places before it is told.
const logPatience = time.Minute

// transparency fills the log's part in, and reports whether what is admitted
// has been out of it for too long.
func (m *Monitor) transparency(ctx context.Context, h *Health) (late bool) {
	if m.o.Transparency == nil {
		return false
	}
	s := m.o.Transparency(ctx)
	h.Log = Log{Origin: s.Origin, State: s.State, Size: s.Size, Published: s.Published, Cosigned: s.Cosigned, Why: s.Why}
	switch {
	case s.State == log.Stopped:
		h.Warnings = append(h.Warnings, "the transparency log is stopped: "+s.Why)
	case s.State != log.Publishing && time.Since(s.Since) > logPatience:
		h.Warnings = append(h.Warnings, "the transparency log publishes nothing: "+s.Why)
		return true
	case s.State == log.Publishing && s.Short != "":
		h.Warnings = append(h.Warnings, s.Short)
		return true
	}
	return false
}
