//go:build !linux

package servers

import "syscall"

// ownProcess keeps the terminal's interrupt from the server.
func ownProcess(detached bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: detached, Setpgid: !detached}
}
