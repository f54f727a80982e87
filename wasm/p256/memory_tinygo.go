//go:build tinygo

package p256

// A module instance runs one call at a time, so that its table is fixed and
// no call allocates.
var theTable [16]point

func newTable() *[16]point { return &theTable }
