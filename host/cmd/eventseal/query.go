package main

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"github.com/eventseal/eventseal/host/bulk"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
)

// filterFlags choose events.
type filterFlags struct {
	Type   []string `placeholder:"TYPE" help:"Of one of these types."`
	Author []string `placeholder:"PUBLIC-KEY" help:"By one of these authors, in any spelling of the key."`
	Parent []string `placeholder:"HASH" help:"With one of these parents."`
	Since  moment   `placeholder:"TIME" help:"Created not before; Unix seconds or RFC 3339."`
	Until  moment   `placeholder:"TIME" help:"Created not after."`
}

func (f *filterFlags) query() client.Query {
	q := client.Query{Types: f.Type, Authors: f.Author, Parents: f.Parent}
	if f.Since.set {
		q.Since = &f.Since.seconds
	}
	if f.Until.set {
		q.Until = &f.Until.seconds
	}
	return q
}

// verifying returns a client that verifies what it fetches with a module on
// every core. The caller closes the module.
func (f *remoteFlags) verifying(ctx context.Context, types []eventType) (*client.Client, *module.Pool, error) {
	flags := moduleFlags{Types: types, MaxBytes: module.MaxRecordBytes, instances: runtime.NumCPU()}
	p, err := flags.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	cl, err := f.connect(p)
	if err != nil {
		p.Close(ctx)
		return nil, nil, err
	}
	return cl, p, nil
}

type queryCommand struct {
	filterFlags
	Order  string      `enum:"desc,asc" default:"desc" help:"Newest admission first (desc), or oldest (asc)."`
	Limit  int         `default:"100" help:"Events of the page, 1 to 1000."`
	Cursor string      `placeholder:"CURSOR" xor:"place" help:"Go on where an earlier page ended."`
	After  string      `placeholder:"PLACE" xor:"place" help:"Begin behind an event, in the order asked for: its hash, or a position that was shown."`
	Count  bool        `help:"Count all that there are, instead of showing them."`
	Types  []eventType `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	remoteFlags
}

// A foundLine is an event as query writes it.
type foundLine struct {
	Hash       string          `json:"hash"`
	Sequence   uint64          `json:"sequence"`
	Position   string          `json:"position"` // to go on after
	AdmittedAt string          `json:"admitted_at"`
	Event      json.RawMessage `json:"event"`
}

// Run writes a page, an event a line, and names the next one on standard error.
func (c *queryCommand) Run(ctx context.Context, s *stdio) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return usage("--limit: want 1 to 1000")
	}
	cl, p, err := c.verifying(ctx, c.Types)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	q := c.query()
	q.Ascending, q.Limit, q.Cursor, q.After = c.Order == "asc", c.Limit, c.Cursor, c.After
	if c.Count {
		n, err := cl.Count(ctx, q)
		if err != nil {
			return err
		}
		return s.document(map[string]uint64{"count": n})
	}
	page, err := cl.Query(ctx, q)
	if err != nil {
		return err
	}
	worst := statusOK
	for _, f := range page.Events {
		if f.Err != nil {
			s.complain(f.Err)
			worst = max(worst, status(f.Err))
			continue
		}
		// The record is canonical, and written as it is.
		b, err := json.Marshal(foundLine{f.Hash.String(), f.Sequence, f.Position, f.AdmittedAt.UTC().Format(time.RFC3339Nano), nil})
		if err != nil {
			return err
		}
		b = append(b[:len(b)-len("null}")], f.Event.Record()...)
		if err := s.line(append(b, '}')); err != nil {
			return err
		}
	}
	for _, d := range page.Damaged {
		s.say("the host's journal cannot be read, and may have more here: %v", d)
		worst = max(worst, statusNo)
	}
	if page.Reordered {
		s.say("the host's events are in another order than when the place was given out: some may come again")
	}
	if page.Next != "" {
		s.say("there are more: --cursor %s", page.Next)
	}
	if worst != statusOK {
		return saidError(worst)
	}
	return nil
}

type exportCommand struct {
	File string `arg:"" optional:"" help:"A new file, compressed where it ends in .gz or .zst (standard output, not compressed)."`
	filterFlags
	After string      `placeholder:"HASH" help:"Begin behind this event, in the host's order."`
	Types []eventType `placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	remoteFlags
}

// Run writes the records, one a line; and what it counted to standard error
// where standard output has the records, else there.
func (c *exportCommand) Run(ctx context.Context, s *stdio) error {
	if c.File == "-" {
		c.File = ""
	}
	cl, p, err := c.verifying(ctx, c.Types)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	ctx, stop := interruptible(ctx)
	defer stop()
	bar := s.progress("export")
	total := uint64(0) // not known: what comes meanwhile is not counted, and a host may be too busy to
	if bar.w != nil {
		total, _ = cl.Count(ctx, c.query())
	}
	done, err := bulk.Export(ctx, bulk.ExportOptions{
		Client: cl, Server: c.Server, Query: c.query(), After: c.After, File: c.File, Output: s.out, Missing: s.err,
		Progress: func(x bulk.Exported) { bar.show(x.Events, total) },
	})
	bar.end()
	if errors.Is(err, bulk.ErrExists) {
		return &usageError{err}
	}
	if c.File != "" {
		if err = errors.Join(err, s.document(done)); err != nil {
			s.say("the export is not complete; the same command goes on with it")
		}
	}
	if err == nil && done.Missing > 0 {
		where := "named above"
		if c.File != "" {
			where = "see " + c.File + bulk.MissingEnding
		}
		s.say("the host does not have all any more; events missing: %d, %s", done.Missing, where)
		err = errNo
	}
	return err
}
