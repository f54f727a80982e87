// Testchain serves a chain of package servers/chain with the contract of
// host/anchor/contract: nodeos' HTTP API, and under /test/ the control that
// package chain describes.
//
//	testchain --listen 127.0.0.1:8888 --key PUB_K1_…
//
// Its first line on standard output is its URL. With --dir the chain is there
// again at the next start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/eventseal/eventseal/servers/chain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "testchain:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, args []string) error {
	o := chain.Options{Keys: map[string][]string{}, Links: map[string]string{}}
	flags := flag.NewFlagSet("testchain", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address of node 0, host:port")
	nodes := flags.Int("nodes", 1, "how many nodes there are; those after the first listen on ports of their own, which GET /test/state tells")
	flags.StringVar(&o.Dir, "dir", "", "folder that keeps the blocks; without it they are in memory alone")
	flags.StringVar(&o.Account, "account", "eventseal", "the contract's account")
	flags.IntVar(&o.Lag, "lag", 3, "how many blocks the irreversible one is behind the head")
	flags.DurationVar(&o.Interval, "interval", 500*time.Millisecond, "time between two blocks; 0: they come by POST /test/produce alone")
	flags.Func("key", "public key of the permissions owner and active; PERMISSION=PUB_K1_… of another one, which is enough for post and event. May be given again", func(s string) error {
		permission, key, ok := strings.Cut(s, "=")
		if !ok {
			o.Keys["owner"], o.Keys["active"] = append(o.Keys["owner"], s), append(o.Keys["active"], s)
			return nil
		}
		o.Keys[permission] = append(o.Keys[permission], key)
		if permission != "owner" && permission != "active" {
			o.Links["post"], o.Links["event"] = permission, permission
		}
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q?", flags.Arg(0))
	}
	if o.Lag <= 0 {
		o.Lag = -1
	}
	o.Auto = o.Interval > 0
	c, err := chain.New(o)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := 1; i < *nodes; i++ {
		c.Node(i).URL()
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	server := &http.Server{Handler: c.Node(0), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return errors.Join(server.Close(), c.Close())
	}
}
