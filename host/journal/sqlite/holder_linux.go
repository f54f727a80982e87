package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Locks in the log's index, of a byte each, as SQLite's os_unix.c and wal.c have them.
const (
	writeLock = 120
	readLocks = 123 // and four more
	lastLock  = 127
)

// holders names the other processes that hold a lock on the journal in the file
// path: its writer's, or, with reading, one of its readers'. What the kernel does not
// show, of another container for example, is not named.
func holders(path string, reading bool) (names []string) {
	info, err := os.Stat(path + "-shm")
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer locks.Close()
	seen := map[int]bool{os.Getpid(): true}
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: POSIX  ADVISORY  READ 4711 08:01:123456 124 124, see proc_locks(5)
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] == "->" {
			continue // one that waits
		}
		pid, err1 := strconv.Atoi(f[4])
		from, err2 := strconv.ParseInt(f[6], 10, 64)
		to, err3 := strconv.ParseInt(f[7], 10, 64)
		if err1 != nil || err2 != nil || err3 != nil || seen[pid] || pid <= 0 {
			continue
		}
		low, high := int64(writeLock), int64(writeLock)
		if reading {
			low, high = readLocks, lastLock
		}
		if to < low || from > high || !strings.HasSuffix(f[5], fmt.Sprint(":", stat.Ino)) || !hasOpen(pid, info) {
			continue
		}
		seen[pid] = true
		command, _ := os.ReadFile(fmt.Sprint("/proc/", pid, "/comm"))
		names = append(names, fmt.Sprintf("%s (process %d)", strings.TrimSpace(string(command)), pid))
	}
	return names
}

// hasOpen says whether a process has a file open, for an inode's number is that
// of one on each device; yes where nobody may look.
func hasOpen(pid int, file os.FileInfo) bool {
	fds, _ := filepath.Glob(fmt.Sprint("/proc/", pid, "/fd/*"))
	if len(fds) == 0 {
		return true
	}
	for _, fd := range fds {
		if info, err := os.Stat(fd); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}
