//go:build tinygo

package main

import "unsafe"

// stackPointer is in the runtime's asm_tinygowasm.S.
//
//go:linkname stackPointer tinygo_getCurrentStackPointer
func stackPointer() uintptr

// eraseStack zeroes the unused part of the stack, which begins at address 0
// and grows downwards (wasm-ld --stack-first).
//
//go:noinline
func eraseStack() {
	clear(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), 16)), stackPointer()-16))
}
