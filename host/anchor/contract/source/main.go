//go:build tinygo.wasm

// Command source is anchor.wasm, the contract: it keeps what one log puts on
// the chain. Each kind of action has a sequence of its own without gaps, so
// that an action that is sent again, however often, is done once. There is no
// heap, and what is linked in of the runtime is nothing.
package main

import "unsafe"

// Actions and tables, as the chain's names of 64 bits.
const (
	post   = 0xad31900000000000
	event  = 0x56d53c8000000000
	heads  = 0x6a8c9c0000000000
	events = 0x56d53ce000000000
)

// A row is the action's data as they are, and then the slot of the block.
const (
	postSize  = 8 + 8 + 32 // seq, size, root
	eventSize = 8 + 4 + 32 // seq, code, hash
	slotSize  = 4
)

// kept is how many rows a table has at most: RAM is what has to be paid for.
const kept = 1024

// Slots are half seconds since 2000 began.
const (
	epoch = 946684800000 // ms since 1970
	half  = 500          // ms
)

func main() {} // never called

//export apply
func apply(receiver, code, action uint64) {
	if code != receiver {
		return // a notification, which anybody may send
	}
	requireAuth(receiver)
	switch action {
	case post:
		add(receiver, heads, postSize)
	case event:
		add(receiver, events, eventSize)
	default:
		assert(false, "unknown action\x00")
	}
}

var row [postSize + slotSize]byte

// add makes the next row of the table from the action's data, which are size
// bytes, or ends the transaction.
func add(self, table uint64, size uint32) {
	assert(actionDataSize() == size, "the data has another length\x00")
	readActionData(&row, size)

	// seq and size of the newest row. A table that never had one has no end
	// to step back from.
	var newest [2]uint64
	if end := dbEnd(self, self, table); end != -1 {
		dbGet(dbPrevious(end, &newest[0]), &newest, 16)
	}
	seq := newest[0] + 1
	assert(number(0) == seq, "the next seq is another\x00")
	if table == heads {
		assert(number(8) > newest[1], "size must grow\x00")
	}

	// Rows are contiguous, so the one that has to go is known by its number.
	if seq > kept {
		dbRemove(dbFind(self, self, table, seq-kept))
	}
	*(*uint32)(unsafe.Add(unsafe.Pointer(&row), size)) = uint32((currentTime()/1000 - epoch) / half)
	dbStore(self, table, self, seq, &row, size+slotSize)
}

// number is what the action's data have at offset i, little-endian.
func number(i uintptr) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(&row), i))
}

// assert ends the transaction, which then did nothing, unless what is demanded
// holds. The message ends with a NUL.
func assert(holds bool, message string) {
	if !holds {
		eosioAssert(0, unsafe.StringData(message))
	}
}
