// Command module is eventseal.wasm: the exports of ABI.md over the packages
// beside it, and the buffers that they work in. It imports nothing, so it has
// no clock, no randomness and no way out; all that it knows comes in through
// its input buffer. After start it allocates only to enlarge a buffer, and
// buffers stay, so that calls do not add up.
package main

import (
	"unsafe"

	"github.com/eventseal/eventseal/wasm/code"
)

// Versions, as the exports abi_version and version tell them.
const (
	abiVersion = 1
	version    = "0.1.0"
)

// maxInput is the most that one call takes: a batch of events.
const maxInput = 8<<20 + 64<<10

func main() {}

var (
	in  []byte // the input buffer; as long as the caller asked for
	out []byte // what operations answer with, where it is not in a buffer of theirs
	res result // the answer of most operations
)

// A result is what most operations return the address of. Numbers are
// little-endian.
type result struct {
	code uint32 // 0 or the number of a refusal code
	data uint32 // address of the answer, or of the JSON pointer of a refusal
	size uint32 // its length in bytes
}

func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// answer returns the address of a result.
func answer(c code.Code, data []byte) uint32 {
	res = result{uint32(c), address(data), uint32(len(data))}
	return uint32(uintptr(unsafe.Pointer(&res)))
}

//go:wasmexport abi_version
func exportABIVersion() uint32 { return abiVersion }

//go:wasmexport version
func exportVersion() uint32 {
	out = append(out[:0], version...)
	return answer(code.OK, out)
}

// input makes room for size bytes of input and returns where they go, 0 if
// that is more than a call may have.
//
//go:wasmexport input
func exportInput(size uint32) uint32 {
	if size > maxInput {
		return 0
	}
	clear(in) // a key may be in it that no call took
	if int(size) > cap(in) || in == nil {
		in = make([]byte, max(int(size), min(2*cap(in), maxInput), 64<<10))
	}
	in = in[:size]
	return address(in[:1])
}

// taken returns the first size bytes of the input.
func taken(size uint32) []byte {
	if uint64(size) > uint64(len(in)) {
		return in[:0]
	}
	return in[:size]
}

// A reader takes an input apart. Once something is missing, bad stays true.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint32() (n uint32) {
	for i, b := range r.bytes(4) {
		n |= uint32(b) << (8 * i)
	}
	return n
}

func (r *reader) uint64() (n uint64) {
	for i, b := range r.bytes(8) {
		n |= uint64(b) << (8 * i)
	}
	return n
}

// field returns bytes behind their length.
func (r *reader) field() []byte { return r.bytes(r.uint32()) }

func appendUint32(dst []byte, n uint32) []byte {
	return append(dst, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}
