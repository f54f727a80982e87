package chain

import (
	"bytes"
	"context"

	"github.com/tetratelabs/wazero/api"
)

// An execution is one action at work. The intrinsics find it in their context.
type execution struct {
	state *state
	self  name
	act   action
	slot  uint32 // of the block
	ram   int64  // by which the account's use has changed
	cache iterators
}

func executionOf(ctx context.Context) *execution { return ctx.Value(executing{}).(*execution) }

// memory is a range of the contract's, which the contract ends by leaving.
func memory(m api.Module, at, size uint32) []byte {
	b, ok := m.Memory().Read(at, size)
	if !ok {
		panic(fault(codeWasmExecution, "access violation"))
	}
	return b
}

// maxMessage is how much of an assertion's message nodeos tells.
const maxMessage = 1024

// intrinsics are what a contract may import from env: nodeos has many more
// (libraries/chain/webassembly/); a contract that imports one of these is refused.
var intrinsics = map[string]any{
	"action_data_size": func(ctx context.Context) uint32 { return uint32(len(executionOf(ctx).act.data)) },
	"read_action_data": func(ctx context.Context, m api.Module, to, size uint32) uint32 {
		data := executionOf(ctx).act.data
		if size == 0 {
			return uint32(len(data))
		}
		return uint32(copy(memory(m, to, size), data))
	},
	"current_receiver": func(ctx context.Context) uint64 { return uint64(executionOf(ctx).self) },
	"current_time":     func(ctx context.Context) uint64 { return uint64(slotTime(executionOf(ctx).slot).UnixMicro()) },
	"is_account":       func(ctx context.Context, account uint64) uint32 { return truth(name(account) == executionOf(ctx).self) },
	"has_auth":         func(ctx context.Context, account uint64) uint32 { return truth(executionOf(ctx).has(name(account), 0)) },
	"require_auth": func(ctx context.Context, account uint64) {
		if !executionOf(ctx).has(name(account), 0) {
			panic(fault(codeMissingAuth, "missing authority of %v", name(account)))
		}
	},
	"require_auth2": func(ctx context.Context, account, permission uint64) {
		if !executionOf(ctx).has(name(account), name(permission)) {
			panic(fault(codeMissingAuth, "missing authority of %v/%v", name(account), name(permission)))
		}
	},

	"eosio_assert": func(_ context.Context, m api.Module, holds, message uint32) {
		if holds == 0 {
			b := memory(m, message, min(maxMessage, m.Memory().Size()-min(message, m.Memory().Size())))
			if end := bytes.IndexByte(b, 0); end >= 0 {
				b = b[:end]
			}
			panic(fault(codeAssertMessage, "assertion failure with message: %s", b))
		}
	},
	"eosio_assert_message": func(_ context.Context, m api.Module, holds, message, size uint32) {
		if holds == 0 {
			panic(fault(codeAssertMessage, "assertion failure with message: %s", memory(m, message, min(maxMessage, size))))
		}
	},
	"eosio_assert_code": func(holds uint32, code uint64) {
		if holds == 0 {
			panic(fault(codeAssertCode, "assertion failure with error code: %d", code))
		}
	},
	"eosio_exit": func(uint32) { panic(errExit) },
	"abort":      func() { panic(fault(codeAbort, "abort() called")) },

	"memcpy":  move,
	"memmove": move,
	"memset": func(_ context.Context, m api.Module, to, value, size uint32) uint32 {
		b := memory(m, to, size)
		for i := range b {
			b[i] = byte(value)
		}
		return to
	},

	"db_store_i64":      dbStore,
	"db_update_i64":     dbUpdate,
	"db_remove_i64":     dbRemove,
	"db_get_i64":        dbGet,
	"db_next_i64":       dbNext,
	"db_previous_i64":   dbPrevious,
	"db_find_i64":       dbFind,
	"db_lowerbound_i64": dbLowerBound,
	"db_upperbound_i64": dbUpperBound,
	"db_end_i64":        dbEnd,
}

func move(_ context.Context, m api.Module, to, from, size uint32) uint32 {
	copy(memory(m, to, size), memory(m, from, size))
	return to
}

func truth(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// has reports whether the action declares an actor, with a permission unless
// that is 0.
func (x *execution) has(actor, permission name) bool {
	for _, p := range x.act.auth {
		if p.Actor == actor && (permission == 0 || p.Permission == permission) {
			return true
		}
	}
	return false
}
