package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/servers"
)

// A step is one command of a console block and what it is said to print.
type step struct{ command, output string }

// steps reads the console blocks of a Markdown text: "$ " begins a command,
// "> " goes on with it, everything else is output.
func steps(markdown string) (out []step) {
	inside := false
	for line := range strings.Lines(markdown) {
		last := len(out) - 1
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.TrimSpace(line) == "```console"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			out = append(out, step{command: line[2:]})
		case strings.HasPrefix(line, "> ") && out[last].output == "":
			out[last].command += line[2:]
		default:
			out[last].output += line
		}
	}
	return out
}

// varying is what differs from one run to the next.
var varying = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<hash>"},
	{regexp.MustCompile(`\b(PUB|SIG)_([KR]1)_[1-9A-HJ-NP-Za-km-z]{40,}`), "<$1 $2>"},
	{regexp.MustCompile(`\bEOS[1-9A-HJ-NP-Za-km-z]{50}\b`), "<EOS>"},
	{regexp.MustCompile(`"created_at": ?[0-9]+`), `"created_at": <seconds>`},
	{regexp.MustCompile(`"admitted_at": ?[0-9]+`), `"admitted_at": <milliseconds>`},
	{regexp.MustCompile(`"admitted_at": ?"[^"]+"`), `"admitted_at": <time>`},
	{regexp.MustCompile(`localhost/log/[0-9a-f]{16}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`), "<log>"},
	{regexp.MustCompile(`"epoch": ?"[0-9a-f]{16}"`), `"epoch": <epoch>`},
}

func settle(output string) string {
	for _, v := range varying {
		output = v.form.ReplaceAllString(output, v.as)
	}
	return output
}

// The README's commands do what it says, in a folder like a clone's, against a
// host that was started as it says.
func TestReadme(t *testing.T) {
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := steps(string(text))
	if len(all) < 6 {
		t.Fatalf("only %d commands were found", len(all))
	}
	dir := t.TempDir()
	p := newProcess(t, filepath.Join(dir, "data"))
	if err := os.Symlink(filepath.Dir(p.binary), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.ready()
	for _, s := range all {
		cmd := exec.Command("bash", "-c", s.command)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "EVENTSEAL_SERVER=" + p.url()}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		// A command may end with another status: what it prints is what counts.
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if got, want := settle(out.String()), settle(s.output); got != want {
			t.Errorf("$ %sprints\n%s\nthe README says\n%s", s.command, got, want)
		}
	}
	p.stop()
}
