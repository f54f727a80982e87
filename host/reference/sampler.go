package reference

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Sampler decides by an event's hash whether it gets the second opinion: the
// same event is always decided the same way. The zero Sampler never asks for
// one.
type Sampler struct {
	every uint64
	salt  []byte
}

// DefaultSampler takes one event of 64.
func DefaultSampler() Sampler { return Sampler{every: 64} }

// ParseSampler reads "off", "all", or "1/N" or "N" for one event of N.
func ParseSampler(s string) (Sampler, error) {
	switch s {
	case "off":
		return Sampler{}, nil
	case "all":
		return Sampler{every: 1}, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "1/"), 10, 64)
	if err != nil || n == 0 {
		return Sampler{}, fmt.Errorf(`sample %q is none of "off", "all" and "1/N"`, s)
	}
	return Sampler{every: n}, nil
}

// Salted returns s with choices that only a holder of salt can predict. An
// author can vary an event until its hash is one that an unsalted sampler
// leaves out.
func (s Sampler) Salted(salt []byte) Sampler {
	s.salt = append([]byte(nil), salt...)
	return s
}

// Take reports whether the event with this hash is to be checked.
func (s Sampler) Take(h digest.Hash) bool {
	switch s.every {
	case 0:
		return false
	case 1:
		return true
	}
	if s.salt != nil {
		h = sha256.Sum256(append(append([]byte(nil), s.salt...), h[:]...))
	}
	return binary.BigEndian.Uint64(h[:8])%s.every == 0
}

// String returns what ParseSampler reads.
func (s Sampler) String() string {
	switch s.every {
	case 0:
		return "off"
	case 1:
		return "all"
	}
	return "1/" + strconv.FormatUint(s.every, 10)
}
