// Stack starts an Eventseal host with two local replicas, Redis, S3, IPFS and a
// test chain that it anchors to, all on loopback and in build/stack, and ends them again.
//
//	go run ./servers/stack up     starts what is not running and says how to use it
//	go run ./servers/stack down   ends it; the data stays
//	go run ./servers/stack down redis
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eventseal/eventseal/servers"
)

const bucket = "eventseal"

var kinds = []string{"host", "redis", "s3", "ipfs", "chain"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root, err := servers.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "build", "stack")
	switch {
	case len(args) == 1 && args[0] == "up":
		return up(root, dir)
	case len(args) >= 1 && args[0] == "down":
		return down(dir, args[1:])
	}
	return fmt.Errorf("usage: stack up | stack down [host|redis|s3|ipfs|chain]…")
}

// down ends the named servers, or all, and says of each what became of it.
func down(dir string, which []string) error {
	if len(which) == 0 {
		which = kinds
	}
	for _, kind := range which {
		if !slices.Contains(kinds, kind) {
			return fmt.Errorf("there is no server %q; there are %s", kind, strings.Join(kinds, ", "))
		}
	}
	for _, kind := range which {
		if servers.End(filepath.Join(dir, folder(kind))) {
			fmt.Println("ended", kind)
		} else {
			fmt.Println(kind, "does not run")
		}
	}
	return nil
}

// folder is where a server has its data.
func folder(kind string) string {
	if kind == "ipfs" {
		return "kubo"
	}
	return kind
}

// start starts one server unless it runs already.
func start(dir, kind string, prepare func(dir string) (*servers.Server, error)) (*servers.Server, error) {
	own, err := servers.MakeDir(dir, folder(kind))
	if err != nil {
		return nil, err
	}
	s, err := prepare(own)
	if err != nil {
		return nil, err
	}
	if s.Running(context.Background()) {
		return s, nil
	}
	servers.End(own) // one that does not answer
	s.Detached = true
	return s, s.Start()
}

func up(root, dir string) error {
	cache, err := start(dir, "redis", func(dir string) (*servers.Server, error) { return servers.NewRedis(dir) })
	if err != nil {
		return err
	}
	node, err := start(dir, "ipfs", func(dir string) (*servers.Server, error) { return servers.NewKubo(dir, "pebbleds") })
	if err != nil {
		return err
	}
	store, err := start(dir, "s3", servers.NewS3)
	if err != nil {
		return err
	}
	if err := store.Bucket(bucket); err != nil {
		return err
	}
	ledger, anchor, secret, err := startChain(root, dir)
	if err != nil {
		return err
	}
	text, secrets := servers.StackConfig(cache.Addr, store.URL(), bucket, node.URL())
	text, secrets = text+anchor, append(secrets, secret...)
	binary := filepath.Join(root, "bin", "eventseal")
	host, err := start(dir, "host", func(dir string) (*servers.Server, error) {
		return servers.NewHost(dir, binary, text, secrets...)
	})
	if err != nil {
		return err
	}
	fmt.Printf(usage, host.URL(), cache.Addr, store.URL(), node.URL(), ledger.URL(),
		host.URL(), hostPort(cache.Addr), filepath.Join(dir, folder("ipfs"), "repo"), filepath.Join(root, "build", "servers", "ipfs"),
		servers.S3AccessKey, servers.S3SecretKey, servers.S3Region, store.URL(), bucket, ledger.URL(), dir)
	return nil
}

// startChain starts the chain, and returns what the host has to know of it: the end of its settings, and
// the key.
func startChain(root, dir string) (s *servers.Server, text string, env []string, err error) {
	var private, public string
	s, err = start(dir, "chain", func(dir string) (*servers.Server, error) {
		if private, public, err = servers.ChainKey(dir); err != nil {
			return nil, err
		}
		return servers.NewChain(dir, filepath.Join(root, "bin", "testchain"), "--key", "anchor="+public)
	})
	if err != nil {
		return nil, "", nil, err
	}
	id, err := servers.ChainID(s.URL())
	if err != nil {
		return nil, "", nil, err
	}
	text, env = servers.AnchorConfig(s.URL(), id, "eventseal", "anchor", private)
	return s, text, env, nil
}

func hostPort(addr string) string {
	for i := len(addr) - 1; i >= 0; i-- {
		if addr[i] == ':' {
			return addr[i+1:]
		}
	}
	return addr
}

const usage = `The stack is up. Three of its four counting replicas make an event durable.

  host   %s      redis  %s      s3  %s      ipfs  %s      chain  %s

Store an event and look at it:

  export EVENTSEAL_SERVER=%s
  bin/eventseal keygen --out build/stack/key.json
  echo '{"node": "track:1"}' | bin/eventseal create --type ADD_CLAIM --key-file build/stack/key.json |
    bin/eventseal sign --key-file build/stack/key.json > build/stack/event.json
  bin/eventseal put --wait all build/stack/event.json
  bin/eventseal status $(bin/eventseal hash build/stack/event.json)
  bin/eventseal health

Look into each server with its own client:

  redis-cli -p %s keys 'event:*'
  IPFS_PATH=%s %s block get f01551220$(bin/eventseal hash build/stack/event.json)   # the hash is the CID
  AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s aws --endpoint-url %s s3 ls s3://%s/events/

What is on the chain, and a fork that takes the last two blocks back (package servers/chain has more of these):

  bin/eventseal anchor status
  curl -s %[15]s/test/state
  curl -s -d '{"depth": 2}' %[15]s/test/fork

End one server, store and read on, and start it again:

  go run ./servers/stack down s3
  go run ./servers/stack up

Data and logs are in %[16]s. End everything: make stack-down
`
