// Package monitor follows the transparency log of another host and believes
// it nothing: every head must follow from the last one, every event of the tree
// must be served and be the one that the tree has. What is not so is a finding,
// with the evidence for it. With a host of one's own, what was verified is stored
// there.
package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Module judges events and the host's own signatures; *module.Pool is one.
type Module interface {
	client.Verifier
	Recover(ctx context.Context, d digest.Hash, signature string) (module.KeyPair, error)
	ParsePublic(ctx context.Context, text string) ([34]byte, module.KeyPair, error)
}

// Options say what is followed, and whom to believe. Server, Module and Dir are
// needed.
type Options struct {
	Server  string                                   // base URL of the host
	Module  Module                                   // judges events of every type that the host takes
	Trust   *checkpoint.Trust                        // without keys of logs or hosts: those that the host shows first are believed from then on
	Dir     string                                   // folder of the state and the evidence; made where it is missing
	Into    *client.Client                           // a host that stores what was verified; nil: none
	Target  string                                   // its base URL
	HTTP    *http.Client                             // default: one of its own; redirects are not followed
	Told    func(Finding)                            // of every finding, when its evidence is written
	Refused func(v module.Verified, why *code.Error) // of every event that Into refuses
	Keys    func(keys []string)                      // of keys that are believed because they were shown first

	// How often what may pass is tried, and the pause before the second time; each
	// further one is as much longer. Defaults: 5, 1 s: 10 s in all.
	Attempts int
	Pause    time.Duration

	Progress func(verified, size uint64)
}

// A Monitor follows one host. It is for one goroutine.
type Monitor struct {
	o      Options
	source *source
	events *client.Client
	folder *durable.Folder
	lock   *os.File
	state  state
	saved  time.Time
	keys   keys
	report Report
}

// A Report says how far a pass came.
type Report struct {
	Server   string `json:"server"`
	Origin   string `json:"origin"`
	Size     uint64 `json:"size"`     // of the last head, which follows from all before
	Verified uint64 `json:"verified"` // events 1 … Verified were looked at
	Missing  int    `json:"missing"`  // of these, those that the host does not serve
	Created  uint64 `json:"created"`  // in this run, new to one's own host
	Known    uint64 `json:"known"`    // in this run, it had them
	Refused  uint64 `json:"refused"`  // in this run, by it
	Findings int    `json:"findings"` // in this run
	Complete bool   `json:"complete"` // Verified reached the head that the host served
}

// ErrFindings: the host was found out; Options.Told was told how.
var ErrFindings = errors.New("monitor: the host does not keep what it signs")

// Open takes the folder for this process. It does not connect.
func Open(o Options) (*Monitor, error) {
	o.Attempts, o.Pause = cmp.Or(o.Attempts, 5), cmp.Or(o.Pause, time.Second)
	if o.Trust == nil {
		o.Trust = &checkpoint.Trust{}
	}
	src, err := newSource(o)
	if err != nil {
		return nil, err
	}
	m := &Monitor{o: o, source: src, report: Report{Server: o.Server}}
	if m.events, err = client.New(client.Options{Server: o.Server, Verifier: o.Module, HTTP: src.http, Backoff: o.Pause / 5}); err != nil {
		return nil, err
	}
	if err := durable.MakeFolder(filepath.Join(o.Dir, evidenceFolder)); err != nil {
		return nil, err
	}
	if m.folder, err = durable.OpenFolder(o.Dir); err != nil {
		return nil, err
	}
	if m.lock, err = m.folder.Lock("lock"); err == nil {
		err = m.load()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("folder %s: %w", o.Dir, err), m.Close())
	}
	return m, nil
}

// Close lets go of the folder. What was verified is kept by Pass.
func (m *Monitor) Close() error {
	var err error
	if m.lock != nil {
		err = m.lock.Close()
	}
	return errors.Join(err, m.folder.Close())
}

// Pass verifies the host's newest head and every event up to it, from where the
// pass before ended, in this process or another. ErrFindings where anything
// new was found; other errors say why it could not be told: the host, or one's own, does not
// answer, or ctx ended. What was verified until then is kept.
func (m *Monitor) Pass(ctx context.Context) (Report, error) {
	before := m.report.Findings
	m.report.Complete = false
	err := m.pass(ctx)
	var f *Finding
	if errors.As(err, &f) {
		err = m.found(*f)
	}
	err = errors.Join(err, m.save())
	m.report.Missing = len(m.state.Missing)
	if err == nil && m.report.Findings > before {
		err = ErrFindings
	}
	return m.report, err
}

func (m *Monitor) pass(ctx context.Context) error {
	if err := m.believe(ctx); err != nil {
		return err
	}
	if err := m.target(ctx); err != nil {
		return err
	}
	for attempt := 1; ; {
		h, err := m.head(ctx)
		if err != nil {
			return err
		}
		if h == nil { // an empty log has no head
			m.report.Complete = true
			return nil
		}
		verified := m.state.Verified
		if err = m.again(ctx, h); err == nil {
			err = m.walk(ctx, h)
		}
		if err == nil {
			m.report.Complete = true
			return nil
		}
		var gone *goneError
		var f *Finding
		if errors.As(err, &gone) {
			f = gone.finding(h)
		} else if !errors.As(err, &f) {
			return err
		}
		if m.state.Verified > verified {
			attempt = 1
		}
		if attempt >= m.o.Attempts {
			return f
		}
		// The tiles of a head may go when there is a newer one, and be damaged on their way.
		if err := m.pause(ctx, attempt); err != nil {
			return err
		}
		attempt++
	}
}

// pause waits before another attempt.
func (m *Monitor) pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(time.Duration(attempt) * m.o.Pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
