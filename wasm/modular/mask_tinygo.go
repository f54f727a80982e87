//go:build tinygo

package modular

import "runtime/volatile"

// source is always zero; the compiler may not know.
var source volatile.Register32

// Mask returns all ones for 1 and zero for 0. The value passes through a
// volatile read, so that the optimizer cannot turn the arithmetic that uses
// it back into a branch.
func Mask(bit uint64) uint64 { return -(bit ^ uint64(source.Get())) }
