package chain

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Produce makes n blocks, each half a second later than the one before. What waits
// is in the first of them, as far as it has room for it.
func (c *Chain) Produce(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.produce()
	}
}

// produce needs c.mu.
func (c *Chain) produce() {
	b := &c.main
	slot := c.next(b)
	for _, n := range c.nodes {
		if n.stranded {
			c.grow(n.own, slot, strandedName)
			c.rejudge(n.own)
		}
	}
	c.grow(b, slot, systemName)
	b.skip = 0
	c.rejudge(b)
	c.journal.block(b.head)
	c.settle()
}

var strandedName = mustName("stranded")

// Advance lets time pass without a block, as when producers miss their slots: the
// next block is so much later than it would be.
func (c *Chain) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.main.skip += uint32(d / (slotMs * time.Millisecond))
	c.rejudge(&c.main)
}

// A Fate is what becomes of the transactions of blocks that a fork drops.
type Fate bool

const (
	Drop Fate = false // they are lost
	Keep Fate = true  // they wait to get into a block again
)

// Fork drops the last depth blocks in favour of a branch of depth+1 empty ones, by another
// producer. It is an error when one of them is irreversible.
func (c *Chain) Fork(depth int, f Fate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.main
	if depth < 1 || int64(depth) > int64(b.head.num)-int64(b.lib.num) {
		return fmt.Errorf("chain: the last %d blocks cannot be dropped: the head is %d, and %d is irreversible", depth, b.head.num, b.lib.num)
	}
	var lost []*signed
	var slots []uint32
	last := b.head.slot
	for range depth {
		slots = append(slots, b.head.slot)
		for _, d := range slices.Backward(b.head.done) {
			lost = append(lost, d.tx)
		}
		b.head = b.head.prev
	}
	b.state = *b.head.state
	waits := b.pending
	if f == Keep {
		slices.Reverse(lost)
		waits = append(lost, waits...)
	}
	c.forks++
	c.journal.fork(depth)
	producer := systemName + name(c.forks)<<4 // another name, and so other ids
	b.pending = nil
	slices.Reverse(slots)
	for _, slot := range append(slots, last+1) {
		c.grow(b, slot, producer)
		c.journal.block(b.head)
	}
	b.pending = waits
	c.rejudge(b)
	c.settle()
	return nil
}

// SetLag sets how far the irreversible block is behind the head. It never goes back.
func (c *Chain) SetLag(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag = max(0, n)
	c.settle()
}

// HoldLIB lets the irreversible block stay where it is.
func (c *Chain) HoldLIB(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = on
	c.settle()
}

// SetAuto begins or ends the making of a block each interval.
func (c *Chain) SetAuto(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !on {
		if c.stop != nil {
			close(c.stop)
			c.stop = nil
		}
		return
	}
	if c.stop != nil || c.closed {
		return
	}
	stop := make(chan struct{})
	c.stop = stop
	go func() {
		tick := time.NewTicker(c.o.Interval)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			c.mu.Lock()
			if c.stop == stop {
				c.produce()
			}
			c.mu.Unlock()
		}
	}()
}

// SetLimits sets what the account may use; zero values leave a limit as it is.
func (c *Chain) SetLimits(l Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.fill(c.o.Limits)
	c.o.Limits = l
}

// Act puts an action on the contract's own account into the next block as if the key that
// signs it were its owner's: for what somebody else does. The error is the chain's refusal.
func (c *Chain) Act(act string, data []byte) (id string, err error) {
	n, err := parseName(act)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.main
	t := &signed{trusted: true, compression: "none", tx: transaction{
		expiration: uint32(slotTime(c.next(b)).Unix()) + 60,
		refNum:     uint16(b.head.num),
		refPrefix:  b.head.prefix(),
		actions:    []action{{account: c.self, name: n, auth: []permission{{c.self, ownerName}}, data: bytes.Clone(data)}},
	}}
	t.raw = packTransaction(t.tx)
	t.sent, t.id = t.raw, sha256.Sum256(t.raw)
	secret := sha256.Sum256([]byte("who acts"))
	t.sigs = [][]byte{sign(secret[:], c.digest(t.raw))}
	t.signatures = []string{text("SIG_K1_", t.sigs[0])}
	if _, refused := c.accept(b, t); refused != nil {
		return "", refused
	}
	return fmt.Sprintf("%x", t.id), nil
}

// Deploy gives the account another contract, from the head on.
func (c *Chain) Deploy(wasm, abi []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.deploy(wasm, abi); err != nil {
		return err
	}
	c.journal.deploy(wasm, abi)
	return nil
}

// deploy needs c.mu.
func (c *Chain) deploy(wasm, abi []byte) error {
	b := &c.main
	next, err := c.contract(wasm, abi)
	if err != nil {
		return err
	}
	was := b.state.code
	if next.digest == was.digest {
		return fault(codeExactCode, "contract is already running this version of code")
	}
	next.sequence = was.sequence + 1
	b.state.code = next
	b.state.ram += c.accountRAM(next) - c.accountRAM(was)
	after := b.state
	b.head.state = &after
	c.rejudge(b)
	return nil
}
