//go:build tinygo

package ed25519

// A module instance runs one call at a time, so that its workspace is fixed and
// no call allocates.
var theWorkspace workspace

func newWorkspace() *workspace { return &theWorkspace }
