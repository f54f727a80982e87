//go:build !tinygo

package p256

func newTable() *[16]point { return new([16]point) }
