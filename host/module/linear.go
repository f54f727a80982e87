package module

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// A linear is the memory of one instance. wazero's own kind leaves the old
// bytes to the garbage collector when a memory moves to grow and when its
// instance is closed, and a private key may be among them: this one wipes them.
type linear struct{ bytes []byte }

// withLinear has instances that are made under ctx work in linear memories.
func withLinear(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(uint64, uint64) experimental.LinearMemory {
		return new(linear)
	}))
}

// Reallocate makes the memory size bytes long. It never becomes shorter.
func (l *linear) Reallocate(size uint64) []byte {
	old := l.bytes
	l.bytes = make([]byte, size) // TinyGo asks for twice as much each time
	copy(l.bytes, old)
	clear(old)
	return l.bytes
}

// Free wipes the memory.
func (l *linear) Free() {
	clear(l.bytes)
	l.bytes = nil
}
