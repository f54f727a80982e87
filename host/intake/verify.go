package intake

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// One call of the module takes at most so much.
const (
	verifyEvents = 64
	verifyBytes  = 1 << 20
	verifyFew    = 16 // are not divided among the workers
	verifyWait   = 2 * time.Millisecond
)

// verifying holds what waits for a free instance of the module. Whoever waits
// when one gets free goes together. Single events do not go before they are
// half of all that callers wait for, unless that takes verifyWait: in a batch
// of 16 an event costs the module two thirds, and the journal and the places,
// which get it as a group, far less still. Without that, 32 callers, who come
// back one after the other, would go alone. Who is alone never waits.
type verifying struct {
	mu      sync.Mutex
	waiting []*item
	workers int
	running int
	patient bool          // one of them waits for more
	news    chan struct{} // for it; holds one
	stopped bool
}

// stop has no more workers started.
func (s *verifying) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// verify starts the items, which are of one call, on their way.
func (in *Intake) verify(items []*item) {
	if len(items) > 1 {
		items[0].line.items = items
	}
	s := &in.verifying
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return // the callers see that, too
	}
	s.waiting = append(s.waiting, items...)
	in.startVerifiers()
	if s.patient {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// startVerifiers starts as many as have something to do. verifying.mu is held.
func (in *Intake) startVerifiers() {
	s := &in.verifying
	wanted := (len(s.waiting) + verifyFew - 1) / verifyFew
	for range min(wanted, s.workers-s.running) {
		s.running++
		in.running.Go(in.verifier)
	}
}

// verifier works until nothing waits.
func (in *Intake) verifier() {
	for {
		batch := in.nextBatch()
		if batch == nil {
			return
		}
		in.forward(batch, in.judge(batch))
	}
}

// nextBatch waits for as many as are worth a call; nil ends the worker.
func (in *Intake) nextBatch() []*item {
	s := &in.verifying
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.patient { // by another one, who takes what waits
		s.running--
		return nil
	}
	if len(s.waiting) > 0 {
		s.patient = true
		in.patience()
		s.patient = false
	}
	batch := s.take()
	if batch == nil {
		s.running--
		return nil
	}
	in.startVerifiers()
	return batch
}

// patience waits for what is about to come. verifying.mu is held before and after.
func (in *Intake) patience() {
	s := &in.verifying
	var timer *time.Timer
	for {
		n := len(s.waiting)
		if n >= verifyEvents || slices.ContainsFunc(s.waiting, func(it *item) bool { return !it.lone }) {
			return
		}
		s.mu.Unlock()
		in.mu.Lock()
		enough := 2*n >= in.lone
		in.mu.Unlock()
		late := false
		if !enough {
			if timer == nil {
				timer = time.NewTimer(verifyWait)
				defer timer.Stop()
			}
			select {
			case <-s.news:
			case <-timer.C:
				late = true
			}
		}
		s.mu.Lock()
		if enough || late {
			return
		}
	}
}

// take removes a batch from what waits.
func (s *verifying) take() []*item {
	n := len(s.waiting)
	if n > verifyFew {
		n = min(max(verifyFew, (n+s.workers-1)/s.workers), verifyEvents)
	}
	size, to := 0, 0
	for to < n && (to == 0 || size+len(s.waiting[to].event) <= verifyBytes) {
		size += len(s.waiting[to].event)
		to++
	}
	if to == 0 {
		return nil
	}
	batch := s.waiting[:to:to]
	if s.waiting = s.waiting[to:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
	return batch
}

// judge returns those of the batch that are valid; it settles the others.
func (in *Intake) judge(batch []*item) []*item {
	results := make([]module.Result, len(batch))
	err := in.call(batch, results)
	now := time.Now()
	valid := batch[:0:0]
	for i, it := range batch {
		in.m.verify.Observe(now.Sub(it.begun).Seconds())
		v, e := results[i].Verified, results[i].Err
		if err != nil {
			e = err
		}
		if e == nil && in.o.Permit != nil {
			e = in.o.Permit(in.base, v)
		}
		if e == nil && in.o.SecondOpinion != nil {
			e = in.second(it, v)
		}
		if e != nil {
			in.fail(batch[i:i+1], refusal(e))
			continue
		}
		it.v = v
		valid = append(valid, it)
	}
	return valid
}

// call has the module judge the batch. Where a call of many fails as a whole,
// each is judged alone, so that one event cannot take others down with it. The
// callers' contexts do not reach the module: it would throw an instance away
// for each that ends.
func (in *Intake) call(batch []*item, results []module.Result) error {
	if len(batch) == 1 {
		results[0].Verified, results[0].Err = in.o.Module.Verify(in.base, batch[0].event)
		return nil
	}
	events := make([][]byte, len(batch))
	for i, it := range batch {
		events[i] = it.event
	}
	verdicts, err := in.o.Module.VerifyBatch(in.base, events)
	if err != nil {
		return err
	}
	copy(results, verdicts)
	for i := range results {
		if errors.Is(results[i].Err, module.ErrTrapped) || errors.Is(results[i].Err, module.ErrTimeout) {
			results[i].Verified, results[i].Err = in.o.Module.Verify(in.base, events[i])
		}
	}
	return nil
}

// second asks the second opinion.
func (in *Intake) second(it *item, v module.Verified) error {
	err := in.o.SecondOpinion(in.base, v)
	if errors.Is(err, &code.Error{Code: code.ImplementationsDisagree}) {
		in.disagreed.Add(1)
		in.o.Log.Error("the second opinion disagrees with the module; the event was refused", "hash", v.Hash(), "error", err)
	}
	return err
}

// refusal returns the error of a verification as callers see it.
func refusal(err error) error {
	var refused *code.Error
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, module.ErrTimeout):
		return &code.Error{Code: code.Timeout, Detail: err.Error()}
	case errors.Is(err, module.ErrTrapped):
		return &code.Error{Code: code.Internal, Detail: err.Error()}
	}
	return &code.Error{Code: code.ShuttingDown, Detail: err.Error()}
}
