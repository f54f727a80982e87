package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A state is how far the log was verified, a file of JSON.
type state struct {
	Version  int       `json:"eventseal_monitor"` // 1
	Server   string    `json:"server"`
	Target   string    `json:"into,omitempty"`  // one's own host
	Epoch    string    `json:"epoch,omitempty"` // of its order, in which it stored what was verified; "": nothing yet
	Keys     []string  `json:"keys"`            // that the host showed first: the log's vkey, and PUB_K1_…
	Last     string    `json:"checkpoint"`      // the last signed head, which follows from all before; "": none
	Seen     string    `json:"seen,omitempty"`  // a larger signed head that was not yet proven to follow
	Verified uint64    `json:"verified"`        // events 1 … Verified were looked at
	Missing  []missing `json:"missing"`         // of these, those that the host did not serve
}

// missing is an event of the tree that the host does not serve.
type missing struct {
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash"`
}

const (
	stateFile = "state.json"
	maxState  = 4 << 20
	// maxMissing bounds what is remembered: a host that lacks more has lost its places.
	maxMissing = 10_000
	saveEvery  = time.Second
)

func (m *Monitor) load() error {
	if err := m.tidy(); err != nil {
		return err
	}
	b, err := m.folder.Read(stateFile, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		m.state = state{Version: 1, Server: m.o.Server, Target: m.o.Target}
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &m.state)
	}
	s := m.state
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be used: %w", stateFile, err)
	case s.Version != 1:
		return fmt.Errorf("%s is of another version", stateFile)
	case s.Server != m.o.Server || s.Target != m.o.Target:
		return fmt.Errorf("it is of following %s into %q; give another folder", s.Server, s.Target)
	}
	for _, e := range s.Missing {
		if _, ok := digest.ParseHash(e.Hash); !ok {
			return fmt.Errorf("%s cannot be used: %.80q is no hash", stateFile, e.Hash)
		}
	}
	return nil
}

// tidy removes what processes left that ended while they wrote.
func (m *Monitor) tidy() error {
	entries, err := m.folder.Entries()
	for _, e := range entries {
		if err == nil && strings.HasSuffix(e.Name(), ".tmp") {
			err = m.folder.Remove(e.Name())
		}
	}
	return err
}

// save makes the state durable.
func (m *Monitor) save() error {
	b, err := json.MarshalIndent(m.state, "", " ")
	if err != nil {
		return err
	}
	m.saved = time.Now()
	return m.folder.Replace(stateFile, append(b, '\n'))
}

// verifiedTo notes that the events up to n were looked at.
func (m *Monitor) verifiedTo(n, size uint64) error {
	m.state.Verified, m.report.Verified = n, n
	if m.o.Progress != nil {
		m.o.Progress(n, size)
	}
	if time.Since(m.saved) < saveEvery {
		return nil
	}
	return m.save()
}

// target begins anew where one's own host is not the one that stored what was
// verified before, or lost it: its order is another one then.
func (m *Monitor) target(ctx context.Context) error {
	if m.o.Into == nil || m.state.Epoch == "" {
		return nil
	}
	epoch, err := m.o.Into.Epoch(ctx)
	if err == nil && epoch != m.state.Epoch {
		err = m.anew()
	}
	return err
}

// anew has every event looked at, and stored, again.
func (m *Monitor) anew() error {
	m.state.Verified, m.state.Epoch, m.state.Missing = 0, "", nil
	return m.save()
}
