package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// lanes is how many bundles are worked on at once. What is stored is stored in
// the log's order, one bundle after the other.
const lanes = 4

// walk looks at every event of the tree that was not looked at before. At any
// time it has the events of a request's line, or of a batch to be stored, in memory.
func (m *Monitor) walk(ctx context.Context, t *tree) error {
	m.report.Verified = m.state.Verified
	if m.state.Verified > t.Size {
		return fmt.Errorf("%s says that more events were verified than the log has", stateFile)
	}
	for m.state.Verified < t.Size {
		var bundles []*bundle
		for at := m.state.Verified; at < t.Size && len(bundles) < lanes && (m.o.Into == nil || len(bundles) == 0); {
			b := &bundle{m: m, t: t, from: at, to: min(t.Size, (at/tile.Width+1)*tile.Width)}
			bundles, at = append(bundles, b), b.to
		}
		var wg sync.WaitGroup
		for _, b := range bundles {
			wg.Go(func() { b.err = b.look(ctx) })
		}
		wg.Wait()
		for _, b := range bundles {
			if b.err != nil {
				return b.err
			}
			for _, f := range b.findings {
				if len(m.state.Missing) >= maxMissing {
					return errors.New("the host lacks so many events that no more are looked at")
				}
				if err := m.found(f); err != nil {
					return err
				}
				m.state.Missing = append(m.state.Missing, missing{f.Sequence, f.Hash})
			}
			m.report.Created, m.report.Known, m.report.Refused = m.report.Created+b.created, m.report.Known+b.known, m.report.Refused+b.refused
			if err := m.verifiedTo(b.to, t.Size); err != nil {
				return err
			}
		}
	}
	return nil
}

// again looks once more at the events that were missing. Those that are served
// by now are not missing any more.
func (m *Monitor) again(ctx context.Context, t *tree) error {
	for at := 0; at < len(m.state.Missing); {
		var still []missing
		some := m.state.Missing[at:min(at+tile.Width, len(m.state.Missing))]
		b := &bundle{m: m, t: t, once: true}
		for _, e := range some {
			h, _ := digest.ParseHash(e.Hash)
			b.events = append(b.events, event{e.Sequence, h})
		}
		if err := b.retrieve(ctx); err != nil {
			return err
		}
		for _, f := range b.findings {
			still = append(still, missing{f.Sequence, f.Hash})
		}
		m.report.Created, m.report.Known, m.report.Refused = m.report.Created+b.created, m.report.Known+b.known, m.report.Refused+b.refused
		m.state.Missing = slices.Replace(m.state.Missing, at, at+len(some), still...)
		at += len(still)
	}
	return nil
}

// A bundle is a run of events that are looked at together.
type bundle struct {
	m        *Monitor
	t        *tree
	from, to uint64 // events from+1 … to, of one entry bundle
	events   []event
	once     bool // what is missing is known to be

	findings                []Finding
	created, known, refused uint64
	err                     error
}

type event struct {
	sequence uint64
	hash     digest.Hash
}

// look fetches the entries, compares them with the tree's leaves, and fetches
// the events.
func (b *bundle) look(ctx context.Context) error {
	n := tile.Name{Level: tile.Entries, Number: b.from / tile.Width}
	n.Width = int(b.to - n.Number*tile.Width)
	data, err := b.m.source.tile(ctx, n)
	if err != nil {
		return err
	}
	hs, err := tile.ParseEntries(data)
	if err != nil {
		return b.bad(n, data, err.Error())
	}
	leaves, err := b.t.leaves(ctx, tile.Name{Number: n.Number, Width: n.Width})
	if err != nil {
		return err
	}
	for i, h := range hs {
		sequence := n.Number*tile.Width + uint64(i) + 1
		if digest.Hash(tlog.RecordHash(h[:])) != leaves[i] {
			return b.bad(n, data, fmt.Sprintf("its entry of the event %d is not the tree's leaf", sequence))
		}
		if sequence > b.from {
			b.events = append(b.events, event{sequence, h})
		}
	}
	return b.retrieve(ctx)
}

func (b *bundle) bad(n tile.Name, data []byte, why string) error {
	return &Finding{Kind: BadBundle, Detail: n.Path() + ": " + why, Checkpoints: []string{b.t.note}, Tiles: []Tile{{n.Path(), data}}}
}

// retrieve fetches the events, and those that cannot be had several times.
func (b *bundle) retrieve(ctx context.Context) error {
	s := storing{b: b}
	todo := b.events
	for attempt := 1; len(todo) > 0; attempt++ {
		var failed []event
		var why []error
		hs := make([]digest.Hash, len(todo))
		for i, e := range todo {
			hs[i] = e.hash
		}
		err := b.m.events.RetrieveMany(ctx, hs, func(i int, v module.Verified, err error) error {
			if err != nil {
				failed, why = append(failed, todo[i]), append(why, err)
				return ctx.Err()
			}
			return s.add(ctx, v)
		})
		if err != nil {
			return err
		}
		if todo = failed; len(todo) == 0 {
			break
		}
		if attempt >= b.m.o.Attempts || b.once {
			if len(todo) == len(b.events) && !b.once && notNow(why) {
				return fmt.Errorf("none of the events %d … %d can be served now: %w", todo[0].sequence, todo[len(todo)-1].sequence, why[0])
			}
			for i, e := range todo {
				f, err := b.missing(ctx, e, why[i], attempt)
				if err != nil {
					return err
				}
				b.findings = append(b.findings, f)
			}
			break
		}
		if err := b.m.pause(ctx, attempt); err != nil {
			return err
		}
	}
	return s.flush(ctx)
}

// missing makes the finding of an event that the host does not serve.
func (b *bundle) missing(ctx context.Context, e event, why error, tries int) (f Finding, err error) {
	f = Finding{Kind: MissingEvent, Detail: why.Error(), Sequence: e.sequence, Hash: e.hash.String(), Tries: tries}
	if b.once {
		return f, nil
	}
	if !refused(why) {
		f.Kind = WrongEvent
		if f.Answer, err = b.m.source.fetch(ctx, "v1/events/"+e.hash.String(), module.MaxRecordBytes); err != nil {
			f.Detail += "; asked for it alone: " + err.Error()
		}
	}
	f.Proof, err = b.t.inclusion(ctx, e.sequence-1)
	return f, err
}

// notNow reports whether the host said of all that it cannot serve them now.
func notNow(why []error) bool {
	return !slices.ContainsFunc(why, func(err error) bool {
		var c *code.Error
		return !refused(err) || !errors.As(err, &c) || c.Code.Status() < 500 || c.Code == code.Corrupt
	})
}

// refused reports whether err is the host's own refusal, and not what the
// client says of its answer.
func refused(err error) bool {
	var e *client.Error
	var c *code.Error
	return errors.As(err, &e) && e.Status >= 400 && errors.As(err, &c)
}
