package chain

import (
	"encoding/binary"
	"time"
)

// A state is what the chain knows after a block. It is a value: one that was
// copied stays as it is, whatever becomes of the other.
type state struct {
	rows   tree[row]      // by rowKey
	tables tree[table]    // those that have rows, by tableKey
	seen   tree[struct{}] // transactions that have not expired, by seenKey
	code   *code
	ram    int64 // bytes that the account uses
	net    meter // bytes
	cpu    meter // µs

	actions uint64 // so many were executed
}

type row struct {
	payer name
	data  []byte
}

type table struct {
	payer name
	rows  int
}

// seenKey puts transactions in the order in which they expire.
func seenKey(expiration uint32, id [32]byte) string {
	return string(append(binary.BigEndian.AppendUint32(nil, expiration), id[:]...))
}

// forget drops the transactions that had expired at a time
// (controller.cpp, clear_expired_input_transactions).
func (s *state) forget(slot uint32) {
	now := slotTime(slot)
	for {
		key, _, ok := s.seen.from("")
		if !ok || !now.After(time.Unix(int64(binary.BigEndian.Uint32([]byte(key))), 0)) {
			return
		}
		s.seen = s.seen.without(key)
	}
}

// A meter is a use that decays over 24 hours (resource_limits_private.hpp,
// exponential_moving_average_accumulator): value is the average of a slot, times a million.
type meter struct {
	last  uint32 // slot
	value uint64
}

const (
	meterWindow    = 24 * 3600 * 1000 / slotMs
	meterPrecision = 1_000_000
)

func (m *meter) add(units int64, slot uint32) {
	if slot > m.last {
		if delta := slot - m.last; delta < meterWindow {
			m.value = m.value * (meterWindow - uint64(delta)) / meterWindow
		} else {
			m.value = 0
		}
		m.last = slot
	}
	m.value += (uint64(units)*meterPrecision + meterWindow - 1) / meterWindow
}

// used is what counts of the last 24 hours.
func (m *meter) used() int64 {
	return int64((m.value*meterWindow + meterPrecision - 1) / meterPrecision)
}

// at is the meter as it will be in a slot.
func (m meter) at(slot uint32) meter {
	m.add(0, slot)
	return m
}
