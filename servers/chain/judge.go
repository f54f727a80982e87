package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A signed transaction is one as it was sent.
type signed struct {
	id          [32]byte
	raw         []byte // packed, as it is hashed
	sent        []byte // the same, or compressed
	compression string
	signatures  []string
	sigs        [][]byte // the signatures' 65 bytes
	tx          transaction
	trusted     bool // whoever signed it may
}

// What nodeos allows (libraries/chain/include/eosio/chain/config.hpp).
const (
	maxLifetime = 3600 * time.Second
	minCPU      = 100 // µs
	leewayCPU   = 31 * time.Millisecond
	leewayNET   = 500
	maxNET      = 512 << 10 // of a transaction
	maxBlockNET = 1 << 20
)

// A place is where a transaction is executed: on a branch, in a block to come.
type place struct {
	num    uint32
	slot   uint32
	prefix func(ref uint16) uint32 // of the newest block with such a number
	billed int64                   // µs, of one that was in a block before and is only done again
}

// An outcome is what became of a transaction, and the state after it.
type outcome struct {
	state    state
	cpu, net int64 // billed: µs, bytes
	ram      int64
	elapsed  time.Duration
	actions  []acted
}

// An acted is what one action did.
type acted struct {
	action  action
	receipt receipt
	ram     int64
	elapsed time.Duration
}

// A receipt is one action's (action_receipt.hpp).
type receipt struct {
	digest   [32]byte
	global   uint64
	received uint64
	auth     uint64
	code     uint64
}

// judge executes a transaction upon a state as nodeos does, in its order
// (producer_plugin.cpp, controller.cpp, transaction_context.cpp). Either all of it
// is done or nothing.
func (c *Chain) judge(t *signed, st state, at place) (outcome, *Error) {
	if at.billed > 0 {
		return c.redo(t, st, at)
	}
	start := time.Now()
	keys, refused := c.recover(t)
	if refused != nil {
		return outcome{}, refused
	}
	// Half of the time that signatures take is billed.
	start = start.Add(time.Since(start) / 2)
	if refused := c.admissible(t, &st, at); refused != nil {
		return outcome{}, refused
	}
	limits := c.limit(t, &st, at, start)
	if refused := limits.early(t); refused != nil {
		return outcome{}, refused
	}
	if !t.trusted {
		if refused := c.authorize(t.tx.actions, keys); refused != nil {
			return outcome{}, refused
		}
	}
	o, err := c.execute(t, st, at.slot, limits.deadline)
	if errors.Is(err, errLate) {
		return outcome{}, limits.late(t)
	}
	if errors.As(err, &refused) {
		return outcome{}, refused
	}
	// A transaction that takes more RAM than it gives back in any of its actions
	// must leave the account within its quota.
	grew := slices.ContainsFunc(o.actions, func(a acted) bool { return a.ram > 0 })
	if grew && o.state.ram > c.o.Limits.RAM {
		return outcome{}, fault(codeRAM, "account %s has insufficient ram; needs %d bytes has %d bytes", c.o.Account, o.state.ram, c.o.Limits.RAM)
	}
	o.elapsed = time.Since(start)
	if o.cpu, refused = limits.bill(o.elapsed); refused != nil {
		return outcome{}, refused
	}
	c.use(t, &o, limits.net, at.slot)
	return o, nil
}

// redo is judge for what was judged before, and billed.
func (c *Chain) redo(t *signed, st state, at place) (outcome, *Error) {
	o, err := c.execute(t, st, at.slot, time.Now().Add(time.Minute))
	var refused *Error
	if errors.As(err, &refused) {
		return outcome{}, refused
	} else if err != nil {
		return outcome{}, fault(codeDeadline, "%v", err)
	}
	o.cpu = at.billed
	c.use(t, &o, (netBytes(t)+7)/8*8, at.slot)
	return o, nil
}

// use bills NET and CPU to who pays.
func (c *Chain) use(t *signed, o *outcome, net int64, slot uint32) {
	o.net = net
	if c.pays(t) {
		o.state.net.add(o.net, slot)
		o.state.cpu.add(o.cpu, slot)
	}
}

// execute does all actions upon a state.
func (c *Chain) execute(t *signed, st state, slot uint32, deadline time.Time) (outcome, error) {
	o := outcome{state: st}
	o.state.seen = st.seen.with(seenKey(t.tx.expiration, t.id), struct{}{})
	for _, a := range t.tx.actions {
		done, err := c.act(&o.state, a, slot, deadline)
		if err != nil {
			return outcome{}, err
		}
		o.actions = append(o.actions, done)
		o.ram += done.ram
	}
	return o, nil
}

// digest is what the signatures of a packed transaction are over.
func (c *Chain) digest(raw []byte) [32]byte {
	noContextFree := make([]byte, 32)
	return sha256.Sum256(slices.Concat(c.id[:], raw, noContextFree))
}

// recover returns the keys that signed a transaction.
func (c *Chain) recover(t *signed) ([]string, *Error) {
	if t.trusted {
		return nil, nil
	}
	digest := c.digest(t.raw)
	var keys []string
	for _, sig := range t.sigs {
		key, err := recoverKey(sig, digest)
		switch {
		case err != nil && strings.Contains(err.Error(), "canonical"):
			return nil, fault(codeAssertException, "%v", err)
		case err != nil:
			return nil, fault(codeGeneric, "%v", err)
		case slices.Contains(keys, key):
			return nil, fault(codeDuplicateSig, "transaction includes more than one signature signed using the same key associated with public key: %s", key)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys, nil
}

// admissible checks what does not need the contract.
func (c *Chain) admissible(t *signed, st *state, at place) *Error {
	tx, now := &t.tx, slotTime(at.slot)
	expiration := time.Unix(int64(tx.expiration), 0)
	id := hex.EncodeToString(t.id[:])
	if expiration.Before(now) {
		return fault(codeExpired, "expired transaction %s, expiration %s, block time %s", id, secondText(tx.expiration), timeText(now))
	}
	if _, known := st.seen.get(seenKey(tx.expiration, t.id)); known {
		return fault(codeDuplicate, "duplicate transaction %s", id)
	}
	if tx.netWords >= 1<<32/8-1 {
		return fault(codeTransaction, "declared max_net_usage_words overflows when expanded to max net usage")
	}
	if tx.delay != 0 {
		return fault(codeTransaction, "transaction cannot be delayed")
	}
	if tx.extensions > 0 {
		return fault(codeSubjective, "no transaction extensions supported yet for input transactions")
	}
	if expiration.After(now.Add(maxLifetime)) {
		return fault(codeTooFar, "Transaction expiration is too far in the future relative to the reference time of %s, expiration is %s and the maximum transaction lifetime is %d seconds",
			timeText(now), secondText(tx.expiration), int(maxLifetime.Seconds()))
	}
	if at.prefix(tx.refNum) != tx.refPrefix && !t.trusted {
		return fault(codeReference, "Transaction's reference block did not match. Is this transaction from a different fork?")
	}
	authorized := false
	for _, a := range slices.Concat(tx.contextFree, tx.actions) {
		if !c.account(a.account) {
			return fault(codeTransaction, "action's code account '%v' does not exist", a.account)
		}
		for _, p := range a.auth {
			authorized = true
			if !c.account(p.Actor) {
				return fault(codeTransaction, "action's authorizing actor '%v' does not exist", p.Actor)
			}
			if _, ok := c.authority(p); !ok {
				return fault(codeTransaction, "action's authorizations include a non-existent permission: %v", p)
			}
		}
	}
	if !authorized {
		return fault(codeNoAuths, "transaction must have at least one authorization")
	}
	if len(tx.contextFree) > 0 {
		return fault(codeUnaccessible, "only context free api's can be used in this context")
	}
	return nil
}

// act executes one action, in a state that the caller throws away when it fails.
func (c *Chain) act(st *state, a action, slot uint32, deadline time.Time) (acted, error) {
	start := time.Now()
	x := &execution{state: st, self: c.self, act: a, slot: slot}
	if a.account == c.self { // the others have no contract
		if err := c.machine.apply(x, deadline); err != nil {
			return acted{}, err
		}
	}
	st.actions++
	r := receipt{digest: actionDigest(a), global: st.actions, received: st.actions, auth: st.actions, code: st.code.sequence}
	return acted{action: a, receipt: r, ram: x.ram, elapsed: time.Since(start)}, nil
}

// actionDigest is generate_action_digest of action.hpp, of an action that
// returned nothing.
func actionDigest(a action) [32]byte {
	base := sha256.Sum256(packBase(nil, a))
	data := binary.AppendUvarint(nil, uint64(len(a.data)))
	data = append(append(data, a.data...), 0)
	rest := sha256.Sum256(data)
	return sha256.Sum256(append(base[:], rest[:]...))
}

func (p permission) String() string {
	return fmt.Sprintf(`{"actor":"%v","permission":"%v"}`, p.Actor, p.Permission)
}
