// Package chain is an Antelope chain of one contract, for tests and the local
// stack: the contract runs in wazero behind nodeos' intrinsics, transactions are
// judged and billed by nodeos' rules, and nodes answer its HTTP API in nodeos'
// shapes and with its codes. It shares no code with what talks to it.
//
// Blocks, irreversibility, forks and the faults of single nodes come on demand.
// Nothing is random: the same calls make the same chain.
package chain

import (
	"encoding/json"
	"net/http"
	"time"
)

// Options say what the chain is.
type Options struct {
	Account string              // the contract's; "eventseal" unless given
	Wasm    []byte              // the contract; host/anchor/contract's unless given
	ABI     []byte              // its ABI as JSON
	Keys    map[string][]string // permission → its keys, PUB_K1_…, each of which is enough; "owner" and "active" have none unless given
	Links   map[string]string   // action → the permission that is enough for it; others need "active"
	Start   time.Time           // of the first block; the beginning of 2026 unless given, with Auto now
	Lag     int                 // so many blocks the irreversible one is behind the head; 3 unless given, a negative one is 0
	Auto    bool                // a block each Interval; else blocks come by Produce alone
	// Interval is 500 ms unless given. A shorter one lets the chain's own clock run
	// ahead, as each block is half a second later than the last.
	Interval time.Duration
	Limits   Limits
	Dir      string // where the blocks are kept for the next New with the same Dir; "" in memory alone
}

// Limits are what the account may use. Zero values are the defaults.
type Limits struct {
	RAM int64         // bytes; 1 MiB
	NET int64         // bytes in 24 h, as they decay; 1 GiB
	CPU time.Duration // in 24 h; an hour
	One time.Duration // processor time of one transaction; 150 ms
}

// A Chain is safe for concurrent use.
type Chain struct{}

// New makes a chain whose head is its first block, or goes on with the one in
// Options.Dir. Close ends it.
func New(o Options) (*Chain, error) { panic("chain: New") }

// Close ends the nodes' listeners and the making of blocks.
func (c *Chain) Close() error { panic("chain: Close") }

// ID is the chain id in hexadecimal.
func (c *Chain) ID() string { panic("chain: ID") }

// Produce makes n blocks, each half a second later than the one before. What waits
// is in the first of them.
func (c *Chain) Produce(n int) { panic("chain: Produce") }

// Advance lets time pass without a block, as when producers miss their slots: the
// next block is so much later than it would be.
func (c *Chain) Advance(d time.Duration) { panic("chain: Advance") }

// What becomes of the transactions of blocks that a fork drops.
type Fate bool

const (
	Drop Fate = false // they are lost
	Keep Fate = true  // they wait to get into a block again
)

// Fork drops the last depth blocks in favour of a branch of depth+1 empty ones.
// It is an error when one of them is irreversible.
func (c *Chain) Fork(depth int, f Fate) error { panic("chain: Fork") }

// SetLag sets how far the irreversible block is behind the head. It never goes back.
func (c *Chain) SetLag(n int) { panic("chain: SetLag") }

// HoldLIB lets the irreversible block stay where it is.
func (c *Chain) HoldLIB(on bool) { panic("chain: HoldLIB") }

// SetAuto begins or ends the making of a block each interval.
func (c *Chain) SetAuto(on bool) { panic("chain: SetAuto") }

// SetLimits sets what the account may use; zero values leave a limit as it is.
func (c *Chain) SetLimits(l Limits) { panic("chain: SetLimits") }

// Act puts an action on the contract's own account into the next block as if its
// owner had signed it: for what somebody else does. The error is the chain's refusal.
func (c *Chain) Act(action string, data []byte) (id string, err error) { panic("chain: Act") }

// Deploy gives the account another contract, in the next block's state already.
func (c *Chain) Deploy(wasm, abi []byte) error { panic("chain: Deploy") }

// A Block is one of the chain.
type Block struct {
	Num  uint32
	ID   string
	Time time.Time
}

// Head is the newest block.
func (c *Chain) Head() Block { panic("chain: Head") }

// LIB is the last irreversible block.
func (c *Chain) LIB() Block { panic("chain: LIB") }

// Rows returns a table's rows in the head's state, ascending, as get_table_rows does.
func (c *Chain) Rows(table string) []json.RawMessage { panic("chain: Rows") }

// A Transaction is one that is in a block of the chain, or waits for one.
type Transaction struct {
	ID      string `json:"id"`
	Block   uint32 `json:"block"` // 0 while it waits
	Status  string `json:"status"`
	Actions int    `json:"actions"`
	NET     int64  `json:"net_bytes"`
	CPU     int64  `json:"cpu_us"`
	RAM     int64  `json:"ram_bytes"` // by which the account's use changed
	Packed  []byte `json:"-"`
}

// Transactions returns those of the blocks that the chain still has, in their order, then
// those that wait. One that a fork dropped is not among them.
func (c *Chain) Transactions() []Transaction { panic("chain: Transactions") }

// An Account is what the contract's uses, at the head.
type Account struct {
	RAM, NET int64 // bytes
	CPU      time.Duration
	Limits   Limits
}

// Account returns what the contract's account uses.
func (c *Chain) Account() Account { panic("chain: Account") }

// Node returns the node of a number, which is made when it is first asked for.
func (c *Chain) Node(i int) *Node { panic("chain: Node") }

// Balanced is an endpoint that asks the nodes in turn, a request each.
func (c *Chain) Balanced(nodes ...*Node) http.Handler { panic("chain: Balanced") }

// Key returns the K1 key pair that follows from a seed, as texts: PVT_K1_…, PUB_K1_….
func Key(seed string) (private, public string) { panic("chain: Key") }
