package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/monitor"
	"github.com/eventseal/eventseal/wasm/code"
)

// followFlags say which host's log is followed, and whom to believe.
type followFlags struct {
	URL   string        `arg:"" help:"The host whose log is followed."`
	Keys  string        `placeholder:"FILE" help:"Whom to believe: what the host has at /log/keys, and keys of witnesses or a tlog-policy. Without keys of the log or the host those that it shows first are believed from then on."`
	State string        `placeholder:"DIR" help:"Folder of how far the log was verified, and of evidence (named after the command and the host)."`
	Once  bool          `help:"End when the host's newest head was verified."`
	Every time.Duration `default:"10s" help:"How long to wait before the host is asked for a newer head (${default})."`
	Types []eventType   `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types that the host takes beside the built-in ones."`
}

type monitorCommand struct{ followFlags }

// Run ends with statusNo when the host was found out.
func (c *monitorCommand) Run(ctx context.Context, s *stdio) error {
	return c.run(ctx, s, "monitor", nil)
}

type mirrorCommand struct {
	followFlags
	remoteFlags
}

// Run ends with statusNo when the host was found out, or with --once when one's
// own host refused an event.
func (c *mirrorCommand) Run(ctx context.Context, s *stdio) error {
	return c.run(ctx, s, "mirror", &c.remoteFlags)
}

// run follows until something was found, with once until the newest head was
// verified, or until a signal. The last line is how far it came.
func (c *followFlags) run(ctx context.Context, s *stdio, what string, into *remoteFlags) error {
	if c.Every < time.Second {
		return usage("--every: want at least 1s")
	}
	o := monitor.Options{Server: c.URL, Dir: c.State}
	if u, err := url.Parse(c.URL); err == nil && o.Dir == "" {
		o.Dir = what + "-" + strings.ReplaceAll(u.Host, ":", "_")
	}
	var err error
	if c.Keys != "" {
		if o.Trust, err = readTrust(c.Keys); err != nil {
			return err
		}
	}
	if into != nil {
		if o.Into, err = into.connect(nil, unsigned); err != nil {
			return err
		}
		o.Target = into.Server
	}
	p, err := (&moduleFlags{Types: c.Types, MaxBytes: module.MaxRecordBytes, instances: 2}).open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	o.Module = p
	bar := s.progress(what)
	o.Progress = bar.show
	o.Told = func(f monitor.Finding) {
		bar.end()
		s.say("%v", &f)
		_ = s.line(told(f))
	}
	o.Refused = func(v module.Verified, why *code.Error) {
		bar.end()
		s.say("%s refuses %s: %v", into.Server, v.Hash(), why)
	}
	o.Keys = func(keys []string) {
		s.say("the keys that the host shows are believed from now on, because none were given; compare them with what its operator says: %s", strings.Join(keys, " "))
	}
	m, err := monitor.Open(o)
	if err != nil {
		if errors.Is(err, durable.ErrLocked) {
			err = errors.New(err.Error() + "; end that one or give --state another folder")
		}
		return &usageError{err}
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	report, err := c.follow(ctx, s, m, bar)
	bar.end()
	b, jsonErr := json.Marshal(report)
	if other := errors.Join(jsonErr, s.line(b), m.Close()); err == nil {
		err = other
	}
	return err
}

// told is a finding's line: what is in the evidence is there.
func told(f monitor.Finding) []byte {
	b, _ := json.Marshal(struct {
		Kind     monitor.Kind `json:"finding"`
		Detail   string       `json:"detail"`
		Sequence uint64       `json:"sequence,omitempty"`
		Hash     string       `json:"hash,omitempty"`
		Evidence string       `json:"evidence"`
	}{f.Kind, f.Detail, f.Sequence, f.Hash, f.Path}) // strings and numbers
	return b
}

// follow makes one pass after the other. A host that does not answer is asked again.
func (c *followFlags) follow(ctx context.Context, s *stdio, m *monitor.Monitor, bar *progress) (monitor.Report, error) {
	said := ""
	for {
		report, err := m.Pass(ctx)
		switch {
		case errors.Is(err, monitor.ErrFindings):
			return report, errNo
		case err != nil && ctx.Err() != nil:
			return report, nil
		case err != nil:
			bar.end()
			// The exit status must not look like a finding's, whatever the host said.
			if text := err.Error(); text != said {
				s.say("%s", text)
				said = text
			}
			if c.Once {
				return report, saidError(statusFail)
			}
		default:
			said = ""
			if c.Once && report.Missing+int(report.Refused) > 0 {
				s.say("events that the host does not serve: %d; refused by one's own host: %d", report.Missing, report.Refused)
				return report, errNo
			}
			if c.Once {
				return report, nil
			}
		}
		t := time.NewTimer(c.Every)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return report, nil
		}
	}
}

type evidenceCommand struct {
	File string `arg:"" optional:"" help:"What monitor or mirror wrote (standard input)."`
	Keys string `placeholder:"FILE" help:"Whom to believe, as for monitor. Without it the keys in the evidence are, which whoever made it chose."`
}

// Run ends with statusNo where the evidence does not hold.
func (c *evidenceCommand) Run(ctx context.Context, s *stdio) error {
	trust := &checkpoint.Trust{}
	if c.Keys != "" {
		var err error
		if trust, err = readTrust(c.Keys); err != nil {
			return err
		}
	}
	b, err := s.read(c.File, monitor.MaxEvidence)
	if err != nil {
		return err
	}
	p, err := (&moduleFlags{MaxBytes: 1 << 10}).open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	v, err := monitor.Check(ctx, b, trust, p)
	if err != nil {
		s.say("%v", err)
		return errNo
	}
	return s.document(v)
}
