package intake

import (
	"context"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
)

// A slowJournal admits nothing before it is told to.
type slowJournal struct {
	journal.Journal
	admit  chan struct{}
	groups chan int // of so many events
}

func (s *slowJournal) Admit(ctx context.Context, vs []module.Verified, owed []string) ([]journal.Admission, error) {
	s.groups <- len(vs)
	<-s.admit
	return s.Journal.Admit(ctx, vs, owed)
}

// Callers with one event each, who wait for the module or for the journal, go
// together.
func TestSinglesGoTogether(t *testing.T) {
	const callers = 24
	asked, opinion := make(chan struct{}, callers), make(chan struct{})
	h := start(t, 2, func(o *Options) {
		o.SecondOpinion = func(context.Context, module.Verified) error {
			asked <- struct{}{}
			<-opinion
			return nil
		}
	})
	j := &slowJournal{admit: make(chan struct{}), groups: make(chan int, callers)}
	h.around = func(inner journal.Journal) journal.Journal {
		j.Journal = inner
		return j
	}
	h.close()
	h.open()
	h.verifying.mu.Lock()
	h.verifying.workers = 1
	h.verifying.mu.Unlock()
	var wg sync.WaitGroup
	store := func(i int) {
		event := moduletest.Event(t, i).Record()
		wg.Go(func() {
			if _, err := h.store(event, Quorum); err != nil {
				t.Error(err)
			}
		})
	}
	store(0)
	<-asked
	opinion <- struct{}{}
	if n := <-j.groups; n != 1 {
		t.Errorf("an admission of %d events, want 1", n)
	}
	store(1)
	<-asked
	for i := range callers - 2 {
		store(2 + i)
	}
	until(t, "the others wait for the module", func() bool { return h.waitingToBeJudged() == callers-2 })
	calls := h.Intake.o.Module.Stats().Calls
	close(opinion)
	until(t, "they are judged", func() bool {
		h.gathering.mu.Lock()
		defer h.gathering.mu.Unlock()
		return len(h.gathering.waiting) == callers-1
	})
	if n := h.Intake.o.Module.Stats().Calls - calls; n != 1 {
		t.Errorf("%d calls of the module for %d events that waited", n, callers-2)
	}
	close(j.admit)
	if n := <-j.groups; n != callers-1 {
		t.Errorf("an admission of %d events, want %d", n, callers-1)
	}
	wg.Wait()
}

func (h *host) waitingToBeJudged() int {
	h.verifying.mu.Lock()
	defer h.verifying.mu.Unlock()
	return len(h.verifying.waiting)
}

// A caller whose companions wait for something else gets through.
func TestSinglesDoNotWaitForever(t *testing.T) {
	h := start(t, 2, nil)
	h.mu.Lock()
	h.lone += 1000 // that never come back
	h.mu.Unlock()
	if _, err := h.store(moduletest.Event(t, 1).Record(), Quorum); err != nil {
		t.Error(err)
	}
}
