package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// A watch looks at a process, where the system tells about it (Linux).
type watch struct {
	pid  int
	cpu  float64 // seconds at the start
	stop chan struct{}
	done sync.WaitGroup
	rss  []uint64 // bytes, one every half a second
}

const clockTicks = 100 // of /proc/PID/stat, a second

func watchProcess(pid int) *watch {
	w := &watch{pid: pid, cpu: cpuSeconds(pid), stop: make(chan struct{})}
	w.done.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			if rss := residentBytes(pid); rss > 0 {
				w.rss = append(w.rss, rss)
			}
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	})
	return w
}

// end returns the processor time that was used meanwhile; it cannot be told of
// a process that is over.
func (w *watch) end() (cpu float64) {
	cpu = cpuSeconds(w.pid) - w.cpu
	close(w.stop)
	w.done.Wait()
	return cpu
}

// memory tells the largest resident size in each quarter of the time, which is
// the same in all where memory is bounded.
func (w *watch) memory() string {
	if len(w.rss) < 4 {
		return "memory not seen"
	}
	var quarters [4]uint64
	for i, rss := range w.rss {
		q := &quarters[i*4/len(w.rss)]
		*q = max(*q, rss)
	}
	s := ""
	for i, q := range quarters {
		if i > 0 {
			s += "/"
		}
		s += strconv.FormatUint(q>>20, 10)
	}
	return s + " MiB"
}

func residentBytes(pid int) uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize())
}

func cpuSeconds(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // the third of the file is the first here
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(string(fields[11]), 64)
	system, _ := strconv.ParseFloat(string(fields[12]), 64)
	return (user + system) / clockTicks
}
