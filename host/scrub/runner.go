package scrub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy: another scrub of the host is under way. HTTP 503.
var ErrBusy = errors.New("scrub: one is under way already")

// A Request is what one scrub of a Runner may do differently from another.
type Request struct {
	Rate       float64 // events per second at most; 0: as fast as it can
	ReadOnly   bool
	FillCaches bool
	Progress   func(Report) // nil: nobody
}

// A Runner scrubs one host that is at work, one scrub at a time, whoever asks.
// Its methods are safe for concurrent use.
type Runner struct {
	o    Options
	busy sync.Mutex

	now, last atomic.Pointer[Report]
}

// Now returns the latest report of the scrub that is under way; nil: there is none.
func (r *Runner) Now() *Report { return r.now.Load() }

// Last returns the report of the last scrub that was complete, one of an
// earlier process included; nil: nobody knows of any.
func (r *Runner) Last() *Report { return r.last.Load() }

// NewRunner returns a Runner for what o says, apart from what a Request does.
func NewRunner(o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Runner{o: o}
	var last Report
	if b, err := os.ReadFile(o.Last); err == nil && json.Unmarshal(b, &last) == nil {
		r.last.Store(&last)
	}
	return r
}

// Run is the package's Run, or ErrBusy at once. A panic is an error: what looks
// after a host must not end it.
func (r *Runner) Run(ctx context.Context, q Request) (report Report, err error) {
	if !r.busy.TryLock() {
		return Report{}, ErrBusy
	}
	defer r.busy.Unlock()
	defer func() {
		if fault := recover(); fault != nil {
			r.o.Log.Error("panic", "in", "scrub", "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = errors.New("the scrub panicked")
		}
	}()
	defer r.now.Store(nil)
	o := r.o
	o.Rate, o.ReadOnly, o.FillCaches = q.Rate, q.ReadOnly, q.FillCaches
	o.Progress = func(p Report) {
		if r.now.Store(&p); p.Complete {
			r.last.Store(&p)
		}
		if q.Progress != nil {
			q.Progress(p)
		}
	}
	return Run(ctx, o)
}

// Pauses of Every.
const (
	whenBusy   = time.Minute // before it looks again whether it is its turn
	whenFailed = time.Hour   // at most, before a scrub that failed goes on
)

// Every scrubs again and again until ctx ends: an interrupted scrub goes on at
// once, a new one begins so long after the last one was complete, that of
// another process included. The pause is never less than a second.
func (r *Runner) Every(ctx context.Context, interval time.Duration, q Request) {
	interval = max(interval, time.Second)
	wait := r.due(interval)
	for {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		report, err := r.Run(ctx, q)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrBusy):
			wait = min(interval, whenBusy)
			continue
		case err != nil:
			r.o.Log.Warn("a scrub was cut short", "events", report.Events, "sequence", report.Sequence, "error", err)
			wait = min(interval, whenFailed)
			continue
		}
		level := slog.LevelInfo
		if !report.Clean() {
			level = slog.LevelWarn
		}
		repaired, failed := report.Repairs()
		r.o.Log.Log(ctx, level, "a scrub is complete", "events", report.Events, "repaired", repaired, "not_repaired", failed,
			"lost", report.Lost, "unread", report.Unread, "invalid", report.Invalid, "disagreements", report.Disagreements, "short", report.Short,
			"took", report.Finished.Sub(report.Started).Round(time.Second).String())
		wait = interval
	}
}

// due returns how long it is until the first scrub of this process.
func (r *Runner) due(interval time.Duration) time.Duration {
	if _, err := os.Stat(r.o.State); r.o.State != "" && err == nil {
		return 0 // one was interrupted
	}
	last := r.Last()
	if last == nil {
		return 0
	}
	// A clock that was set back must not put it off for long.
	return min(max(0, time.Until(last.Finished.Add(interval))), interval)
}
