package servers

import "syscall"

// ownProcess keeps the terminal's interrupt from the server. Unless it is to
// outlive us, it ends with us, even when we are killed.
func ownProcess(detached bool) *syscall.SysProcAttr {
	if detached {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
