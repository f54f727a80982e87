// Package scrub looks after what nobody reads: it compares every copy of every
// event with the record, repairs what is missing or damaged, and rebuilds a
// lost journal from a replica.
package scrub

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// Options say what is scrubbed and how. Module, Journal and Places are required.
type Options struct {
	Module  *module.Pool
	Journal journal.Journal
	Places  []replica.Place
	// MinRedundancy is how many counting places have to hold the journal's record
	// of an event before another valid signature of it is left alone elsewhere for
	// good. At least 1.
	MinRedundancy int
	// SecondOpinion is asked about every event, about several at once. nil: nobody is asked.
	SecondOpinion func(ctx context.Context, v module.Verified) error
	// State is a file that remembers how far an interrupted scrub came, from
	// where the next one goes on, if it is to do the same. It goes when the scrub is
	// complete. "": none.
	State string
	// Last is a file that keeps the report of the last scrub that was complete. "": none.
	Last string
	// Rate bounds the events looked at per second. 0: nothing does.
	Rate float64
	// ReadOnly reports and repairs nothing.
	ReadOnly bool
	// FillCaches puts events into caches that do not have them, too. What they
	// have and is damaged is always replaced.
	FillCaches bool
	// Progress is told at the beginning and after every few events. nil: nobody.
	Progress func(Report)
	Log      *slog.Logger // nil: slog.Default()
}

// A Report says what was found. Counters are of events or of copies.
type Report struct {
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"` // when it was complete
	Sequence uint64    `json:"sequence"`          // every event up to it was looked at
	Last     uint64    `json:"last"`              // the last one when the scrub began
	Events   uint64    `json:"events"`            // looked at
	Complete bool      `json:"complete"`

	ReadOnly   bool `json:"read_only"`   // nothing was repaired
	FillCaches bool `json:"fill_caches"` // caches were to hold every event, too

	Lost          uint64   `json:"lost"`              // events of which no good copy was found where all places answered
	Unread        uint64   `json:"unread"`            // events of which none was found where some place did not
	Displaced     uint64   `json:"displaced"`         // events of which another valid signature than the journal's was all that was left
	Invalid       uint64   `json:"invalid"`           // events whose record the module refuses now
	Disagreements uint64   `json:"disagreements"`     // events that the second opinion refuses
	Short         uint64   `json:"short"`             // events whose record too few counting places hold, because others have another valid signature
	Unreadable    uint64   `json:"unreadable"`        // events that the journal cannot read, and of which nothing could be looked at
	Journal       []string `json:"journal,omitempty"` // what a check of the journal's file found, in words
	Places        []Place  `json:"replicas"`

	Log      []log.Audited `json:"log,omitempty"`       // how the counting places' objects of the transparency log were found
	LogError string        `json:"log_error,omitempty"` // why they could not be looked at
}

// A Place says how one place was found.
type Place struct {
	Replica     string `json:"replica"`
	Good        uint64 `json:"good"`
	Missing     uint64 `json:"missing"`     // and not owed
	Owed        uint64 `json:"owed"`        // missing, and the journal knew it
	Loose       uint64 `json:"loose"`       // good, and nothing keeps them: an IPFS node has no pin, or no block of the hash
	Damaged     uint64 `json:"damaged"`     // cannot be the event, or nobody signed it
	Foreign     uint64 `json:"foreign"`     // the event under another valid signature than the journal's, which is left there
	Unreachable uint64 `json:"unreachable"` // not read: the place failed
	Repaired    uint64 `json:"repaired"`
	Failed      uint64 `json:"failed"` // repairs that failed: the copies are owed
	Cache       bool   `json:"cache"`  // what it lacks is no fault
}

// Clean reports whether every copy of every event was found to be good, or
// lacked only in caches. Another valid signature is no fault of a place that
// hosts share, as long as enough others hold the journal's record.
func (r *Report) Clean() bool {
	if !r.Complete || len(r.Journal) > 0 || r.LogError != "" || slices.ContainsFunc(r.Log, func(a log.Audited) bool { return !a.Clean() }) || r.Unreadable+r.Lost+r.Unread+r.Displaced+r.Invalid+r.Disagreements+r.Short > 0 {
		return false
	}
	for _, p := range r.Places {
		if p.Loose+p.Damaged+p.Unreachable > 0 || !p.Cache && p.Missing+p.Owed > 0 {
			return false
		}
	}
	return true
}

// Repairs counts the copies that were put where there was no good one, and
// those that could not be.
func (r *Report) Repairs() (repaired, failed uint64) {
	for _, p := range r.Places {
		repaired, failed = repaired+p.Repaired, failed+p.Failed
	}
	for _, a := range r.Log {
		repaired, failed = repaired+a.Repaired, failed+a.Failed
	}
	return repaired, failed
}

// Bounds of what is read at once.
const (
	windowEvents = 128
	windowBytes  = 64 << 20 // if every copy were as large as the limit allows
	saveEvery    = 2 * time.Second
)

// A scrubber is one Run.
type scrubber struct {
	Options
	begun  time.Time // this Run; the report may be an earlier one's
	report Report
}

// Run walks the journal in the order of its sequence numbers, as far as it
// reaches when the walk begins, reads every copy from every place, compares it
// byte for byte with the record, has the module and the second opinion verify
// the record, and puts good bytes where there are none: where a place lacks an
// event, holds a damaged copy or one that nobody signed, or holds a good one and
// does not keep it (replica.Auditor). What is not there is owed until it is,
// also where nobody has it to give: an event that is nowhere is lost for the
// journal from then on. A place that fails is reported and does not stop the
// others, and nothing is concluded from its silence.
//
// A copy under another valid signature is the event as well, and may be what
// another host has acknowledged that shares the place: it is never replaced. It
// is noted as custody.Foreign, no copy of this journal's record; where too few
// counting places hold that, it stays owed, and the journal keeps its bytes.
//
// An event of which all that is left is another valid signature is not lost: a
// Journal that is a journal.Follower takes that record up, and it is put where
// it is not.
//
// It may run beside an Intake on the same journal. When ctx ends, or the journal
// fails, Run returns what it found so far, with the error; with a State file the next
// Run goes on from there, its report included.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &scrubber{Options: o, begun: time.Now()}
	if err := s.begin(ctx); err != nil {
		return s.report, err
	}
	s.tell()
	err := s.walk(ctx)
	if err == nil {
		err = s.check(ctx)
	}
	if err == nil {
		err = s.audit(ctx)
	}
	if err == nil {
		// What was repaired is to be known before the state goes.
		if err = o.Journal.Flush(ctx); err == nil {
			s.report.Complete, s.report.Finished = true, time.Now().UTC()
			err = s.forget()
		}
	} else if e := s.save(); e != nil {
		err = errors.Join(err, e)
	}
	s.tell()
	return s.report, err
}

// begin takes up an interrupted scrub, or starts one.
func (s *scrubber) begin(ctx context.Context) error {
	last, err := s.Journal.Last(ctx)
	if err == nil && s.resume(last) {
		return nil
	}
	s.report = Report{Started: time.Now().UTC(), Last: last, ReadOnly: s.ReadOnly, FillCaches: s.FillCaches}
	for _, p := range s.Places {
		s.report.Places = append(s.report.Places, Place{Replica: p.Name, Cache: p.Cache()})
	}
	return err
}

func (s *scrubber) walk(ctx context.Context) error {
	saved := time.Now()
	size := max(8, min(windowEvents, windowBytes/(s.Module.MaxEvent()*max(1, len(s.Places)))))
	if s.Rate > 0 {
		size = max(1, int(min(float64(size), s.Rate))) // what is read at once is a second's worth at most
	}
	for s.report.Sequence < s.report.Last {
		begun := time.Now()
		entries, upto, err := s.next(ctx, size)
		if err != nil {
			return err
		}
		if err := s.window(ctx, entries); err != nil {
			return err
		}
		s.report.Sequence = upto
		s.report.Events += uint64(len(entries))
		s.tell()
		if time.Since(saved) > saveEvery {
			if err := s.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
		if s.Rate > 0 {
			// By the window: what was slow is not made up for.
			due := begun.Add(time.Duration(float64(len(entries)) / s.Rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// next returns the entries that are looked at next, and up to which number
// these are all. What the journal cannot read is counted, named and gone past.
func (s *scrubber) next(ctx context.Context, size int) (es []journal.Entry, upto uint64, err error) {
	upto = s.report.Last
	w, ok := s.Journal.(journal.Walker)
	if !ok {
		es, err = s.Journal.Scan(ctx, s.report.Sequence, size)
		for len(es) > 0 && es[len(es)-1].Sequence > upto {
			es = es[:len(es)-1] // newer than the scrub
		}
		if len(es) == size {
			upto = es[len(es)-1].Sequence
		}
		return es, upto, err
	}
	stretch, err := w.Walk(ctx, journal.Filter{After: s.report.Sequence, Before: upto + 1, Limit: size})
	if err != nil {
		return nil, 0, err
	}
	for _, d := range stretch.Damaged {
		s.report.Unreadable += d.To - d.From + 1
		if errors.Is(d.Err, journal.ErrReserved) {
			s.Log.Error("the log has an event of which the journal has only the number; it comes back when it is stored, or found by a reindex", "from", d.From, "to", d.To)
			continue
		}
		s.Log.Error("the journal cannot read an event, which is passed over", "from", d.From, "to", d.To, "error", d.Err)
	}
	if stretch.Next > 0 {
		upto = stretch.Next
	}
	return stretch.Entries, upto, nil
}

// check has the journal look at its own file, once all events were.
func (s *scrubber) check(ctx context.Context) error {
	w, ok := s.Journal.(journal.Walker)
	if !ok {
		return nil
	}
	found, err := w.Check(ctx)
	s.report.Journal = found
	for _, f := range found {
		s.Log.Error("the journal's file is damaged; stop the host and run eventseal reindex --in-place", "found", f)
	}
	return err
}

func (s *scrubber) tell() {
	if s.Progress != nil {
		r := s.report
		r.Places = append([]Place(nil), r.Places...)
		s.Progress(r)
	}
}

// A subject is one event of a window.
type subject struct {
	entry   journal.Entry
	copies  []journal.Copy
	record  []byte            // that the journal holds; nil: none
	fetched []replica.Fetched // by place
	loose   []bool            // by place: what was fetched is not kept (replica.ErrLoose)
	v       module.Verified   // the record; zero where no good copy was found
	sure    bool              // every place has answered
	holders int               // places with a good copy that lasts, and the journal
	follows bool              // the journal has just taken up another record
	seen    []custody.State   // by place: Confirmed, Missing, Damaged or Foreign; None where it failed
	put     []bool            // by place: the record was put there
	moved   bool              // the journal has had news of its copies meanwhile
}

func (s *scrubber) window(ctx context.Context, entries []journal.Entry) error {
	subjects := make([]*subject, 0, len(entries))
	for _, e := range entries {
		x, err := s.subject(ctx, e)
		if errors.Is(err, journal.ErrDamaged) {
			s.report.Unreadable++
			s.Log.Error("the journal cannot read what it knows of an event, which is passed over", "hash", e.Hash, "sequence", e.Sequence, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		subjects = append(subjects, x)
	}
	var wg sync.WaitGroup
	for i, p := range s.Places {
		wg.Go(func() { s.read(ctx, i, p, subjects) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err // else places that were told to stop would count as unreachable
	}
	for _, x := range subjects {
		if err := s.find(ctx, x); err != nil {
			return err
		}
	}
	if err := s.judge(ctx, subjects); err != nil {
		return err
	}
	if err := s.compare(ctx, subjects); err != nil {
		return err
	}
	jobs := make([][]*subject, len(s.Places))
	for _, x := range subjects {
		s.moves(ctx, x)
		for i := range s.Places {
			if s.inspect(i, x) && !s.ReadOnly {
				jobs[i] = append(jobs[i], x)
			}
		}
	}
	for i := range s.Places {
		if len(jobs[i]) > 0 {
			wg.Go(func() { s.repair(ctx, i, jobs[i]) })
		}
	}
	wg.Wait()
	for _, x := range subjects {
		s.settle(x)
	}
	return ctx.Err()
}

// subject looks at what the journal has of an event.
func (s *scrubber) subject(ctx context.Context, e journal.Entry) (*subject, error) {
	_, copies, err := s.Journal.Get(ctx, e.Hash)
	if err != nil {
		return nil, err
	}
	n := len(s.Places)
	x := &subject{
		entry: e, copies: copies, fetched: make([]replica.Fetched, n), loose: make([]bool, n), seen: make([]custody.State, n), put: make([]bool, n),
	}
	// Before the places are read: what leaves the journal in between has got to
	// all of them, and what had left it before they are found to hold.
	if record, err := s.Journal.Record(ctx, e.Hash); err == nil {
		x.record = record
	}
	return x, nil
}

// read fetches a place's copies of the subjects, and asks whether it keeps them.
func (s *scrubber) read(ctx context.Context, i int, p replica.Place, subjects []*subject) {
	refs := make([]replica.Ref, len(subjects))
	for k, x := range subjects {
		refs[k].Hash = x.entry.Hash
		if c := x.copy(p.Name); c != nil {
			refs[k].Location = c.Location
		}
	}
	fetched := replica.GetBatch(ctx, p.Replica, refs)
	for k, x := range subjects {
		if len(fetched) == len(subjects) {
			x.fetched[i] = fetched[k]
		} else {
			x.fetched[i].Err = errors.New("the replica did not answer for every event")
		}
	}
	var whole []*subject
	kept := refs[:0:0]
	for k, x := range subjects {
		if x.fetched[i].Err == nil {
			whole, kept = append(whole, x), append(kept, refs[k])
		}
	}
	for k, err := range replica.Audit(ctx, p.Replica, kept, s.begun) {
		if x := whole[k]; errors.Is(err, replica.ErrLoose) {
			x.loose[i] = true
		} else if err != nil {
			x.fetched[i] = replica.Fetched{Err: err}
		}
	}
}

// copy is what the journal knows of the place, nil for nothing.
func (x *subject) copy(place string) *journal.Copy {
	for i := range x.copies {
		if x.copies[i].Replica == place {
			return &x.copies[i]
		}
	}
	return nil
}

// state is what the journal knew of the place's copy.
func (x *subject) state(place string) custody.State {
	if c := x.copy(place); c != nil {
		return c.State
	}
	return custody.None
}
