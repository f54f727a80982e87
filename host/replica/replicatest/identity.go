package replicatest

import (
	"crypto/rand"
	"encoding/hex"
)

// ID returns a new id of a place.
func ID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
