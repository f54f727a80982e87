//go:build !tinygo

package ed25519

func newWorkspace() *workspace { return new(workspace) }
