package witness

import (
	"testing"

	"github.com/eventseal/eventseal/host/tile/tiletest"
	"github.com/eventseal/eventseal/servers"
)

// Our client gets on with a witness that is not ours.
func TestLitewitness(t *testing.T) {
	l, k := tiletest.New(t, origin), newKey(t)
	l.Grow(1000, 0)
	s := servers.Litewitness(t, k.Name, k.private, l.Key.String())
	// The second begins knowing nothing, and the first is behind then.
	if err := ask(t, s.URL(), k.Public(), l, 1, 1, 255, 256, 700); err != nil {
		t.Error(err)
	}
	c, err := NewClient(s.URL(), k.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{800, 801} {
		if err := askFor(t, c, l, size); err != nil {
			t.Error(err)
		}
	}
	s.Stop()
	if err := askFor(t, c, l, 900); err == nil {
		t.Error("a witness that does not run has cosigned")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := askFor(t, c, l, 1000); err != nil {
		t.Error(err)
	}
	if err := askFor(t, c, l, 900); err == nil {
		t.Error("a smaller head was cosigned")
	}
	fork := l.Fork(900)
	fork.Grow(1100, 1)
	if err := askFor(t, c, fork, 1100); err == nil {
		t.Error("a split view was cosigned")
	}
	unknown := tiletest.New(t, origin)
	unknown.Grow(2000, 0)
	if err := askFor(t, c, unknown, 2000); err == nil {
		t.Error("a log's head by an unknown key was cosigned")
	}
}
