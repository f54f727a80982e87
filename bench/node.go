package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// The peers that bars name.
const (
	libauth   = "libauth verifySignatureCompact"
	eosjs     = "eosjs 22 Signature.verify"
	wharfkit  = "wharfkit verifyDigest"
	canonical = "JSON.parse + canonicalize + node:crypto"
)

// nodeBars are by the names that bench/node gives its tasks.
var nodeBars = map[string][]bar{
	"module: whole event, bytes to verdict":                 {{libauth, 1}, {eosjs, 12}, {wharfkit, 12}},
	"module: the event checked, preimage and record hashed": {{canonical, 1}},
}

// inNode runs a script of bench/node, with the peers that it needs, and returns
// what it writes.
func inNode(script string, args ...string) ([]byte, error) {
	dir := filepath.Join("bench", "node")
	// npm notes what it has installed.
	have, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	want, wanted := os.Stat(filepath.Join(dir, "package-lock.json"))
	if wanted != nil {
		return nil, wanted
	}
	if err != nil || have.ModTime().Before(want.ModTime()) {
		install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--silent")
		install.Dir, install.Stderr = dir, os.Stderr
		if err := install.Run(); err != nil {
			return nil, fmt.Errorf("npm ci: %w", err)
		}
	}
	cmd := exec.Command("node", append([]string{script}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", script, err)
	}
	return out, nil
}

// nodeRows runs bench/node, which measures the module and the npm peers in V8.
func nodeRows(o options) ([]row, error) {
	out, err := inNode("run.mjs", strconv.Itoa(o.rounds))
	if err != nil {
		return nil, err
	}
	var rows []row
	named := 0
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var t struct {
			Section, Name string
			US            float64
		}
		if err := json.Unmarshal(s.Bytes(), &t); err != nil {
			return nil, err
		}
		if nodeBars[t.Name] != nil {
			named++
		}
		rows = append(rows, row{section: "In Node (V8): " + t.Section, name: t.Name, value: t.US, unit: microseconds, bars: nodeBars[t.Name]})
	}
	if named != len(nodeBars) {
		return nil, fmt.Errorf("bench/node has %d of the %d tasks with bars", named, len(nodeBars))
	}
	return bySection(rows), nil
}

// bySection brings the rows of a section together, in the order of the
// sections' first rows.
func bySection(rows []row) (out []row) {
	seen := map[string]bool{}
	for _, first := range rows {
		if seen[first.section] {
			continue
		}
		seen[first.section] = true
		for _, r := range rows {
			if r.section == first.section {
				out = append(out, r)
			}
		}
	}
	return out
}
