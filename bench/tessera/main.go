// Command tessera measures the peer of the log: Tessera's POSIX driver, which
// integrates entries of 32 bytes into a tree in a folder. It prints one line,
// entries per second until all of them were sequenced, durably, and are under a
// published checkpoint.
//
//	tessera FOLDER ENTRIES
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

// outstanding is how many entries wait for their number at a time.
const outstanding = 4096

func main() {
	klog.InitFlags(nil)
	_ = flag.Set("stderrthreshold", "FATAL")
	_ = flag.Set("logtostderr", "false")
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: tessera FOLDER ENTRIES")
	}
	n, err := strconv.ParseUint(args[1], 10, 40)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is no number of entries", args[1])
	}
	ctx := context.Background()
	driver, err := posix.New(ctx, posix.Config{Path: args[0]})
	if err != nil {
		return err
	}
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithCheckpointInterval(time.Second).
		WithBatching(outstanding, 100*time.Millisecond).WithPushback(2 * outstanding)
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, o)
	if err != nil {
		return err
	}
	began := time.Now()
	numbers := make(chan tessera.IndexFuture, outstanding)
	go func() {
		for i := range n {
			leaf := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, i))
			numbers <- appender.Add(ctx, tessera.NewEntry(leaf[:]))
		}
		close(numbers)
	}()
	for number := range numbers {
		if _, err := number(); err != nil {
			return err
		}
	}
	if err := shutdown(ctx); err != nil { // waits for a checkpoint over all of it
		return err
	}
	fmt.Printf("%.0f\n", float64(n)/time.Since(began).Seconds())
	return nil
}
