package durable

import (
	"os"
	"syscall"
)

// datasync leaves out what reading the data back does not need: the times.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
