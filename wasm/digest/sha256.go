package digest

// blockSize is the length of a SHA-256 block in bytes.
const blockSize = 64

// A State is a running SHA-256 (FIPS 180-4). Reset makes it ready; the zero
// State is not. It holds no pointers, so copying it forks the computation. One
// State serves one goroutine.
type State struct {
	h   [8]uint32
	buf [blockSize]byte
	n   uint64 // bytes written so far
}

// Reset makes s the state of the empty message.
func (s *State) Reset() {
	s.h = [8]uint32{
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}
	s.n = 0
}

// Write appends p to the message. It keeps no reference to p.
//
//go:noinline
func (s *State) Write(p []byte) {
	held := int(s.n % blockSize)
	s.n += uint64(len(p))
	if held > 0 {
		n := copy(s.buf[held:], p)
		if held+n < blockSize {
			return
		}
		block(&s.h, &s.buf)
		p = p[n:]
	}
	for len(p) >= blockSize {
		block(&s.h, (*[blockSize]byte)(p))
		p = p[blockSize:]
	}
	copy(s.buf[:], p)
}

// Sum stores the digest of everything written since Reset in out. It uses s
// up: call Reset before writing again.
//
//go:noinline
func (s *State) Sum(out *Hash) {
	held := int(s.n % blockSize)
	s.buf[held] = 0x80
	clear(s.buf[held+1:])
	if held+1 > blockSize-8 {
		block(&s.h, &s.buf)
		clear(s.buf[:])
	}
	length := s.n * 8
	for i := 0; i < 8; i++ {
		s.buf[blockSize-1-i] = byte(length >> (8 * i))
	}
	block(&s.h, &s.buf)
	for i, w := range s.h {
		out[4*i], out[4*i+1], out[4*i+2], out[4*i+3] = byte(w>>24), byte(w>>16), byte(w>>8), byte(w)
	}
}

// Wipe erases whatever s holds of the message; Reset makes it usable again.
// Compilers do not see s as dead while its owner lives, so the stores stay.
func (s *State) Wipe() { *s = State{} }

// SHA256 returns the SHA-256 digest of p.
//
//go:noinline
func SHA256(p []byte) (out Hash) {
	var s State
	s.Reset()
	s.Write(p)
	s.Sum(&out)
	return out
}
