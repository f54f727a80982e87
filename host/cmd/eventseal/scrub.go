package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/scrub"
)

type scrubCommand struct {
	settingsFlags
	Server     string        `placeholder:"URL" help:"Have the host that runs there do it, instead of doing it to one that does not run here."`
	TokenFile  string        `placeholder:"FILE" help:"File of that host's admin.token. Without it: EVENTSEAL_ADMIN_TOKEN."`
	Timeout    time.Duration `default:"1m" help:"How long the host may say nothing (${default}); then it is asked again, and goes on where it was."`
	Rate       float64       `placeholder:"N" help:"Look at so many events per second at most. A running host has a scrub.rate of its own."`
	ReadOnly   bool          `help:"Report, and repair nothing."`
	FillCaches bool          `help:"Put events into caches that do not have them, too."`
	Lost       bool          `help:"Look at nothing; list the events that are known to be lost."`
}

// Run ends with statusNo where an event is not as it should be in every place,
// now that the scrub is over. Interrupted, it goes on the next time.
func (c *scrubCommand) Run(ctx context.Context, s *stdio) error {
	if !(c.Rate >= 0) || math.IsInf(c.Rate, 0) {
		return usage("--rate: want a number of events per second")
	}
	if c.Server == "" && c.TokenFile != "" {
		return usage("--token-file goes with --server")
	}
	if c.Lost {
		return c.list(ctx, s)
	}
	bar := s.progress("scrub")
	show := func(r scrub.Report) { bar.show(r.Sequence, r.Last) }
	var report scrub.Report
	var err error
	if c.Server != "" {
		report, err = c.remote(ctx, show)
	} else {
		err = c.offline(ctx, s, "end that one, or have it scrub itself: --server URL", hasJournal, func(ctx context.Context, h *host) error {
			o, err := h.scrubbing()
			if err == nil && !c.ReadOnly {
				err = h.bindPlaces(ctx)
			}
			if err != nil {
				return err
			}
			report, err = scrub.NewRunner(o).Run(ctx, scrub.Request{
				Rate: c.Rate, ReadOnly: c.ReadOnly, FillCaches: c.FillCaches, Progress: show,
			})
			return err
		})
	}
	bar.end()
	if !report.Started.IsZero() {
		err = errors.Join(err, s.document(report))
	}
	if err == nil && !sound(report, c.ReadOnly) {
		return errNo
	}
	return err
}

// connect returns a client of the host that runs.
func (c *scrubCommand) connect() (*client.Client, error) {
	if c.Config != "" || c.Data != nil {
		return nil, usage("--config and --data are those of a host that does not run; with --server there is none")
	}
	if c.Timeout <= 0 {
		return nil, usage("--timeout: want more than nothing")
	}
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	cl, err := client.New(client.Options{Server: c.Server, Timeout: c.Timeout, Token: token})
	if err != nil {
		return nil, &usageError{err}
	}
	return cl, nil
}

// remote has a running host scrub. A signal ends it there, too.
func (c *scrubCommand) remote(ctx context.Context, show func(scrub.Report)) (last scrub.Report, err error) {
	if c.Rate != math.Trunc(c.Rate) || c.Rate > 1e6 {
		return last, usage("--rate: a running host wants a whole number of at most 1000000")
	}
	cl, err := c.connect()
	if err != nil {
		return last, err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	err = cl.Scrub(ctx, client.Scrub{Rate: uint64(c.Rate), ReadOnly: c.ReadOnly, FillCaches: c.FillCaches}, func(line json.RawMessage) error {
		last = scrub.Report{}
		if err := json.Unmarshal(line, &last); err != nil {
			return fmt.Errorf("the answer is not what a host sends: %w", err)
		}
		show(last)
		return nil
	})
	return last, err
}

const adminVariable = "EVENTSEAL_ADMIN_TOKEN"

// token returns what lets one tell a host what to do.
func (c *scrubCommand) token() (string, error) {
	if c.TokenFile == "" {
		v := os.Getenv(adminVariable)
		if v == "" {
			return "", usage("no token: give --token-file or %s", adminVariable)
		}
		return v, nil
	}
	token, err := config.ReadSecret(c.TokenFile)
	if err != nil {
		return "", &usageError{err}
	}
	return string(token), nil
}

// scrubbing is what is to be scrubbed of a host: where an event is looked at
// anyway, both implementations look.
func (h *host) scrubbing() (scrub.Options, error) {
	opinion, err := secondOpinion(h.settings, "all")
	return scrub.Options{
		Module: h.module, Journal: h.journal, Places: h.places, MinRedundancy: h.settings.MinRedundancy, Log: h.log,
		State: filepath.Join(h.settings.Data, "scrub.json"), Last: filepath.Join(h.settings.Data, "scrubbed.json"),
		SecondOpinion: func(ctx context.Context, v module.Verified) error {
			err := opinion(ctx, v)
			if err != nil {
				h.disagreed.Add(1)
			}
			return err
		},
	}, err
}

// sound reports whether a complete scrub left every event whole everywhere, or
// in read-only mode found it so. What a cache lacks is no fault.
func sound(r scrub.Report, readOnly bool) bool {
	if len(r.Journal) > 0 || r.LogError != "" || r.Unreadable+r.Lost+r.Unread+r.Invalid+r.Disagreements+r.Short > 0 {
		return false
	}
	for _, p := range r.Places {
		if p.Failed+p.Unreachable > 0 {
			return false
		}
	}
	for _, a := range r.Log {
		if a.Failed+a.Unreachable > 0 {
			return false
		}
	}
	return !readOnly || r.Clean()
}

// hasJournal refuses a folder where no host was: a new, empty journal would be
// found to be in perfect order.
func hasJournal(settings config.Config) error {
	_, err := os.Stat(filepath.Join(settings.Data, journalFile))
	if errors.Is(err, os.ErrNotExist) {
		return usage("there is no journal in %s; --data or EVENTSEAL_DATA names the folder of the host, and reindex rebuilds a journal that is lost", settings.Data)
	}
	return err
}

// offline runs run with what holds events, while no host has it. A signal ends
// its context. check, where it is not nil, is asked before anything is opened.
// running says what to do when a host has it.
func (f *settingsFlags) offline(ctx context.Context, s *stdio, running string, check func(config.Config) error, run func(context.Context, *host) error) error {
	settings, log, err := f.load(s, map[string]string{})
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(settings); err != nil {
			return err
		}
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	h, err := open(ctx, settings, log, false)
	if errors.Is(err, errInUse) {
		return usage("%w; %s", err, running)
	}
	if err != nil {
		return err
	}
	err = run(ctx, h)
	return errors.Join(err, h.close())
}

// scrubs is what health tells of a runner.
func scrubs(r *scrub.Runner) (s health.Scrub) {
	if now := r.Now(); now != nil {
		s.Running, s.Sequence, s.Target = true, now.Sequence, now.Last
	}
	if last := r.Last(); last != nil {
		repaired, failed := last.Repairs()
		s.Last = &health.Scrubbed{
			Finished: last.Finished, Clean: last.Clean(), Events: last.Events, Lost: last.Lost, Unread: last.Unread,
			Invalid: last.Invalid + last.Disagreements, Repaired: repaired, Failed: failed,
		}
	}
	return s
}
