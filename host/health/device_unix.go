//go:build unix

package health

import (
	"os"
	"syscall"
)

// device returns the number of the device that a folder is on.
func device(folder string) (uint64, bool) {
	info, err := os.Stat(folder)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(s.Dev), true
}
