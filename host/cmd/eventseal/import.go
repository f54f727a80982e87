package main

import (
	"context"
	"errors"
	"os"

	"github.com/eventseal/eventseal/host/bulk"
)

type importCommand struct {
	File   string `arg:"" optional:"" help:"Records, one a line; compressed where it ends in .gz or .zst (standard input, not compressed)."`
	Report string `placeholder:"FILE" help:"Where refusals go, one a line, with their codes (FILE.refused.jsonl beside the file)."`
	State  string `placeholder:"FILE" help:"Where an interrupted import remembers how far it came (FILE.import.json beside the file)."`
	Wait   string `enum:"quorum,all,journal" default:"quorum" help:"What each event waits for: quorum, all or journal."`
	remoteFlags
}

// Run ends with statusNo when lines were refused. An import that was
// interrupted, or that the host could not take, goes on with the next one.
func (c *importCommand) Run(ctx context.Context, s *stdio) error {
	if c.File == "-" {
		c.File = ""
	}
	if c.File != "" {
		if info, err := os.Stat(c.File); err != nil || info.IsDir() {
			return &usageError{errors.Join(err, errors.New("want a file of records"))}
		}
		if c.Report == "" {
			c.Report = c.File + ".refused.jsonl"
		}
		if c.State == "" {
			c.State = c.File + ".import.json"
		}
	}
	cl, err := c.connect(nil, unsigned)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	bar := s.progress("import")
	done, err := bulk.Import(ctx, bulk.ImportOptions{
		Client: cl, Server: c.Server, Wait: c.Wait, File: c.File, Input: s.in, Report: c.Report, State: c.State,
		Progress: func(i bulk.Imported, read, size uint64) { bar.showPart(i.Lines, read, size) },
	})
	bar.end()
	if err := errors.Join(err, s.document(done)); err != nil {
		if c.State != "" {
			s.say("the import is not complete; the same command goes on with it")
		}
		return err
	}
	if done.Refused > 0 {
		if c.Report != "" {
			s.say("lines refused: %d, see %s", done.Refused, c.Report)
		} else {
			s.say("lines refused: %d; --report FILE tells which", done.Refused)
		}
		return errNo
	}
	return nil
}
