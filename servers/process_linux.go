package servers

import "syscall"

// ownProcess keeps the terminal's interrupt from the server and ends it with
// us, even when we are killed.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
