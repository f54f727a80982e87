package chain

import (
	"slices"
	"time"
)

// A branch is what a node follows: a head, what is irreversible, and what waits
// for the next block. The chain has one, and so has a node that is cut off.
type branch struct {
	head, lib *block
	state     state // after head; its block may have dropped it
	skip      uint32
	pending   []*signed
	ahead     state // after what is pending
}

// keptBlocks is how many irreversible blocks can be asked for: more than a
// transaction may refer to, as with block-log-retain-blocks.
const keptBlocks = 1 << 17

// next is the slot of the branch's next block. A branch that is cut off knows the time, too.
func (c *Chain) next(b *branch) uint32 {
	slot := b.head.slot + 1 + b.skip
	if c.stop != nil { // by the clock
		slot = max(slot, slotOf(time.Now()))
	}
	if b != &c.main {
		slot = max(slot, c.next(&c.main))
	}
	return slot
}

// find returns the block of a number, nil if the branch has none or it is no longer
// kept.
func (c *Chain) find(b *branch, num uint32) *block {
	if num < c.first || num > b.head.num {
		return nil
	}
	if num <= b.lib.num {
		return c.old[num-c.first]
	}
	at := b.head
	for at != nil && at.num > num {
		at = at.prev
	}
	return at
}

// place is where a transaction of the branch is executed, in its next block.
func (c *Chain) place(b *branch, slot uint32) place {
	return place{num: b.head.num + 1, slot: slot, prefix: func(ref uint16) uint32 {
		// The newest block whose number ends so; of one that never was nodeos knows a zero id.
		back := uint32(uint16(b.head.num) - ref)
		if back >= b.head.num {
			return 0
		}
		if at := c.find(b, b.head.num-back); at != nil {
			return at.prefix()
		}
		return 0
	}}
}

// accept judges a transaction on top of what is pending, and keeps it for the next block.
func (c *Chain) accept(b *branch, t *signed) (outcome, *Error) {
	slot := c.next(b)
	o, refused := c.judge(t, begun(b.ahead, slot), c.place(b, slot))
	if refused == nil {
		b.ahead = o.state
		b.pending = append(b.pending, t)
	}
	return o, refused
}

// begun is a state as a block of a slot begins with it.
func begun(st state, slot uint32) state {
	st.forget(slot)
	return st
}

// grow makes the branch's next block of what is pending and still passes; what
// has no room stays.
func (c *Chain) grow(b *branch, slot uint32, producer name) {
	at := c.place(b, slot)
	st := begun(b.state, slot)
	var list []done
	var actions []acted
	room := int64(maxBlockNET)
	for len(b.pending) > 0 {
		t := b.pending[0]
		if need := (netBytes(t) + 7) / 8 * 8; need > room {
			break
		}
		b.pending = b.pending[1:]
		o, refused := c.judge(t, st, at)
		if refused != nil {
			continue
		}
		st = o.state
		room -= o.net
		list = append(list, done{tx: t, cpu: o.cpu, net: o.net, ram: o.ram})
		actions = append(actions, o.actions...)
	}
	b.head = newBlock(b.head, slot, producer, list, actions, st)
	b.state = st
}

// rejudge drops what is pending and does not pass any more.
func (c *Chain) rejudge(b *branch) {
	at := c.place(b, c.next(b))
	b.ahead = begun(b.state, at.slot)
	b.pending = slices.DeleteFunc(slices.Clone(b.pending), func(t *signed) bool {
		o, refused := c.judge(t, b.ahead, at)
		if refused == nil {
			b.ahead = o.state
		}
		return refused != nil
	})
}

// settle makes irreversible what is the lag behind the head. States before it
// are nobody's any more, and neither are the oldest blocks.
func (c *Chain) settle() {
	b := &c.main
	if c.held {
		return
	}
	to := int64(b.head.num) - int64(c.lag)
	if to <= int64(b.lib.num) {
		return
	}
	from := b.lib
	lib := c.find(b, uint32(to))
	settled := make([]*block, 0, lib.num-from.num)
	for at := lib; at != from; at = at.prev {
		settled = append(settled, at)
	}
	slices.Reverse(settled)
	c.old = append(c.old, settled...)
	for at := lib.prev; at != nil && at.state != nil; at = at.prev {
		at.state = nil
	}
	b.lib = lib
	if over := len(c.old) - c.kept; over > c.kept/8 {
		c.old = slices.Clone(c.old[over:])
		c.first += uint32(over)
		c.old[0].prev = nil
	}
}
