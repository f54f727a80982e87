package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/servers/chain"
	"github.com/eventseal/eventseal/wasm/digest"
)

const (
	anchorSection = "The anchor, a test chain with a block every 5 ms, all on the same cores"
	anchorAccount = "eventseal"
	anchorTime    = 3 * time.Second // of each task
	block         = 5 * time.Millisecond
)

// anchorRows are how fast heads and single events get onto a chain, beside
// others who post the same actions, and what the chain bills for them.
func anchorRows(o options) (rows []row, err error) {
	ctx := context.Background()
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	defer dir.remove()
	pool, err := module.Open(ctx, module.Config{Instances: 2})
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	fmt.Fprintln(os.Stderr, "bench: signing events …")
	events, err := manyEvents(ctx, o.events)
	if err != nil {
		return nil, err
	}
	var bills []bill
	for _, task := range []struct {
		name  string
		kind  string
		batch int
	}{
		{"host/anchor: heads, in the journal before they are sent", "heads", 1},
		{"host/anchor: single events, one a transaction", "events", 1},
		{"host/anchor: single events, 48 a transaction (the default)", "events", 48},
	} {
		fmt.Fprintf(os.Stderr, "bench: %s …\n", task.name)
		got, billed, err := anchored(ctx, filepath.Join(dir.path, strconv.Itoa(len(bills))), pool, events, task.kind, task.batch)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", task.name, err)
		}
		bills = append(bills, billed)
		rows = append(rows, row{section: anchorSection, name: task.name, value: got, unit: perSecond})
	}
	fmt.Fprintln(os.Stderr, "bench: eosjs, wharfkit …")
	peers, err := anchorPeers()
	if err != nil {
		return rows, err
	}
	for i := range rows {
		rows[i].note = fmt.Sprintf("%.2f of %s; final as the host sees it, each transaction waits for the block of the one before", rows[i].value/peers[i].value, peers[i].name)
	}
	return append(append(rows, peers...), costRows(o.prices, bills)...), nil
}

// newChain makes a chain for one task; key is of the permission that may post.
func newChain() (c *chain.Chain, key string, err error) {
	key, public := chain.Key("bench")
	c, err = chain.New(chain.Options{
		Account: anchorAccount, Keys: map[string][]string{"anchor": {public}}, Links: map[string]string{"post": "anchor", "event": "anchor"}, Auto: true, Interval: block,
		Limits: chain.Limits{NET: 1 << 40, CPU: 1000 * time.Hour, One: 10 * time.Second},
	})
	return c, key, err
}

// A growingLog has a new head whenever it is asked, up to as many events as there are.
type growingLog struct{ size, last atomic.Uint64 }

func (l *growingLog) Head() (c checkpoint.Checkpoint, ok bool) {
	size := min(l.size.Add(1), l.last.Load())
	root, _ := l.Root(context.Background(), size)
	return checkpoint.Checkpoint{Origin: "bench/log/1", Size: size, Root: root}, size > 0
}

func (l *growingLog) Root(_ context.Context, size uint64) (digest.Hash, error) {
	return sha256.Sum256(fmt.Append(nil, size)), nil
}

func (l *growingLog) Consistency(context.Context, uint64, uint64) ([]digest.Hash, error) {
	return nil, errors.New("bench: nobody asks for proofs")
}

// anchored lets an anchor work for a while and returns how many of a kind
// became final in a second, and what the chain billed.
func anchored(ctx context.Context, path string, pool *module.Pool, events [][]byte, kind string, batch int) (perSecond float64, b bill, err error) {
	c, key, err := newChain()
	if err != nil {
		return 0, b, err
	}
	defer c.Close()
	j, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return 0, b, err
	}
	defer j.Close()
	client, err := antelope.NewClient(antelope.Options{Endpoints: []string{c.Node(0).URL()}})
	if err != nil {
		return 0, b, err
	}
	contract, err := antelope.ParseName(anchorAccount)
	if err != nil {
		return 0, b, err
	}
	permission, err := antelope.ParseName("anchor")
	if err != nil {
		return 0, b, err
	}
	logs := &growingLog{}
	o := anchor.Options{
		Journal: j, Log: logs, Module: pool, Client: client, Contract: contract, Permission: permission, Key: []byte(key), Every: time.Nanosecond, Patience: time.Hour,
		Places: []replica.Place{{Name: "a", Counts: true}}, MinRedundancy: 1, Poll: time.Millisecond, Batch: batch, Logger: slog.New(slog.DiscardHandler),
	}
	if kind == "events" {
		o.Events = []string{"*"}
	}
	a, err := anchor.Open(ctx, o)
	if err != nil {
		return 0, b, err
	}
	defer a.Close()
	// The cursor of single events begins where the journal ends when they are first anchored.
	if err := wait(func() bool { return a.State(ctx).State == anchor.Anchoring }); err != nil {
		return 0, b, fmt.Errorf("%w: %s", err, a.State(ctx).Why)
	}
	if err := fill(ctx, j, pool, events); err != nil {
		return 0, b, err
	}
	if kind == "heads" {
		logs.last.Store(uint64(len(events)))
	}
	final := func() uint64 {
		s := a.State(ctx)
		of := &s.Heads
		if kind == "events" {
			of = s.Events
		}
		if of.Final == nil {
			return 0
		}
		return of.Final.Number + of.Final.Count - 1
	}
	if err := wait(func() bool { return final() > 0 }); err != nil {
		return 0, b, fmt.Errorf("%w: %s", err, a.State(ctx).Why)
	}
	before, began := final(), time.Now()
	for time.Since(began) < anchorTime && final() < uint64(len(events)) {
		time.Sleep(time.Millisecond)
	}
	after, took := final(), time.Since(began)
	return float64(after-before) / took.Seconds(), billOf(kind, batch, c.Transactions()), nil
}

// fill puts events into the journal as if they had their quorum.
func fill(ctx context.Context, j *sqlite.Journal, pool *module.Pool, events [][]byte) error {
	for part := range slices.Chunk(events, batchLines) {
		results, err := pool.VerifyBatch(ctx, part)
		if err != nil {
			return err
		}
		var vs []module.Verified
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
			vs = append(vs, r.Verified)
		}
		as, err := j.Admit(ctx, vs, []string{"a"})
		if err != nil {
			return err
		}
		for _, a := range as {
			j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", State: custody.Held})
		}
	}
	return j.Flush(ctx)
}

func wait(holds func() bool) error {
	for began := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			return errors.New("nothing happened for a minute")
		}
	}
	return nil
}

// anchorPeers has bench/node post the same to a chain of its own.
func anchorPeers() (rows []row, err error) {
	c, key, err := newChain()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out, err := inNode("anchor.mjs", c.Node(0).URL(), anchorAccount, "anchor", key, strconv.FormatFloat(anchorTime.Seconds(), 'f', 3, 64))
	if err != nil {
		return nil, err
	}
	names := map[string]string{"post1": "heads", "event1": "single events, one a transaction", "event48": "single events, 48 a transaction"}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var t struct {
			Peer, Action string
			Each         int
			Transactions int
			Seconds      float64
		}
		if err := json.Unmarshal(s.Bytes(), &t); err != nil {
			return nil, err
		}
		rows = append(rows, row{section: anchorSection, name: fmt.Sprintf("%s: %s", t.Peer, names[t.Action+strconv.Itoa(t.Each)]), value: float64(t.Transactions*t.Each) / t.Seconds, unit: perSecond,
			note: "taken by a node with 202, nothing looked at again"})
	}
	return rows, nil
}
