//go:build !tinygo

package modular

// Mask returns all ones for 1 and zero for 0.
func Mask(bit uint64) uint64 { return -bit }
