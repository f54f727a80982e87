package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/scrub"
)

type reindexCommand struct {
	settingsFlags
	From    string `placeholder:"NAME" help:"Name of the replica; run it for one after the other where none has everything. The order of the events is that of the host's log, from whichever replicas have it."`
	InPlace bool   `help:"Write a damaged journal anew with all that can be read of it, keeping the old file; then --from brings back the rest."`
	Log     string `placeholder:"NAME" help:"Name of the log whose order is restored, where this host had several."`
	NewLog  bool   `help:"Begin a new log, because the order of the former one cannot be had: the events get other numbers, and what the former log vouched for, the new one does not."`
}

// Run ends with statusNo where something of the journal or a copy could not be
// read, or a copy was not the event that it is stored as.
func (c *reindexCommand) Run(ctx context.Context, s *stdio) error {
	var lossy error
	switch {
	case c.NewLog && c.Log != "":
		return usage("give --new-log or --log, not both")
	case c.InPlace:
		if lossy = c.inPlace(ctx, s); c.From == "" || lossy != nil && !errors.Is(lossy, errNo) {
			return lossy
		}
	case c.From == "":
		return usage("give --from, --in-place or both")
	}
	if err := c.from(ctx, s); err != nil {
		return err
	}
	return lossy
}

// inPlace rebuilds the journal from itself.
func (c *reindexCommand) inPlace(ctx context.Context, s *stdio) (err error) {
	settings, log, err := c.load(s, map[string]string{})
	if err != nil {
		return err
	}
	if err := hasJournal(settings); err != nil {
		return err
	}
	lock, err := lockData(settings.Data)
	if errors.Is(err, errInUse) {
		return usage("%w; %s", err, endHost)
	}
	if err != nil {
		return &usageError{err}
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	ctx, stop := interruptible(ctx)
	defer stop()
	done, err := sqlite.Rebuild(ctx, filepath.Join(settings.Data, journalFile), c.NewLog, log)
	if err != nil {
		if errors.Is(err, journal.ErrDamaged) {
			return usage("%w; %s", err, moveAway)
		}
		return err
	}
	for _, d := range done.Lost {
		s.say("of the journal cannot be read: %v", d)
	}
	if err := s.document(rebuilt{done.Events, done.Kept, len(done.Lost), done.Rows, done.Posts, done.Aside}); err != nil {
		return err
	}
	if len(done.Lost) > 0 {
		s.say("eventseal reindex --from REPLICA brings back what a replica holds of it")
	}
	if done.Posts > 0 {
		s.say("some of what is known of the chain could not be read and is dropped; what the contract keeps is taken up again from there")
	}
	if len(done.Lost)+done.Rows+done.Posts > 0 {
		return errNo
	}
	return nil
}

type rebuilt struct {
	Events uint64 `json:"events"`
	Kept   uint64 `json:"kept"`   // numbers of the log that have no event now
	Gaps   int    `json:"gaps"`   // ranges of events that could not be read
	Copies int    `json:"copies"` // rows about copies that could not be read, at least
	Posts  int    `json:"posts"`  // rows about what was put on a chain that are dropped, at least
	Old    string `json:"old"`    // where the old file is
}

const (
	endHost  = "end that one first: a journal cannot be rebuilt while a host writes it"
	moveAway = "move the journal and its -wal and -shm files away, and rebuild it with eventseal reindex --from REPLICA"
)

// from adds what a replica holds.
func (c *reindexCommand) from(ctx context.Context, s *stdio) error {
	return c.offline(ctx, s, endHost, nil, func(ctx context.Context, h *host) error {
		from, err := find(h.places, c.From)
		if err != nil {
			return err
		}
		if err := h.bindPlaces(ctx); err != nil {
			return err
		}
		key, _, err := h.hostKey(ctx)
		if err != nil {
			return err
		}
		bar := s.progress("reindex")
		done, err := scrub.Reindex(ctx, scrub.ReindexOptions{
			Module: h.module, Journal: h.journal, From: from, Places: h.places,
			Order:    scrub.Order{Key: key, Name: h.settings.Transparency.Name, MinRedundancy: h.settings.MinRedundancy, Log: c.Log, New: c.NewLog},
			Progress: func(r scrub.Reindexed) { bar.show(max(r.Ordered, r.Listed), 0) }, Log: h.log,
		})
		bar.end()
		if err := errors.Join(err, s.document(done)); err != nil {
			return err
		}
		if done.Damaged > 0 {
			s.say("the journal is damaged: events passed over: %d; the host's log names them, and eventseal reindex --in-place --from %s brings them back", done.Damaged, c.From)
		}
		if done.Absent > 0 {
			s.say("events of the log that %s does not have: %d; another replica may have them, and storing them again gives them their numbers, too", c.From, done.Absent)
		}
		if done.Refused+done.Unread+done.Conflicting+done.Damaged+done.Absent > 0 {
			return errNo
		}
		return nil
	})
}

func find(places []replica.Place, name string) (replica.Place, error) {
	var names []string
	for _, p := range places {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return replica.Place{}, &usageError{fmt.Errorf("--from: there is no replica %q; there are %s", name, strings.Join(names, ", "))}
}
