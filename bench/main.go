// Command bench prints one table of how fast Eventseal is beside its peers,
// everything measured in one run on this machine. The bars are the project's
// own (what must be reached for a change to be taken); ratios travel from one
// machine to another, absolute figures do not.
//
//	go run ./bench [-sections node,go,host,log,anchor,stack] [-rounds 30] [-events 8000]
//	go run ./bench -sections bulk [-bulk 1000000]
//
// A run shortly after another one, or after anything else that removed many
// files, is slower on ext4: for every new file it passes over the inodes that
// were freed in the last minutes, one by one (recently_deleted
// in fs/ext4/ialloc.c). The S3 gateway makes a file of
// each event, and was seen to need 600 µs of processor for one instead of 250.
// Waiting some minutes helps, and so does another place for the data: a folder
// named by EVENTSEAL_BENCH_DIR, with chattr +T, has each run's files elsewhere
// on the disk.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A section measures something and returns its rows.
type section struct {
	name string
	run  func(o options) ([]row, error)
}

type options struct {
	rounds int
	events int
	bulk   int
	prices prices
}

var sections = []section{
	{"node", nodeRows},
	{"go", goRows},
	{"host", hostRows},
	{"log", logRows},
	{"anchor", anchorRows},
	{"stack", stackRows},
	{"bulk", bulkRows}, // the last one is not among the usual ones: it takes long
}

func main() {
	var o options
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	usual := strings.Join(names[:len(names)-1], ",")
	only := flag.String("sections", usual, "what to measure, of "+strings.Join(names, ","))
	flag.IntVar(&o.rounds, "rounds", 30, "turns that each task gets; the best one counts")
	flag.IntVar(&o.events, "events", 8000, "events that are stored one by one over 32 connections; a tenth over one, four times as many in batches")
	flag.IntVar(&o.bulk, "bulk", 1_000_000, "events that are moved in bulk; takes some minutes and 5 KB of disk each")
	o.prices.flags()
	flag.Parse()
	if err := run(o, strings.Split(*only, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, only []string) error {
	began := time.Now()
	var rows []row
	for _, s := range sections {
		if !slices.Contains(only, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s …\n", s.name)
		more, err := s.run(o)
		if err != nil {
			_ = table(os.Stderr, more) // as far as it came
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, more...)
	}
	fmt.Printf("%s, %s/%s, %d cores, %s; took %v\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format("2006-01-02 15:04 MST"), time.Since(began).Round(time.Second))
	return table(os.Stdout, rows)
}
