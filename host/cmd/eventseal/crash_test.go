package main

import (
	"flag"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

var (
	crashRounds = flag.Int("crash.rounds", 50, "how often TestKilled kills the host")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of TestKilled's moments, 0 for a new one")
)

// Clients store, singly and in batches, while the host is killed at random
// moments, some of them before it serves. Whatever it acknowledged is there
// after each start, and in the end in every replica.
func TestKilled(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-crash.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	data := filepath.Join(t.TempDir(), "data")
	p := newProcess(t, data)
	l := newLedger(t)
	for round := range *crashRounds {
		p.start()
		if round > 0 && random.IntN(6) == 0 {
			time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
			p.kill()
			continue
		}
		p.ready()
		l.served(p)
		stop := make(chan struct{})
		// No answer is a refusal here: the disk and the replicas are well.
		clients := l.run(p, stop, func(err error) { t.Errorf("round %d: refused: %v", round, err) })
		time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond)
		p.kill()
		close(stop)
		clients.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	p.start()
	p.ready()
	l.served(p)
	p.settled()
	p.stop()
	l.stored(data)
	if len(l.acked) < 10**crashRounds {
		t.Fatalf("only %d events were acknowledged: the test proves nothing", len(l.acked))
	}
	t.Logf("%d rounds, %d events acknowledged, %d others sent", *crashRounds, len(l.acked), len(l.sent)-len(l.acked))
}
