package chain

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// What is billed for a row beside its bytes, and for a table that has any
// (libraries/chain/include/eosio/chain/contract_table_objects.hpp).
const (
	rowBytes   = 112
	tableBytes = 112
)

// iterators are the handles of one action: of rows from 0, of the ends of tables
// from -2 down, -1 for nothing (apply_context.hpp, iterator_cache).
type iterators struct {
	rows   []string // keys; "" once removed
	byKey  map[string]int32
	tables []string
	ends   map[string]int32
}

func (i *iterators) row(key string) int32 {
	if n, ok := i.byKey[key]; ok {
		return n
	}
	if i.byKey == nil {
		i.byKey = map[string]int32{}
	}
	n := int32(len(i.rows))
	i.rows, i.byKey[key] = append(i.rows, key), n
	return n
}

func (i *iterators) end(table string) int32 {
	if n, ok := i.ends[table]; ok {
		return n
	}
	if i.ends == nil {
		i.ends = map[string]int32{}
	}
	n := -int32(len(i.tables)) - 2
	i.tables, i.ends[table] = append(i.tables, table), n
	return n
}

// key returns what an iterator of a row stands for.
func (i *iterators) key(n int32) string {
	switch {
	case n == -1:
		panic(fault(codeTableIterator, "invalid iterator"))
	case n < 0:
		panic(fault(codeTableIterator, "dereference of end iterator"))
	case int(n) >= len(i.rows):
		panic(fault(codeTableIterator, "iterator out of range"))
	case i.rows[n] == "":
		panic(fault(codeTableIterator, "dereference of deleted object"))
	}
	return i.rows[n]
}

// tableKey is a table's place in a state; the code is the account's alone.
func tableKey(scope, table uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], scope)
	binary.BigEndian.PutUint64(b[8:], table)
	return string(b[:])
}

func rowKey(table string, primary uint64) string {
	var b [24]byte
	copy(b[:], table)
	binary.BigEndian.PutUint64(b[16:], primary)
	return string(b[:])
}

func tableOf(key string) string   { return key[:16] }
func primaryOf(key string) uint64 { return binary.BigEndian.Uint64([]byte(key[16:])) }

// bill changes what the payer uses. Somebody else can pay only who authorized it;
// here the contract's account is the only one there is.
func (x *execution) bill(payer name, bytes int64) {
	if payer != x.self {
		panic(fault(codeRAMUnauthorized, "unprivileged contract cannot increase RAM usage of another account that has not authorized the action: %v", payer))
	}
	x.state.ram += bytes
	x.ram += bytes
}

func dbStore(ctx context.Context, m api.Module, scope, table, payer, primary uint64, from, size uint32) int32 {
	x := executionOf(ctx)
	if payer == 0 {
		panic(fault(codePayer, "must specify a valid account to pay for new record"))
	}
	at := tableKey(scope, table)
	key := rowKey(at, primary)
	if _, ok := x.state.rows.get(key); ok {
		panic(&Error{Code: 13, Name: "St11logic_error", What: "could not insert object, most likely a uniqueness constraint was violated",
			Detail: "could not insert object, most likely a uniqueness constraint was violated"})
	}
	t, ok := x.state.tables.get(at)
	if !ok {
		t.payer = name(payer)
		x.bill(t.payer, tableBytes)
	}
	t.rows++
	x.state.tables = x.state.tables.with(at, t)
	x.state.rows = x.state.rows.with(key, row{name(payer), bytes.Clone(memory(m, from, size))})
	x.bill(name(payer), rowBytes+int64(size))
	x.cache.end(at)
	return x.cache.row(key)
}

func dbUpdate(ctx context.Context, m api.Module, iterator int32, payer uint64, from, size uint32) {
	x := executionOf(ctx)
	key := x.cache.key(iterator)
	r, _ := x.state.rows.get(key)
	if payer == 0 {
		payer = uint64(r.payer)
	}
	x.bill(r.payer, -rowBytes-int64(len(r.data)))
	x.bill(name(payer), rowBytes+int64(size))
	x.state.rows = x.state.rows.with(key, row{name(payer), bytes.Clone(memory(m, from, size))})
}

func dbRemove(ctx context.Context, iterator int32) {
	x := executionOf(ctx)
	key := x.cache.key(iterator)
	r, _ := x.state.rows.get(key)
	x.bill(r.payer, -rowBytes-int64(len(r.data)))
	x.state.rows = x.state.rows.without(key)
	at := tableOf(key)
	t, _ := x.state.tables.get(at)
	if t.rows--; t.rows > 0 {
		x.state.tables = x.state.tables.with(at, t)
	} else {
		x.state.tables = x.state.tables.without(at)
		x.bill(t.payer, -tableBytes)
	}
	delete(x.cache.byKey, key)
	x.cache.rows[iterator] = ""
}

func dbGet(ctx context.Context, m api.Module, iterator int32, to, size uint32) int32 {
	x := executionOf(ctx)
	r, _ := x.state.rows.get(x.cache.key(iterator))
	if size == 0 {
		return int32(len(r.data))
	}
	return int32(copy(memory(m, to, size), r.data))
}

func dbNext(ctx context.Context, m api.Module, iterator int32, primary uint32) int32 {
	if iterator < -1 {
		return -1 // there is nothing after a table's end
	}
	x := executionOf(ctx)
	key := x.cache.key(iterator)
	next, _, ok := x.state.rows.from(key + "\x00")
	if !ok || tableOf(next) != tableOf(key) {
		return x.cache.end(tableOf(key))
	}
	return x.found(m, next, primary)
}

func dbPrevious(ctx context.Context, m api.Module, iterator int32, primary uint32) int32 {
	x := executionOf(ctx)
	var table, from string
	if iterator < -1 {
		n := -int(iterator) - 2
		if n >= len(x.cache.tables) {
			panic(fault(codeTableIterator, "not a valid end iterator"))
		}
		table = x.cache.tables[n]
		from = rowKey(table, math.MaxUint64) + "\x00"
	} else {
		from = x.cache.key(iterator)
		table = tableOf(from)
	}
	previous, _, ok := x.state.rows.before(from)
	if !ok || tableOf(previous) != table {
		return -1
	}
	return x.found(m, previous, primary)
}

// found writes a row's primary key to the contract's memory.
func (x *execution) found(m api.Module, key string, primary uint32) int32 {
	binary.LittleEndian.PutUint64(memory(m, primary, 8), primaryOf(key))
	return x.cache.row(key)
}

// table returns a table's key, and whether it has any rows. Other accounts' have none.
func (x *execution) table(code, scope, table uint64) (string, bool) {
	at := tableKey(scope, table)
	_, ok := x.state.tables.get(at)
	return at, ok && name(code) == x.self
}

func dbFind(ctx context.Context, code, scope, table, primary uint64) int32 {
	x := executionOf(ctx)
	at, ok := x.table(code, scope, table)
	if !ok {
		return -1
	}
	end := x.cache.end(at)
	if _, ok := x.state.rows.get(rowKey(at, primary)); !ok {
		return end
	}
	return x.cache.row(rowKey(at, primary))
}

func dbLowerBound(ctx context.Context, code, scope, table, primary uint64) int32 {
	return executionOf(ctx).bound(code, scope, table, primary, "")
}

func dbUpperBound(ctx context.Context, code, scope, table, primary uint64) int32 {
	return executionOf(ctx).bound(code, scope, table, primary, "\x00")
}

func (x *execution) bound(code, scope, table, primary uint64, after string) int32 {
	at, ok := x.table(code, scope, table)
	if !ok {
		return -1
	}
	end := x.cache.end(at)
	key, _, ok := x.state.rows.from(rowKey(at, primary) + after)
	if !ok || tableOf(key) != at {
		return end
	}
	return x.cache.row(key)
}

func dbEnd(ctx context.Context, code, scope, table uint64) int32 {
	x := executionOf(ctx)
	at, ok := x.table(code, scope, table)
	if !ok {
		return -1
	}
	return x.cache.end(at)
}
