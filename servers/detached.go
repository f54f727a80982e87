package servers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func (s *Server) pidFile() string { return filepath.Join(s.Dir, "pid") }

// Running reports whether a detached server, started by this process or an
// earlier one, answers.
func (s *Server) Running(ctx context.Context) bool {
	_, err := detachedPid(s.Dir)
	return err == nil && s.ready(ctx) == nil
}

// detachedPid is the id in a folder's pid file, if that process is still the
// one that was started in the folder: ids are used again.
func detachedPid(dir string) (int, error) {
	b, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(b))
	if err != nil || pid <= 1 {
		return 0, errors.New("servers: no process id in " + dir)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		return 0, err
	}
	if cwd, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd"); err == nil {
		// The S3 gateway goes into its data.
		if real, err := filepath.EvalSymlinks(dir); err != nil || cwd != real && !strings.HasPrefix(cwd, real+string(filepath.Separator)) {
			return 0, errors.New("servers: the process is another one by now")
		}
	}
	return pid, nil
}

// End ends the detached server that was started in a folder, and reports
// whether there was one.
func End(dir string) bool {
	pid, err := detachedPid(dir)
	if err != nil {
		return false
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	_ = syscall.Kill(pid, syscall.SIGCONT)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := detachedPid(dir); err != nil {
			break
		}
	}
	if pid, err := detachedPid(dir); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = os.Remove(filepath.Join(dir, "pid"))
	return true
}
