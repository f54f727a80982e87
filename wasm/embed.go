// Package wasm holds the module's file, so that a Go program can carry it.
package wasm

import (
	_ "embed"
	"strings"
)

// Module is eventseal.wasm, to be used as ABI.md says. It must not be changed.
//
//go:embed eventseal.wasm
var Module []byte

//go:embed eventseal.wasm.sha256
var sum string

// Digest is the SHA-256 of Module in lower-case hex.
var Digest = strings.Fields(sum)[0]
