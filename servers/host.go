package servers

import (
	"os"
	"path/filepath"
)

// NewHost prepares an Eventseal host in dir from a configuration file's text,
// which must not say where to listen. binary is the path of eventseal; env
// holds the secrets, as NAME=value.
func NewHost(dir, binary, config string, env ...string) (*Server, error) {
	addr, err := address(dir)
	if err != nil {
		return nil, err
	}
	file, err := writeFile(dir, "eventseal.toml", config)
	if err != nil {
		return nil, err
	}
	return &Server{
		Kind: "host", Addr: addr, Dir: dir, env: env,
		argv:  []string{binary, "serve", "--config", file, "--listen", addr, "--data", filepath.Join(dir, "data")},
		ready: answers("GET", "http://"+addr+"/readyz"),
	}, nil
}

// MakeDir makes a server's folder.
func MakeDir(parts ...string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(parts...))
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}
