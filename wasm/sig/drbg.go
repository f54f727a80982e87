package sig

import (
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/modular"
)

// A generator is HMAC-DRBG (NIST SP 800-90A §10.1.2) with SHA-256, seeded as
// the JavaScript libraries seed theirs. It holds secrets: zero it after use.
type generator struct {
	key, value digest.Hash
	used       bool
	mac        digest.MAC
}

// seed starts g from key ‖ digest mod n ‖ attempt; attempt 0 stands for no
// such byte.
func (g *generator) seed(key *[32]byte, z *modular.Element, attempt byte) {
	size := 65
	if attempt == 0 {
		size = 64
	}
	g.start(key, z, attempt, size)
}

// seedWalk starts g from key ‖ digest mod n ‖ draw ‖ 1, which no seed is.
func (g *generator) seedWalk(key *[32]byte, z *modular.Element, draw byte) {
	g.start(key, z, draw, 66)
}

func (g *generator) start(key *[32]byte, z *modular.Element, count byte, size int) {
	var m [66]byte
	copy(m[:], key[:])
	z.Bytes((*[32]byte)(m[32:]))
	m[64], m[65] = count, 1
	g.key = digest.Hash{}
	for i := range g.value {
		g.value[i] = 1
	}
	g.update(0, m[:size])
	g.update(1, m[:size])
	g.used = false
	m = [66]byte{}
}

// next writes the following 32 bytes of output.
func (g *generator) next(out *[32]byte) {
	if g.used {
		g.update(0, nil)
	}
	g.used = true
	g.step()
	*out = g.value
}

// step is value = HMAC(key, value).
func (g *generator) step() {
	g.mac.Reset(g.key[:])
	g.mac.Write(g.value[:])
	g.mac.Sum(&g.value)
}

// update is one round of HMAC_DRBG_Update.
func (g *generator) update(tag byte, material []byte) {
	t := [1]byte{tag}
	g.mac.Reset(g.key[:])
	g.mac.Write(g.value[:])
	g.mac.Write(t[:])
	g.mac.Write(material)
	g.mac.Sum(&g.key)
	g.step()
}
