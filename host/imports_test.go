package host_test

import (
	"os/exec"
	"strings"
	"testing"
)

const root = "github.com/eventseal/eventseal/"

// onlyIn names the dependencies that one place alone may import, so that the
// place can be replaced, reviewed and tested as a whole.
var onlyIn = map[string]string{
	"github.com/tetratelabs/wazero":        root + "host/module",
	"github.com/gowebpki/jcs":              root + "host/reference",
	"github.com/eoscanada/eos-go":          root + "host/reference",
	"modernc.org/sqlite":                   root + "host/journal",
	"github.com/redis/go-redis":            root + "host/replica/redis",
	"github.com/aws/":                      root + "host/replica/s3",
	"github.com/ipfs/kubo":                 root + "host/replica/ipfs",
	"github.com/prometheus/client_golang/": root + "host/",
	"github.com/alecthomas/kong":           root + "host/cmd",
}

// never lists the directions that the data does not flow in: whoever is under
// the key must not import anything under the values.
var never = map[string][]string{
	"wasm/":           {"host/", "sdk-js/", "web/"},
	"host/module":     {"host/journal", "host/replica", "host/intake", "host/api", "host/config", "host/cmd", "host/client"},
	"host/reference":  {"host/module", "host/journal", "host/replica", "host/intake", "host/api", "wasm/canon", "wasm/event", "wasm/sig", "wasm/key"},
	"host/custody":    {"host/"},
	"host/placement":  {"host/intake", "host/retrieve", "host/scrub", "host/health", "host/api", "host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/journal":    {"host/replica", "host/placement", "host/intake", "host/retrieve", "host/scrub", "host/api", "host/config", "host/cmd", "host/client"},
	"host/replica":    {"host/journal", "host/intake", "host/retrieve", "host/api", "host/cmd", "host/client", "host/scrub"},
	"host/intake":     {"host/api", "host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/retrieve":   {"host/intake", "host/health", "host/api", "host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/scrub":      {"host/intake", "host/retrieve", "host/health", "host/api", "host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/health":     {"host/api", "host/intake", "host/retrieve", "host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/log":        {"host/intake", "host/retrieve", "host/scrub", "host/health", "host/api", "host/cmd", "host/client", "host/config", "host/witness", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/anchor":     {"host/intake", "host/retrieve", "host/scrub", "host/health", "host/api", "host/cmd", "host/client", "host/config", "host/log", "host/witness", "host/monitor", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/limit":      {"host/api", "host/intake", "host/retrieve", "host/replica", "host/scrub", "host/health", "host/cmd", "host/client", "host/config"},
	"host/receipt":    {"host/api", "host/retrieve", "host/replica", "host/scrub", "host/health", "host/cmd", "host/client", "host/config", "host/log"},
	"host/evidence":   {"host/journal", "host/replica", "host/intake", "host/retrieve", "host/scrub", "host/api", "host/client", "host/config", "host/cmd", "host/log"},
	"host/feed":       {"host/api", "host/intake", "host/retrieve", "host/replica", "host/health", "host/cmd", "host/client", "host/config"},
	"host/api":        {"host/cmd", "host/client", "host/config", "host/replica/all", "host/replica/redis", "host/replica/s3", "host/replica/ipfs", "host/replica/local"},
	"host/client":     {"host/intake", "host/journal", "host/api", "host/cmd", "host/scrub"},
	"host/bulk":       {"host/intake", "host/journal", "host/replica", "host/api", "host/cmd", "host/config"},
	"host/config":     {"host/intake", "host/journal", "host/api", "host/cmd", "host/replica"},
	"host/checkpoint": {"host/"},
	"host/antelope":   {"host/"},
	"host/tile":       {"host/journal", "host/replica", "host/intake", "host/api", "host/cmd", "host/client", "host/log"},
	"host/witness":    {"host/journal", "host/replica", "host/intake", "host/retrieve", "host/scrub", "host/api", "host/client", "host/config", "host/cmd", "host/log"},
	"host/monitor":    {"host/journal", "host/replica", "host/intake", "host/retrieve", "host/scrub", "host/api", "host/config", "host/cmd", "host/log", "host/witness"},
	"host/":           {"wasm/event", "wasm/canon", "wasm/sig", "wasm/receipt", "wasm/proof", "wasm/note", "wasm/ed25519", "wasm/antelope"}, // what is valid is decided inside the module
	"host/replica/s3": {"host/config"},

	"host/anchor/contract": {"host/", "wasm/"}, // what is on a chain changes with nothing
}

// allowed are the exceptions, each with its reason beside it.
var allowed = map[string]string{}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, root+"host/...", root+"wasm/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 5 {
		t.Fatalf("go list named only %d packages", len(packages))
	}
	for _, line := range packages {
		fields := strings.Fields(line)
		pkg, imports := fields[0], fields[1:]
		for _, imp := range imports {
			if allowed[strings.TrimPrefix(pkg, root)] == strings.TrimPrefix(imp, root) {
				continue
			}
			for dep, place := range onlyIn {
				if strings.HasPrefix(imp, dep) && !strings.HasPrefix(pkg, place) {
					t.Errorf("%s imports %s, which only %s may", pkg, imp, place)
				}
			}
			for from, tos := range never {
				for _, to := range tos {
					if under(pkg, root+from) && under(imp, root+to) {
						t.Errorf("%s imports %s: data flows the other way", pkg, imp)
					}
				}
			}
		}
	}
}

// The module's packages are built by TinyGo into something that a page loads:
// what drags the runtime's reflection in stays out of them.
func TestModulePackagesStayLean(t *testing.T) {
	heavy := map[string]bool{"fmt": true, "reflect": true, "regexp": true, "math/big": true, "encoding/json": true, "os": true, "net": true, "time": true, "crypto/sha256": true, "sync": true}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, root+"wasm/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		if strings.HasSuffix(fields[0], "/gen") {
			continue // run by go generate, never part of the module
		}
		for _, imp := range fields[1:] {
			if heavy[imp] {
				t.Errorf("%s imports %s", fields[0], imp)
			}
		}
	}
}

func under(path, folder string) bool {
	folder = strings.TrimSuffix(folder, "/")
	return path == folder || strings.HasPrefix(path, folder+"/")
}
