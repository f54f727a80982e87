package model

import (
	"errors"
	"sync"
)

// errKilled is what calls of a host get that was killed meanwhile: nobody will
// ever see it.
var errKilled = errors.New("model: the process was killed")

// A gate is what every call of one host to its places, and every step of its
// files, passes. Shut, it lets nobody through, so that the host stands still in
// the middle of whatever it does, and can be killed there.
type gate struct {
	mu    sync.Mutex
	left  int           // calls until it shuts; 0: it does not
	hit   chan struct{} // closed when it has shut
	shut  bool
	freed chan struct{} // closed by kill
	dead  bool
	calls int
	at    int // call that runs then; 0: none
	then  func()
}

func newGate() *gate { return &gate{hit: make(chan struct{}), freed: make(chan struct{})} }

// pass returns nil, or never before the host was killed.
func (g *gate) pass() error {
	g.mu.Lock()
	if g.dead {
		g.mu.Unlock()
		return errKilled
	}
	if g.calls++; g.calls == g.at {
		g.at = 0
		g.then()
	}
	if g.left > 0 {
		if g.left--; g.left == 0 {
			g.shut = true
			close(g.hit)
		}
	}
	shut := g.shut
	g.mu.Unlock()
	if shut {
		<-g.freed
		return errKilled
	}
	return nil
}

// arm has the n-th call from now shut the gate.
func (g *gate) arm(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = n
}

// disarm leaves the gate open, and reports whether it could: what stands before
// one that has shut may have been done by half.
func (g *gate) disarm() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = 0
	return !g.shut
}

// after has f called in the n-th call from now.
func (g *gate) after(n int, f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at, g.then = g.calls+n, f
}

// kill lets those who wait go, empty-handed, and nobody do anything any more.
func (g *gate) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.dead {
		g.dead = true
		close(g.freed)
	}
}

// ended reports whether the host was killed.
func (g *gate) ended() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}
