package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A journal is a file of lines: what the chain began with, then each block, fork
// and deployment, as they came. It is replayed at the next start. A line is not synced,
// so that a machine that loses its power may lose the newest blocks, and the chain goes back as
// none may; a process that is killed loses nothing that was in a block.
type journal struct{ file *os.File }

// A line is one of these.
type line struct {
	Genesis *genesisLine `json:"genesis,omitempty"`
	Block   *blockLine   `json:"block,omitempty"`
	Fork    int          `json:"fork,omitempty"` // so many blocks before this line are none
	Deploy  *deployLine  `json:"deploy,omitempty"`
}

type genesisLine struct {
	Account string    `json:"account"`
	Start   time.Time `json:"start"`
	deployLine
}

type deployLine struct {
	Wasm []byte          `json:"wasm"`
	ABI  json.RawMessage `json:"abi"`
}

type blockLine struct {
	Slot     uint32     `json:"slot"`
	Producer uint64     `json:"by,omitempty"`
	List     []doneLine `json:"list,omitempty"`
}

type doneLine struct {
	Sent        []byte   `json:"sent"`
	Compression string   `json:"compression,omitempty"`
	Signatures  []string `json:"signatures"`
	Trusted     bool     `json:"trusted,omitempty"`
	CPU         int64    `json:"cpu"`
}

// put writes a line. A chain that cannot keep its blocks must not go on.
func (j *journal) put(l line) {
	if j == nil {
		return
	}
	b, err := json.Marshal(l)
	if err == nil {
		_, err = j.file.Write(append(b, '\n'))
	}
	if err != nil {
		panic(fmt.Sprintf("chain: the journal: %v", err))
	}
}

func (j *journal) close() error { return j.file.Close() }

func (j *journal) block(b *block) {
	if j == nil {
		return
	}
	l := blockLine{Slot: b.slot}
	if b.producer != systemName {
		l.Producer = uint64(b.producer)
	}
	for _, d := range b.done {
		kept := doneLine{Sent: d.tx.sent, Signatures: d.tx.signatures, Trusted: d.tx.trusted, CPU: d.cpu}
		if d.tx.compression != "none" {
			kept.Compression = d.tx.compression
		}
		l.List = append(l.List, kept)
	}
	j.put(line{Block: &l})
}

func (j *journal) fork(depth int) { j.put(line{Fork: depth}) }

func (j *journal) deploy(wasm, abi []byte) { j.put(line{Deploy: &deployLine{wasm, abi}}) }

// resume begins the chain in Options.Dir, or goes on with it. A contract that is
// another one than the last is deployed.
func (c *Chain) resume() error {
	if err := os.MkdirAll(c.o.Dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(c.o.Dir, "blocks"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	j := &journal{file}
	kept, err := os.ReadFile(file.Name())
	if err == nil {
		// A last line that is not whole was never followed by anything.
		kept = kept[:bytes.LastIndexByte(kept, '\n')+1]
		err = file.Truncate(int64(len(kept)))
	}
	if err == nil && len(kept) == 0 {
		if err = c.genesis(c.o.Start, c.o.Wasm, c.o.ABI); err == nil {
			j.put(line{Genesis: &genesisLine{c.o.Account, slotTime(c.born), deployLine{c.o.Wasm, c.o.ABI}}})
		}
	} else if err == nil {
		err = c.replay(kept)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("chain: %s: %w", file.Name(), err), file.Close())
	}
	c.journal = j
	if len(kept) == 0 {
		return nil
	}
	var refused *Error
	if err := c.Deploy(c.o.Wasm, c.o.ABI); err != nil && !(errors.As(err, &refused) && refused.Code == codeExactCode) {
		return err
	}
	return nil
}

// replay makes the blocks again that stand.
func (c *Chain) replay(kept []byte) error {
	var stands []line
	for text := range bytes.Lines(kept) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		if l.Fork == 0 {
			stands = append(stands, l)
			continue
		}
		c.forks++
		// Whatever was deployed after a block that goes, goes with it.
		for n := l.Fork; n > 0; {
			if len(stands) < 2 {
				return errors.New("a fork drops more blocks than there are")
			}
			if stands[len(stands)-1].Block != nil {
				n--
			}
			stands = stands[:len(stands)-1]
		}
	}
	g := stands[0].Genesis
	if g == nil || g.Account != c.o.Account {
		return fmt.Errorf("it is not a chain of %s", c.o.Account)
	}
	if err := c.genesis(g.Start, g.Wasm, g.ABI); err != nil {
		return err
	}
	for i, l := range stands[1:] {
		var err error
		switch {
		case l.Block != nil:
			err = c.again(l.Block)
		case l.Deploy != nil:
			err = c.deploy(l.Deploy.Wasm, l.Deploy.ABI)
		}
		if err != nil {
			return fmt.Errorf("line %d of those that stand: %w", i+2, err)
		}
	}
	return nil
}

// again makes a block that was made before: what was in it passed then, and was billed.
func (c *Chain) again(l *blockLine) error {
	b := &c.main
	producer := name(l.Producer)
	if l.Producer == 0 {
		producer = systemName
	}
	at := c.place(b, l.Slot)
	st := begun(b.state, l.Slot)
	var list []done
	var actions []acted
	for _, kept := range l.List {
		if kept.Compression == "" {
			kept.Compression = "none"
		}
		t, refused := newSigned(kept.Sent, kept.Compression, kept.Signatures)
		if refused != nil {
			return refused
		}
		t.trusted = kept.Trusted
		at.billed = kept.CPU
		o, refused := c.judge(t, st, at)
		if refused != nil {
			return refused
		}
		st = o.state
		list = append(list, done{tx: t, cpu: o.cpu, net: o.net, ram: o.ram})
		actions = append(actions, o.actions...)
	}
	b.head = newBlock(b.head, l.Slot, producer, list, actions, st)
	b.state, b.ahead = st, st
	c.settle()
	return nil
}
