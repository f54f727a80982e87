package main

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/eventseal/eventseal/wasm/code"
)

const (
	keyVariable = "EVENTSEAL_PRIVATE_KEY"
	maxKeyFile  = 64 << 10
)

// keyFlags say where a private key is.
type keyFlags struct {
	KeyFile string `name:"key-file" placeholder:"FILE" help:"File of the private key: keygen's JSON or the key's text alone. Without it: EVENTSEAL_PRIVATE_KEY."`
}

// load returns the text of the private key. The caller wipes it.
func (k *keyFlags) load(s *stdio) ([]byte, error) {
	if k.KeyFile == "" {
		v := os.Getenv(keyVariable)
		if v == "" {
			return nil, usage("no private key: give --key-file or %s", keyVariable)
		}
		return bytes.TrimSpace([]byte(v)), nil
	}
	if info, err := os.Stat(k.KeyFile); err == nil && info.Mode().IsRegular() {
		if info.Mode().Perm()&0o077 != 0 {
			s.say("%s can be read by others (mode %04o): chmod 600 it", k.KeyFile, info.Mode().Perm())
		}
		if info.Size() > maxKeyFile {
			return nil, usage("%s is too large for a key file", k.KeyFile)
		}
	}
	f, err := os.Open(k.KeyFile)
	if err != nil {
		return nil, &usageError{err}
	}
	defer f.Close()
	// One buffer of fixed size, so that growing leaves no copies behind.
	b := make([]byte, maxKeyFile)
	defer clear(b)
	n := 0
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if err != nil {
			break
		}
	}
	return keyText(b[:n], k.KeyFile)
}

// keyText returns a copy of the private key in what a key file holds: keygen's
// JSON, or the key's text alone. from names it in errors.
func keyText(b []byte, from string) ([]byte, error) {
	text := bytes.TrimSpace(b)
	if len(text) == 0 {
		return nil, usage("%s is empty", from)
	}
	if text[0] != '{' {
		return bytes.Clone(text), nil
	}
	var pair struct {
		Private json.RawMessage `json:"private"`
	}
	defer func() { clear(pair.Private) }()
	// The decoder's messages quote single characters at most, but the key is
	// among them: none is passed on.
	if json.Unmarshal(text, &pair) != nil || len(pair.Private) < 2 || pair.Private[0] != '"' {
		return nil, usage(`%s is neither a key's text nor JSON with "private"`, from)
	}
	return bytes.Clone(pair.Private[1 : len(pair.Private)-1]), nil
}

// refusedKey says which key was refused, which the module does not know.
func refusedKey(err error) error {
	if e, ok := err.(*code.Error); ok && e.Code == code.InvalidPrivateKey && e.Detail == "" {
		return &usageError{&code.Error{Code: e.Code, Detail: e.Code.Title()}}
	}
	return err
}
