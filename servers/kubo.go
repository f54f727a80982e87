package servers

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// isolated are the settings that keep a node to itself: no peers, no routing,
// no discovery, no relays, no telemetry, nothing beyond loopback.
var isolated = map[string]any{
	"Addresses.Swarm":            []string{},
	"Addresses.Gateway":          []string{},
	"Bootstrap":                  []string{},
	"Routing.Type":               "none",
	"Routing.DelegatedRouters":   []string{},
	"Ipns.DelegatedPublishers":   []string{},
	"AutoConf.Enabled":           false,
	"AutoTLS.Enabled":            false,
	"AutoNAT.ServiceMode":        "disabled",
	"Discovery.MDNS.Enabled":     false,
	"Swarm.DisableNatPortMap":    true,
	"Swarm.EnableHolePunching":   false,
	"Swarm.RelayClient.Enabled":  false,
	"Swarm.RelayService.Enabled": false,
	"Provide.Enabled":            false,
	"DNS.Resolvers":              map[string]string{},
	"Gateway.NoFetch":            true,
	"Plugins.Plugins.telemetry":  map[string]bool{"Disabled": true},
}

// NewKubo prepares an isolated IPFS node in dir, making its repository, with
// the given profiles, where there is none. Its API is at Addr. The profile
// "pebbleds" stores several times as many small blocks in a second as the
// default, which makes a file of each.
func NewKubo(dir string, profiles ...string) (*Server, error) {
	path, err := binary("ipfs")
	if err != nil {
		return nil, err
	}
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	repo := filepath.Join(dir, "repo")
	env := []string{"IPFS_PATH=" + repo, "IPFS_TELEMETRY=off"}
	if _, err := os.Stat(filepath.Join(repo, "config")); err != nil {
		cmd := exec.Command(path, "init", "--empty-repo", "--profile="+strings.Join(profiles, ","))
		cmd.Env = append(env, "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("servers: ipfs init: %w: %s", err, out)
		}
	}
	if err := configure(filepath.Join(repo, "config"), addr); err != nil {
		return nil, fmt.Errorf("servers: kubo: %w", err)
	}
	return &Server{
		Kind: "kubo", Addr: addr, Dir: dir, port: held, env: env,
		argv:  []string{path, "daemon", "--offline", "--enable-gc=false"},
		ready: answers("POST", "http://"+addr+"/api/v0/version"),
	}, nil
}

// configure edits the node's settings in place; the node is not running.
func configure(file, addr string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	config := map[string]any{}
	if err := json.Unmarshal(b, &config); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	set(config, "Addresses.API", "/ip4/"+host+"/tcp/"+port)
	for key, value := range isolated {
		set(config, key, value)
	}
	b, err = json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// set sets a dotted key in nested objects.
func set(object map[string]any, key string, value any) {
	first, rest, nested := strings.Cut(key, ".")
	if !nested {
		object[key] = value
		return
	}
	inner, ok := object[first].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[first] = inner
	}
	set(inner, rest, value)
}

// Ipfs runs the node's own client against it and returns what it printed.
func (s *Server) Ipfs(stdin string, args ...string) ([]byte, error) {
	cmd := exec.Command(s.argv[0], args...)
	cmd.Env = append([]string{"HOME=" + s.Dir}, s.env...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		return out, fmt.Errorf("servers: ipfs %s: %w: %s", args[0], err, exit.Stderr)
	}
	return out, err
}
