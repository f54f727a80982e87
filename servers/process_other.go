//go:build !linux

package servers

import "syscall"

// ownProcess keeps the terminal's interrupt from the server.
func ownProcess() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
