package contract_test

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/eventseal/eventseal/host/anchor/contract"
)

// A chain is as much of one as the contract sees: tables with nodeos' rules
// of iterators, and transactions that are done whole or not at all.
type chain struct {
	t       *testing.T
	runtime wazero.Runtime
	code    wazero.CompiledModule
	time    time.Time // of the block
	tables  map[uint64]map[uint64][]byte

	// Of the action that runs.
	receiver  uint64
	data      []byte
	by        []uint64
	iterators []iterator
	ends      []uint64 // tables; the end of ends[i] is iterator -2-i
}

type iterator struct{ table, primary uint64 }

// An action as it reaches a contract: code differs from receiver where the
// contract is only notified.
type action struct {
	receiver, code, name uint64
	by                   []uint64
	data                 []byte
}

func newChain(t *testing.T) *chain {
	ctx := t.Context()
	// The first WebAssembly alone: what a nodeos of any age reads.
	c := &chain{t: t, runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV1)), tables: map[uint64]map[uint64][]byte{}}
	t.Cleanup(func() { c.runtime.Close(context.Background()) })
	env := c.runtime.NewHostModuleBuilder("env")
	for name, f := range c.functions() {
		env.NewFunctionBuilder().WithFunc(f).Export(name)
	}
	if _, err := env.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	code, err := c.runtime.CompileModule(ctx, contract.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	c.code = code
	return c
}

// run does the actions as one transaction: after an error nothing was done.
func (c *chain) run(actions ...action) error {
	before := map[uint64]map[uint64][]byte{}
	for table, rows := range c.tables {
		before[table] = maps.Clone(rows)
	}
	for _, a := range actions {
		if err := c.apply(a); err != nil {
			c.tables = before
			return err
		}
	}
	return nil
}

// apply gives the action to a contract with a memory of its own.
func (c *chain) apply(a action) error {
	c.receiver, c.data, c.by, c.iterators, c.ends = a.receiver, a.data, a.by, nil, nil
	m, err := c.runtime.InstantiateModule(c.t.Context(), c.code, wazero.NewModuleConfig().WithName("")) // many have no name
	if err != nil {
		c.t.Fatal(err)
	}
	defer m.Close(c.t.Context())
	_, err = m.ExportedFunction("apply").Call(c.t.Context(), a.receiver, a.code, a.name)
	return err
}

// refuse ends the action; run gives its caller the error.
func refuse(why string) { panic(errors.New(why)) }

func (c *chain) functions() map[string]any {
	demand := func(holds bool, why string) {
		if !holds {
			refuse(why)
		}
	}
	own := func(account uint64) { demand(account == c.receiver, "db access violation") }
	at := func(i int32) iterator {
		demand(i >= 0 && int(i) < len(c.iterators), "invalid iterator")
		it := c.iterators[i]
		demand(c.tables[it.table][it.primary] != nil, "the row is gone")
		return it
	}
	keep := func(it iterator) int32 { c.iterators = append(c.iterators, it); return int32(len(c.iterators) - 1) }
	write := func(m api.Module, to uint32, b []byte) { demand(m.Memory().Write(to, b), "memory") }
	return map[string]any{
		"require_auth":     func(account uint64) { demand(slices.Contains(c.by, account), "missing authority") },
		"action_data_size": func() uint32 { return uint32(len(c.data)) },
		"current_time":     func() uint64 { return uint64(c.time.UnixMicro()) },
		"read_action_data": func(_ context.Context, m api.Module, to, size uint32) uint32 {
			n := min(int(size), len(c.data))
			write(m, to, c.data[:n])
			return uint32(n)
		},
		"eosio_assert": func(_ context.Context, m api.Module, holds, message uint32) {
			text, _ := m.Memory().Read(message, m.Memory().Size()-message)
			why, _, _ := strings.Cut(string(text), "\x00")
			demand(holds != 0, why)
		},
		"db_end_i64": func(code, scope, table uint64) int32 {
			own(code)
			own(scope)
			if len(c.tables[table]) == 0 {
				return -1 // there is no such table
			}
			c.ends = append(c.ends, table)
			return int32(-1 - len(c.ends))
		},
		"db_previous_i64": func(_ context.Context, m api.Module, i int32, primary uint32) int32 {
			demand(i < -1 && int(-2-i) < len(c.ends), "not an end")
			table := c.ends[-2-i]
			last := slices.Max(slices.Collect(maps.Keys(c.tables[table])))
			write(m, primary, binary.LittleEndian.AppendUint64(nil, last))
			return keep(iterator{table, last})
		},
		"db_find_i64": func(code, scope, table, primary uint64) int32 {
			own(code)
			own(scope)
			demand(c.tables[table][primary] != nil, "no such row")
			return keep(iterator{table, primary})
		},
		"db_get_i64": func(_ context.Context, m api.Module, i int32, to, size uint32) int32 {
			it := at(i)
			row := c.tables[it.table][it.primary]
			write(m, to, row[:min(int(size), len(row))])
			return int32(len(row))
		},
		"db_remove_i64": func(i int32) {
			it := at(i)
			delete(c.tables[it.table], it.primary)
		},
		"db_store_i64": func(_ context.Context, m api.Module, scope, table, payer, primary uint64, from, size uint32) int32 {
			own(scope)
			own(payer)
			row, ok := m.Memory().Read(from, size)
			demand(ok && c.tables[table][primary] == nil, "memory, or a row twice")
			if c.tables[table] == nil {
				c.tables[table] = map[uint64][]byte{}
			}
			c.tables[table][primary] = slices.Clone(row)
			return keep(iterator{table, primary})
		},
	}
}

// rows are a table's, in the order of their numbers.
func (c *chain) rows(table string) (rows [][]byte) {
	t := c.tables[name(table)]
	for _, primary := range slices.Sorted(maps.Keys(t)) {
		rows = append(rows, t[primary])
	}
	return rows
}

// name is the number of a name of at most twelve characters.
func name(text string) (n uint64) {
	for i, r := range text {
		n |= uint64(strings.IndexRune(".12345abcdefghijklmnopqrstuvwxyz", r)) << (59 - 5*i)
	}
	return n
}
