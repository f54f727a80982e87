// Package chain is an Antelope chain of one account with one contract, for tests
// and the local stack: the contract runs in wazero behind nodeos' intrinsics,
// transactions are judged and billed by nodeos' rules, and nodes answer its HTTP
// API in nodeos' shapes and with its codes. It shares no code with what talks to it.
//
// Blocks, irreversibility, forks and the faults of single nodes come on demand.
// Nothing is random: the same calls make the same chain. What is real is the time that
// transactions take, which is billed.
//
// What it leaves out: contracts of other accounts, keys that are not K1, thresholds
// above one, inline and deferred actions, context-free data, secondary indexes, and what
// producers do among each other.
//
// A chain in another process (command testchain) has its control beside the API of each node:
//
//	POST /test/produce  {"blocks":1}
//	POST /test/advance  {"seconds":130}             time without blocks
//	POST /test/fork     {"depth":2,"keep":false}
//	POST /test/lib      {"lag":3,"hold":true}
//	POST /test/auto     {"on":false}                 blocks by the clock
//	POST /test/limits   {"ram_bytes":20000}          and net_bytes, cpu_ns, one_ns
//	POST /test/act      {"action":"post","data":"…"} as if the account's owner had signed it; data in hexadecimal
//	POST /test/node     {"node":0,"view":"","outage":"","forget":0,"refuse":0,"code":3080004,"delay_ms":0,"strings":false,"heads":false}
//	GET  /test/state
//
// All fields may be left out, and change nothing then. view is "follow", "frozen" or "stranded"; outage "up", "refused",
// "502", "503" or "silent". Each answers the state, as GET does; 400 and a line of text is a refusal.
package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/anchor/contract"
)

// Options say what the chain is.
type Options struct {
	Account string              // the contract's; "eventseal" unless given
	Wasm    []byte              // the contract; host/anchor/contract's unless given
	ABI     []byte              // its ABI as JSON
	Keys    map[string][]string // permission → its keys, PUB_K1_…, each of which is enough; "owner" and "active" have none unless given
	Links   map[string]string   // action → the permission that is enough for it; others need "active"
	Others  map[string]string   // further accounts without a contract → the one key of their permissions owner and active
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
	RAM int64         `json:"ram_bytes"` // 1 MiB
	NET int64         `json:"net_bytes"` // in 24 h, as they decay; 1 GiB
	CPU time.Duration `json:"cpu_ns"`    // in 24 h, as it decays; an hour
	// One is the processor time of one transaction; 10 s, so that no slow machine
	// decides a test, where chains have 150 ms.
	One time.Duration `json:"one_ns"`
}

func (l *Limits) fill(from Limits) {
	for _, f := range []struct{ to, from *int64 }{{&l.RAM, &from.RAM}, {&l.NET, &from.NET}, {(*int64)(&l.CPU), (*int64)(&from.CPU)}, {(*int64)(&l.One), (*int64)(&from.One)}} {
		if *f.to == 0 {
			*f.to = *f.from
		}
	}
}

// A Chain is safe for concurrent use.
type Chain struct {
	o           Options
	self        name
	permissions map[name]authority
	others      map[name]authority
	links       map[name]name
	machine     *machine
	id          [32]byte
	born        uint32 // slot of the first block

	mu      sync.Mutex
	main    branch
	old     []*block // the irreversible ones from first on
	first   uint32
	kept    int // so many of them
	lag     int
	held    bool
	forks   int
	nodes   []*Node
	journal *journal
	stop    chan struct{} // ends the making of blocks; nil when there is none
	closed  bool
}

// New makes a chain whose head is its first block, or goes on with the one in
// Options.Dir. Close ends it.
func New(o Options) (*Chain, error) {
	if o.Account == "" {
		o.Account = "eventseal"
	}
	if o.Wasm == nil {
		o.Wasm, o.ABI = contract.Wasm, contract.ABI
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		if o.Auto {
			o.Start = time.Now()
		}
	}
	if o.Lag == 0 {
		o.Lag = 3
	}
	if o.Interval <= 0 {
		o.Interval = slotMs * time.Millisecond
	}
	o.Limits.fill(Limits{RAM: 1 << 20, NET: 1 << 30, CPU: time.Hour, One: 10 * time.Second})
	c := &Chain{o: o, lag: max(0, o.Lag), kept: keptBlocks}
	err := c.open()
	if err == nil {
		c.SetAuto(o.Auto)
		return c, nil
	}
	return nil, errors.Join(err, c.Close())
}

func (c *Chain) open() (err error) {
	if c.self, err = parseName(c.o.Account); err != nil {
		return err
	}
	if c.permissions, c.links, err = authorities(c.o.Keys, c.o.Links); err != nil {
		return err
	}
	if c.others, err = strangers(c.o.Others); err != nil {
		return err
	}
	if c.machine, err = newMachine(); err != nil {
		return err
	}
	if c.o.Dir != "" {
		return c.resume()
	}
	return c.genesis(c.o.Start, c.o.Wasm, c.o.ABI)
}

// genesis makes the first block.
func (c *Chain) genesis(start time.Time, wasm, abi []byte) error {
	code, err := c.contract(wasm, abi)
	if err != nil {
		return err
	}
	code.sequence = 1
	slot := slotOf(start)
	c.born = slot
	c.id = sha256.Sum256(fmt.Appendf(nil, "a test chain of %s since %s", c.o.Account, timeText(slotTime(slot))))
	st := state{code: code, ram: c.accountRAM(code)}
	b := newBlock(nil, slot, systemName, nil, nil, st)
	c.main = branch{head: b, lib: b, state: st, ahead: st}
	c.old, c.first = []*block{b}, 1
	return nil
}

func (c *Chain) contract(wasm, text []byte) (*code, error) {
	a, err := parseABI(text)
	if err != nil {
		return nil, err
	}
	return c.machine.load(wasm, a)
}

// Close ends the nodes' listeners and the making of blocks.
func (c *Chain) Close() error {
	c.SetAuto(false)
	c.mu.Lock()
	nodes, journal, was := c.nodes, c.journal, c.closed
	c.closed = true
	c.mu.Unlock()
	if was {
		return nil
	}
	var errs []error
	for _, n := range nodes {
		errs = append(errs, n.close())
	}
	if journal != nil {
		errs = append(errs, journal.close())
	}
	if c.machine != nil {
		errs = append(errs, c.machine.close())
	}
	return errors.Join(errs...)
}

// ID is the chain id in hexadecimal.
func (c *Chain) ID() string { return hex.EncodeToString(c.id[:]) }

// A Block is one of the chain.
type Block struct {
	Num  uint32    `json:"num"`
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
}

func (b *block) told() Block {
	return Block{Num: b.num, ID: hex.EncodeToString(b.id[:]), Time: slotTime(b.slot)}
}

// Head is the newest block.
func (c *Chain) Head() Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.main.head.told()
}

// LIB is the last irreversible block.
func (c *Chain) LIB() Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.main.lib.told()
}

// Rows returns a table's rows in the head's state, ascending, as get_table_rows does.
func (c *Chain) Rows(table string) []json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, err := c.main.state.all(c.self, table)
	if err != nil {
		panic(err) // no table of the contract's
	}
	return rows
}

// A Transaction is one that is in a block of the chain, or waits for one.
type Transaction struct {
	ID      string `json:"id"`
	Block   uint32 `json:"block"` // 0 while it waits
	Actions int    `json:"actions"`
	NET     int64  `json:"net_bytes"`
	CPU     int64  `json:"cpu_us"`
	RAM     int64  `json:"ram_bytes"` // by which the account's use changed
	Packed  []byte `json:"-"`
}

// Transactions returns those of the blocks that the chain still has, in their order, then
// those that wait. One that a fork dropped is not among them.
func (c *Chain) Transactions() []Transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []Transaction{}
	for num := c.first; num <= c.main.head.num; num++ {
		b := c.find(&c.main, num)
		for _, d := range b.done {
			list = append(list, Transaction{ID: hex.EncodeToString(d.tx.id[:]), Block: num, Actions: len(d.tx.tx.actions), NET: d.net, CPU: d.cpu, RAM: d.ram, Packed: d.tx.raw})
		}
	}
	for _, t := range c.main.pending {
		list = append(list, Transaction{ID: hex.EncodeToString(t.id[:]), Actions: len(t.tx.actions), Packed: t.raw})
	}
	return list
}

// An Account is what the contract's uses, at the head.
type Account struct {
	RAM    int64         `json:"ram_bytes"`
	NET    int64         `json:"net_bytes"`
	CPU    time.Duration `json:"cpu_ns"`
	Limits Limits        `json:"limits"`
}

// Account returns what the contract's account uses.
func (c *Chain) Account() Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	st, slot := &c.main.state, c.main.head.slot
	net, cpu := st.net.at(slot), st.cpu.at(slot)
	return Account{RAM: st.ram, NET: net.used(), CPU: time.Duration(cpu.used()) * time.Microsecond, Limits: c.o.Limits}
}
