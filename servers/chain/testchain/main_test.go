package main

import (
	"testing"

	"github.com/eventseal/eventseal/servers/chain"
)

// What is wrong with the arguments is told before anything is served.
func TestArguments(t *testing.T) {
	_, key := chain.Key("test")
	for name, args := range map[string][]string{
		"a key":        {"--key", key[:len(key)-1]},
		"a permission": {"--key", "UPPER=" + key},
		"an account":   {"--account", "UPPER"},
		"a flag":       {"--none"},
		"a word":       {"serve"},
		"an address":   {"--key", key, "--listen", "127.0.0.1:99999"},
	} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%s: it served", name)
		}
	}
}
