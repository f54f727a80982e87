package module

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// instrument rewrites a module so that it records what traced says, in one
// 64-bit global for each of its functions, exported as hash0, hash1, …; the
// global going has all bits set while it records. It knows as much of the
// binary format (WebAssembly Core Specification, section 5) as TinyGo writes.
func instrument(t testing.TB, module []byte) (file []byte, functions int) {
	r := &binaryReader{t: t, b: module[8:]}
	sections := map[byte][]byte{}
	var order []byte
	for len(r.b) > 0 {
		id := r.byte()
		sections[id], order = r.bytes(int(r.unsigned())), append(order, id)
	}
	if sections[2] != nil || sections[6] == nil {
		t.Fatal("the module has imports, or no globals")
	}
	var params []int // of each type
	types := &binaryReader{t: t, b: sections[1]}
	for range types.unsigned() {
		types.byte() // 0x60
		n := int(types.unsigned())
		params = append(params, n)
		types.bytes(n)
		types.bytes(int(types.unsigned()))
	}
	globals, exports := &binaryReader{t: t, b: sections[6]}, &binaryReader{t: t, b: sections[7]}
	first, exported := int(globals.unsigned()), int(exports.unsigned())
	declared, bodies := &binaryReader{t: t, b: sections[3]}, &binaryReader{t: t, b: sections[10]}
	functions = int(declared.unsigned())
	code := unsigned(bodies.unsigned())
	moreGlobals, moreExports := bytes.Clone(globals.b), bytes.Clone(exports.b)
	for i := range functions + 1 {
		name := fmt.Sprint("hash", i)
		if i == functions {
			name = "going"
		}
		moreGlobals = append(moreGlobals, 0x7e, 1, 0x42, 0, 0x0b) // i64, mutable, 0
		moreExports = append(append(moreExports, byte(len(name))), name...)
		moreExports = append(append(moreExports, 3), unsigned(uint64(first+i))...)
	}
	for i := range functions {
		f := &rewriter{binaryReader: binaryReader{t: t, b: bodies.bytes(int(bodies.unsigned()))}, hash: first + i, going: first + functions}
		f.body(params[declared.unsigned()])
		code = append(append(code, unsigned(uint64(len(f.out)))...), f.out...)
	}
	sections[6] = append(unsigned(uint64(first+functions+1)), moreGlobals...)
	sections[7] = append(unsigned(uint64(exported+functions+1)), moreExports...)
	sections[10] = code
	file = bytes.Clone(module[:8])
	for _, id := range order {
		file = append(append(append(file, id), unsigned(uint64(len(sections[id])))...), sections[id]...)
	}
	return file, functions
}

type binaryReader struct {
	t testing.TB
	b []byte
}

func (r *binaryReader) byte() byte { return r.bytes(1)[0] }

func (r *binaryReader) bytes(n int) []byte {
	if n > len(r.b) {
		r.t.Fatal("the module ends too early")
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// unsigned reads a number in LEB128; one that is signed takes as many bytes.
func (r *binaryReader) unsigned() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.t.Fatal("a malformed number")
	}
	r.bytes(n)
	return x
}

func unsigned(x uint64) []byte { return binary.AppendUvarint(nil, x) }

// A rewriter copies the body of one function, with its recording.
type rewriter struct {
	binaryReader
	out         []byte
	hash, going int // globals
	local       int // the first that is added: of types i32, i32, i32, i64, i64, f32, f64
}

func (f *rewriter) emit(opcode byte, index ...int) {
	f.out = append(f.out, opcode)
	for _, i := range index {
		f.out = append(f.out, unsigned(uint64(i))...)
	}
}

const (
	localGet, localSet, localTee = 0x20, 0x21, 0x22
	globalGet, globalSet         = 0x23, 0x24
)

// record mixes a local into the hash: h ^= ((h ^ x) · prime ^ h) & going, where
// x is the local, or whether it is zero.
func (f *rewriter) record(local int, zero bool) {
	f.emit(globalGet, f.hash)
	f.emit(globalGet, f.hash)
	f.emit(localGet, f.local+local)
	if zero {
		f.emit(0x45) // i32.eqz
	}
	if local < 3 {
		f.emit(0xad) // i64.extend_i32_u
	}
	f.emit(0x85)                                                    // i64.xor
	f.out = append(f.out, 0x42, 0xb3, 0x83, 0x80, 0x80, 0x80, 0x20) // i64.const 0x100000001b3, FNV's prime
	f.emit(0x7e)                                                    // i64.mul
	f.emit(globalGet, f.hash)
	f.emit(0x85)
	f.emit(globalGet, f.going)
	f.emit(0x83) // i64.and
	f.emit(0x85)
	f.emit(globalSet, f.hash)
}

func (f *rewriter) body(params int) {
	f.local = params
	n := int(f.unsigned())
	f.out = unsigned(uint64(n + 4))
	for range n {
		count, kind := f.unsigned(), f.byte()
		f.local += int(count)
		f.out = append(append(f.out, unsigned(count)...), kind)
	}
	f.out = append(f.out, 3, 0x7f, 2, 0x7e, 1, 0x7d, 1, 0x7c)
	for len(f.b) > 0 {
		f.instruction()
	}
}

func (f *rewriter) instruction() {
	whole := f.b
	op := f.byte()
	switch {
	case op >= 0x02 && op <= 0x04: // block, loop, if
		f.unsigned()
	case op == 0x0c || op == 0x0d || op == 0x10 || op >= 0x20 && op <= 0x24: // br, br_if, call, locals, globals
		f.unsigned()
	case op == 0x0e: // br_table
		for range f.unsigned() + 1 {
			f.unsigned()
		}
	case op == 0x11 || op >= 0x28 && op <= 0x3e: // call_indirect, loads, stores
		f.unsigned()
		f.unsigned()
	case op == 0x3f || op == 0x40: // memory.size, memory.grow
		f.byte()
	case op == 0x41 || op == 0x42: // constants
		for f.byte() >= 0x80 {
		}
	case op == 0x43:
		f.bytes(4)
	case op == 0x44:
		f.bytes(8)
	case op == 0xfc:
		switch sub := f.unsigned(); {
		case sub == 10: // memory.copy
			f.bytes(2)
			f.memory(true)
		case sub == 11: // memory.fill
			f.byte()
			f.memory(false)
		case sub > 7:
			f.t.Fatalf("unknown instruction 0xfc %d", sub)
		}
	case op <= 0x01 || op == 0x05 || op == 0x0b || op == 0x0f || op == 0x1a || op == 0x1b || op >= 0x45 && op <= 0xc4: // without immediates
	default:
		f.t.Fatalf("unknown instruction 0x%x", op)
	}
	switch {
	case op == 0x04 || op == 0x0d || op == 0x1b: // if, br_if, select
		f.emit(localTee, f.local)
		f.record(0, true)
	case op == 0x0e || op == 0x11 || op >= 0x28 && op <= 0x35: // br_table, call_indirect, loads
		f.emit(localTee, f.local)
		f.record(0, false)
	case op >= 0x36 && op <= 0x3e: // stores
		value := f.local + map[byte]int{0x36: 1, 0x37: 3, 0x38: 5, 0x39: 6, 0x3a: 1, 0x3b: 1, 0x3c: 3, 0x3d: 3, 0x3e: 3}[op]
		f.emit(localSet, value)
		f.emit(localTee, f.local)
		f.record(0, false)
		f.emit(localGet, value)
	case op >= 0x6d && op <= 0x70: // divisions and remainders
		f.divide(0, 1)
	case op >= 0x7f && op <= 0x82:
		f.divide(3, 4)
	}
	f.out = append(f.out, whole[:len(whole)-len(f.b)]...)
}

func (f *rewriter) divide(a, b int) {
	f.emit(localSet, f.local+b)
	f.emit(localTee, f.local+a)
	f.emit(localGet, f.local+b)
	f.record(a, false)
	f.record(b, false)
}

// memory records where memory is copied or filled, and how much of it. Filling
// it from address 16 on erases the stack: that ends the recording.
func (f *rewriter) memory(copied bool) {
	f.emit(localSet, f.local+2)
	f.emit(localSet, f.local+1)
	f.emit(localTee, f.local)
	f.emit(localGet, f.local+1)
	f.emit(localGet, f.local+2)
	f.record(0, false)
	f.record(2, false)
	if copied {
		f.record(1, false)
		return
	}
	f.out = append(f.out, 0x42, 0) // i64.const 0
	f.emit(localGet, f.local)
	f.out = append(f.out, 0x41, 16, 0x47, 0xad, 0x7d) // i32.const 16, i32.ne, i64.extend_i32_u, i64.sub
	f.emit(globalGet, f.going)
	f.emit(0x83)
	f.emit(globalSet, f.going)
}
