// Package witness has both ends of C2SP tlog-witness: a server that cosigns the
// heads of logs, each only if it is consistent with those before, and a client
// that asks such a server.
package witness

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/checkpoint"
)

// A Key is a witness's private key, under its name.
type Key struct {
	Name    string
	private ed25519.PrivateKey
}

// keyFile is the form of a key's file, one line of JSON.
type keyFile struct {
	Version int    `json:"eventseal_witness_key"`
	Name    string `json:"name"`
	Seed    []byte `json:"ed25519"` // 32 bytes, base64
}

// MaxKeyFile bounds a key's file, in bytes.
const MaxKeyFile = 4 << 10

// NewKey makes a key. The name is what the witness's lines bear; it should be
// an address without its scheme, such as witness.example.org.
func NewKey(name string) (*Key, error) {
	if !checkpoint.ValidName(name) {
		return nil, fmt.Errorf("witness: %.80q is no name: want something like witness.example.org", name)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return &Key{Name: name, private: private}, err
}

// ParseKey reads what Marshal returns. Its errors quote nothing of the key.
func ParseKey(text []byte) (*Key, error) {
	var f keyFile
	defer func() { clear(f.Seed) }()
	if json.Unmarshal(text, &f) != nil || f.Version != 1 || !checkpoint.ValidName(f.Name) || len(f.Seed) != ed25519.SeedSize {
		return nil, errors.New("witness: not the key of a witness")
	}
	return &Key{Name: f.Name, private: ed25519.NewKeyFromSeed(f.Seed)}, nil
}

// Marshal returns the content of the key's file, which nobody else may read.
// It is put together by hand: the encoder would leave copies of the key behind.
func (k *Key) Marshal() []byte {
	name, _ := json.Marshal(k.Name) // a valid name is a string
	b := fmt.Appendf(make([]byte, 0, MaxKeyFile), "{\"eventseal_witness_key\":1,\"name\":%s,\"ed25519\":\"", name)
	b = base64.StdEncoding.AppendEncode(b, k.private.Seed())
	return append(b, "\"}\n"...)
}

// Public returns the key by which the witness's lines are verified.
func (k *Key) Public() checkpoint.Key {
	return checkpoint.Key{Name: k.Name, Kind: checkpoint.Cosignature, Raw: k.private.Public().(ed25519.PublicKey)}
}
