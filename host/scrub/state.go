package scrub

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/replica"
)

// The state file is the report of an interrupted scrub: {"started":…,
// "sequence":…, …} as Report's JSON. It is replaced whole, by a rename.
const maxState = 1 << 20

// resume takes the report of an interrupted scrub over, if there is one of the
// same places and of a journal that goes as far. A file that cannot be used
// costs a scrub from the start.
func (s *scrubber) resume(last uint64) bool {
	if s.State == "" {
		return false
	}
	b, err := os.ReadFile(s.State)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var r Report
	if err == nil {
		r, err = parseState(b)
	}
	if err == nil && !slices.EqualFunc(r.Places, s.Places, samePlace) {
		err = errors.New("it is of other replicas")
	}
	if err == nil && r.Last > last {
		err = errors.New("it is of another journal") // whose numbers are of other events
	}
	if err == nil && (r.ReadOnly != s.ReadOnly || r.FillCaches != s.FillCaches) {
		err = errors.New("it is of a scrub that was to do something else") // half of the events would be passed over
	}
	if err != nil {
		s.Log.Warn("the state of an interrupted scrub is not used", "file", s.State, "error", err)
		return false
	}
	s.report = r
	return true
}

// parseState reads what save wrote.
func parseState(b []byte) (r Report, err error) {
	if len(b) > maxState {
		return r, errors.New("it is too long")
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return Report{}, err
	}
	if r.Sequence > r.Last || r.Complete {
		return Report{}, errors.New("it is not of an interrupted scrub")
	}
	return r, nil
}

// save is durable when it returns nil.
func (s *scrubber) save() error {
	if s.State == "" {
		return nil
	}
	return s.write(s.State)
}

// write replaces a file with the report, durably.
func (s *scrubber) write(path string) error {
	b, err := json.Marshal(s.report)
	if err != nil {
		return err
	}
	return durable.Replace(path, append(b, '\n'))
}

// forget removes the state of a scrub that is complete, and keeps its report.
func (s *scrubber) forget() error {
	if s.Last != "" {
		if err := s.write(s.Last); err != nil {
			return err
		}
	}
	if s.State == "" {
		return nil
	}
	return durable.Remove(s.State)
}

func samePlace(p Place, r replica.Place) bool { return p.Replica == r.Name }
