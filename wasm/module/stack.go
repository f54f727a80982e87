//go:build !tinygo

package main

// eraseStack is for the module alone; a native build of it only checks that
// it compiles.
func eraseStack() {}
