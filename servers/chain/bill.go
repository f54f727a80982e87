package chain

import (
	"encoding/hex"
	"time"
)

// limits are what one transaction may cost and what its NET is.
type limits struct {
	net      int64     // what is billed, whole words
	packed   int64     // the same before it is rounded
	maxNET   int64     // of a transaction like this
	account  int64     // NET that the account has left
	cpu      int64     // µs that the transaction may take
	left     int64     // µs that the account has left
	deadline time.Time // when it is ended
	why      int64     // the code that being late has then
	reason   string
	start    time.Time
}

// netBytes is what a transaction costs before it is rounded up to words of 8 bytes
// (transaction_context.cpp, init_for_input_trx): 12 for each transaction, 16 and the packed bytes
// for what is always kept, a fifth for what could be pruned, the signatures.
func netBytes(t *signed) int64 {
	prunable := int64(1 + 66*len(t.sigs))
	return 12 + 16 + int64(len(t.sent)) + (prunable*20+99)/100
}

// pays reports whether the transaction is the account's to pay: it is its first
// authorizer. Other accounts may use what they like.
func (c *Chain) pays(t *signed) bool {
	for _, a := range t.tx.actions {
		if len(a.auth) > 0 {
			return a.auth[0].Actor == c.self
		}
	}
	return false
}

// limit works out what a transaction may cost (transaction_context.cpp, init).
func (c *Chain) limit(t *signed, st *state, at place, start time.Time) limits {
	own := &c.o.Limits
	l := limits{packed: netBytes(t), maxNET: maxNET, start: start}
	l.net = (l.packed + 7) / 8 * 8
	if words := int64(t.tx.netWords) * 8; words > 0 {
		l.maxNET = min(l.maxNET, words)
	}
	net, cpu := st.net.at(at.slot), st.cpu.at(at.slot)
	l.account = max(0, own.NET-net.used())
	l.left = max(0, own.CPU.Microseconds()-cpu.used())
	if !c.pays(t) {
		l.account, l.left = maxNET, time.Hour.Microseconds()
	}

	one := own.One
	l.reason = "on chain max_transaction_cpu_usage"
	if ms := time.Duration(t.tx.cpuMs) * time.Millisecond; ms > 0 && ms <= one {
		one, l.reason = ms, "trx specified max_cpu_usage_ms"
	}
	l.cpu, l.why, l.deadline = one.Microseconds(), codeCPU, start.Add(one)
	if left := time.Duration(l.left)*time.Microsecond + leewayCPU; left <= one {
		l.why, l.deadline = codeLeeway, start.Add(left)
	}
	return l
}

// early refuses what is known to be too much before anything is executed.
func (l *limits) early(t *signed) *Error {
	if most := min(l.maxNET, l.account+leewayNET) / 8 * 8; l.packed > most {
		return fault(codeNET, "transaction net usage is too high: %d > %d", l.packed, most)
	}
	if l.left == 0 {
		return fault(codeCPU, "estimated CPU time (0 us) is not less than the maximum billable CPU time for the transaction (0 us) reached account cpu limit 0us")
	}
	return nil
}

// late is the refusal of a transaction that was ended at its deadline.
func (l *limits) late(t *signed) *Error {
	took := time.Since(l.start).Microseconds()
	if l.why == codeLeeway {
		return fault(codeLeeway, "the transaction was unable to complete by deadline, but it is possible it could have succeeded if it were allowed to run to completion %d", took)
	}
	return fault(codeCPU, "transaction %s was executing for too long %dus reached %s %dus", hex.EncodeToString(t.id[:]), took, l.reason, l.cpu)
}

// bill returns the µs that are billed for a time (transaction_context.cpp, finalize).
func (l *limits) bill(elapsed time.Duration) (int64, *Error) {
	if most := min(l.maxNET, l.account); l.net > most {
		return 0, fault(codeNET, "transaction net usage is too high: %d > %d", l.net, most)
	}
	billed := max(minCPU, elapsed.Microseconds())
	if l.left <= l.cpu && billed > l.left {
		return 0, fault(codeCPU, "billed CPU time (%d us) is greater than the maximum billable CPU time for the transaction (%d us) reached account cpu limit %dus", billed, l.left, l.left)
	}
	if billed > l.cpu {
		return 0, fault(codeCPU, "billed CPU time (%d us) is greater than the maximum billable CPU time for the transaction (%d us) reached %s %dus", billed, l.cpu, l.reason, l.cpu)
	}
	return billed, nil
}

// The RAM of an account beside its tables (account_object.hpp, permission_object.hpp,
// permission_link_object.hpp, eosio_contract.cpp).
const (
	accountBytes    = 2048
	permissionBytes = 288     // 64 of its authority, 64, 5 indexes of 32
	keyBytes        = 16 + 34 // a key's weight and its 34 bytes
	linkBytes       = 144     // 40 and 3 indexes of 32, a multiple of 16
	codeMultiple    = 10
)

// accountRAM is what the account uses while its tables are empty.
func (c *Chain) accountRAM(code *code) int64 {
	bytes := int64(accountBytes + linkBytes*len(c.links) + codeMultiple*len(code.wasm) + len(code.abi.packed))
	for _, a := range c.permissions {
		bytes += permissionBytes + keyBytes*int64(len(a.keys))
	}
	return bytes
}
