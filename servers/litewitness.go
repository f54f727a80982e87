package servers

import (
	"crypto/ed25519"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// NewLitewitness prepares torchwood's witness in dir: of this name and key,
// for logs by their vkeys. The key stays with an agent, which serves on the
// socket until that is closed.
func NewLitewitness(dir, name string, key ed25519.PrivateKey, socket net.Listener, logs ...string) (*Server, error) {
	path, err := binary("litewitness")
	if err != nil {
		return nil, err
	}
	control, err := binary("witnessctl")
	if err != nil {
		return nil, err
	}
	addr, held, err := address(dir)
	if err != nil {
		return nil, err
	}
	db := filepath.Join(dir, "litewitness.db")
	for _, vkey := range logs {
		origin, _, _ := strings.Cut(vkey, "+")
		for _, args := range [][]string{{"add-log", "-db", db, "-origin", origin}, {"add-key", "-db", db, "-origin", origin, "-key", vkey}} {
			if out, err := exec.Command(control, args...).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("servers: witnessctl: %w: %s", err, out)
			}
		}
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = agent.ServeAgent(keys, conn)
			}()
		}
	}()
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	return &Server{
		Kind: "litewitness", Addr: addr, Dir: dir, port: held,
		argv:  []string{path, "-name", name, "-db", db, "-listen", addr, "-ssh-agent", socket.Addr().String(), "-key", ssh.FingerprintSHA256(signer.PublicKey())},
		ready: answers("GET", "http://"+addr+"/"),
	}, nil
}
