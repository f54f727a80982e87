package digest

// A MAC is a running HMAC-SHA-256 (RFC 2104). Reset makes it ready; the zero
// MAC is not. One MAC serves one goroutine.
type MAC struct {
	state State
	pad   [blockSize]byte
}

const (
	innerPad = 0x36
	outerPad = 0x5c
)

// Reset keys m and makes it the MAC of the empty message. Keys of more than 64
// bytes are hashed first, as the RFC asks. It keeps no reference to key.
func (m *MAC) Reset(key []byte) {
	clear(m.pad[:])
	if len(key) > blockSize {
		var h Hash
		m.state.Reset()
		m.state.Write(key)
		m.state.Sum(&h)
		copy(m.pad[:], h[:])
		h = Hash{}
	} else {
		copy(m.pad[:], key)
	}
	for i := range m.pad {
		m.pad[i] ^= innerPad
	}
	m.state.Reset()
	m.state.Write(m.pad[:])
}

// Write appends p to the message. It keeps no reference to p.
func (m *MAC) Write(p []byte) { m.state.Write(p) }

// Sum stores the MAC of everything written since Reset in out, which may be
// the array that the key was read from. It uses m up: call Reset before
// writing again.
func (m *MAC) Sum(out *Hash) {
	m.state.Sum(out)
	for i := range m.pad {
		m.pad[i] ^= innerPad ^ outerPad
	}
	m.state.Reset()
	m.state.Write(m.pad[:])
	m.state.Write(out[:])
	m.state.Sum(out)
}

// Wipe erases the key and the message from m.
func (m *MAC) Wipe() { *m = MAC{} }
