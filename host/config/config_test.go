package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "eventseal.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultIsWhatNothingLoads(t *testing.T) {
	c, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("no source gives\n%+v, the default is\n%+v", c, Default())
	}
	if c.Replicas[0].Local.Path != filepath.Join("data", "replica-a") || c.Replicas[1].Local.Path != filepath.Join("data", "replica-b") || len(c.Replicas) != 2 {
		t.Errorf("default replicas are %+v", c.Replicas)
	}
	if c.Listen != "127.0.0.1:8420" || c.MinRedundancy != 2 || c.Event.MaxBytes != 262144 {
		t.Errorf("default is %+v", c)
	}
}

func TestFileVariablesAndFlagsInThatOrder(t *testing.T) {
	path := write(t, `
listen = "127.0.0.1:1"
min_redundancy = 1
second_opinion = "all"
read.order = ["far", "near"]
[event]
max_bytes = "1MiB"
[[event.types]]
name = "NOTE"
code = 1000
[log]
level = "debug"
[[replica]]
name = "near"
kind = "local"
local.path = "/near"
[[replica]]
name = "far"
kind = "s3"
counts = false
[replica.s3]
bucket = "events"
endpoint = "http://127.0.0.1:9000"
`)
	c, err := Load(Source{File: path, Environ: []string{
		"HOME=/nowhere", "EVENTSEAL_LISTEN=127.0.0.1:2", "EVENTSEAL_LOG_LEVEL=warn", "EVENTSEAL_PRIVATE_KEY=none of this package's business",
		"EVENTSEAL_REPLICA_FAR_TIMEOUT=3s", "EVENTSEAL_REPLICA_FAR_BREAKER_FAILURES=2", "EVENTSEAL_CORS_ORIGINS=https://a.example, http://b.example:8080",
	}, Flags: map[string]string{"listen": "127.0.0.1:3"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.Log.Level != "warn" || c.SecondOpinion != "all" || c.Event.MaxBytes != 1<<20 || c.MinRedundancy != 1 {
		t.Errorf("got %+v", c)
	}
	if !reflect.DeepEqual(c.Event.Types, []Type{{"NOTE", 1000}}) || !reflect.DeepEqual(c.CORS.Origins, []string{"https://a.example", "http://b.example:8080"}) {
		t.Errorf("types %v, origins %v", c.Event.Types, c.CORS.Origins)
	}
	near, far := c.Replicas[0], c.Replicas[1]
	if near.Local.Path != "/near" || !near.Counts || far.Counts || far.S3.Bucket != "events" || far.Timeout != 3*time.Second || far.Breaker.Failures != 2 || far.Breaker.Cooldown != 200*time.Millisecond || far.S3.Prefix != "events/" {
		t.Errorf("replicas %+v", c.Replicas)
	}
}

func TestReplicasByVariablesAlone(t *testing.T) {
	secret := write(t, "hunter2\n")
	c, err := Load(Source{Environ: []string{
		"EVENTSEAL_REPLICAS=disk,disk-2,cache", "EVENTSEAL_REPLICA_DISK_KIND=local", "EVENTSEAL_REPLICA_DISK_2_KIND=local",
		"EVENTSEAL_REPLICA_DISK_2_LOCAL_PATH=/elsewhere", "EVENTSEAL_REPLICA_CACHE_KIND=redis",
		"EVENTSEAL_REPLICA_CACHE_REDIS_ADDRESSES=127.0.0.1:6379", "EVENTSEAL_REPLICA_CACHE_REDIS_PASSWORD_FILE=" + secret,
		"EVENTSEAL_EVENT_TYPES=NOTE=1000,REVIEW=1001",
	}})
	if err != nil {
		t.Fatal(err)
	}
	cache := c.Replicas[2]
	if c.Replicas[1].Local.Path != "/elsewhere" || cache.Redis.Password != "hunter2" || cache.Counts || cache.Timeout != time.Second || len(c.Event.Types) != 2 {
		t.Errorf("got %+v", c)
	}
	if s := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(s, "hunter2") {
		t.Errorf("printing the configuration prints the password: %s", s)
	}
	// A secret that is no replica's has a file, too.
	token := write(t, "a-token-of-some-length\n")
	if c, err = Load(Source{Environ: []string{"EVENTSEAL_ADMIN_TOKEN_FILE=" + token}}); err != nil || c.Admin.Token != "a-token-of-some-length" {
		t.Errorf("got %v", err)
	}
	// The default replicas can be adjusted by variable as well.
	if c, err = Load(Source{Environ: []string{"EVENTSEAL_REPLICA_REPLICA_B_LOCAL_PATH=/other-disk"}}); err != nil || c.Replicas[1].Local.Path != "/other-disk" {
		t.Errorf("got %+v, %v", c.Replicas, err)
	}
}

// Each row breaks one rule and names what the message must hold.
func TestRefusals(t *testing.T) {
	redis := "[[replica]]\nname=\"a\"\nkind=\"local\"\n[[replica]]\nname=\"b\"\nkind=\"local\"\n[[replica]]\nname=\"c\"\nkind=\"redis\"\n"
	for name, test := range map[string]struct {
		file string
		env  string
		want []string
	}{
		"no network":              {env: "EVENTSEAL_LIMITS_PROXIES=10.0.0.1", want: []string{"limits.proxies", "10.0.0.1", "10.0.0.0/8"}},
		"a negative limit":        {env: "EVENTSEAL_LIMITS_AUTHOR_RATE=-1", want: []string{"limits.author_rate"}},
		"a short admin token":     {env: "EVENTSEAL_ADMIN_TOKEN=opensesame", want: []string{"admin.token", "16 to 1024"}},
		"no bearer token":         {env: "EVENTSEAL_ADMIN_TOKEN=two words that are long", want: []string{"admin.token"}},
		"a token in the file":     {file: "[admin]\ntoken = \"a-token-of-some-length\"", want: []string{"admin.token", "token_file"}},
		"a scrub every second":    {env: "EVENTSEAL_SCRUB_EVERY=1s", want: []string{"scrub.every", "1m0s"}},
		"a negative scrub rate":   {env: "EVENTSEAL_SCRUB_RATE=-1", want: []string{"scrub.rate"}},
		"unknown key":             {file: "lisen = \"x\"", want: []string{"lisen", "did you mean listen?"}},
		"unknown nested key":      {file: "[event]\nmax_byte = 1", want: []string{"event.max_byte", "did you mean event.max_bytes?"}},
		"key in the wrong table":  {file: "max_bytes = 4096", want: []string{"max_bytes", "did you mean event.max_bytes?"}},
		"unknown table":           {file: "[evnt]\nmax_bytes = 1", want: []string{"evnt.max_bytes", "event.max_bytes"}},
		"unknown variable":        {env: "EVENTSEAL_LISEN=x", want: []string{"EVENTSEAL_LISEN", "did you mean EVENTSEAL_LISTEN?"}},
		"unknown replica":         {env: "EVENTSEAL_REPLICA_REPLICA_C_TIMEOUT=1s", want: []string{"REPLICA_C_TIMEOUT", "did you mean EVENTSEAL_REPLICA_REPLICA_A_TIMEOUT?"}},
		"unknown replica key":     {file: "[[replica]]\nname=\"a\"\nkind=\"local\"\npath=\"x\"", want: []string{`replica "a": path`, "did you mean local.path?"}},
		"key of another kind":     {file: redis + "redis.addresses=[\"h:1\"]\nlocal.path=\"/x\"", want: []string{"local.path", `of kind "redis"`}},
		"not toml":                {file: "listen = ", want: []string{"eventseal.toml:1:"}},
		"key twice":               {file: "listen = \"a:1\"\nlisten = \"b:2\"", want: []string{"eventseal.toml", "listen"}},
		"wrong type":              {file: "min_redundancy = \"two\"", want: []string{"min_redundancy", `whole number, not "two"`}},
		"string for bool":         {file: "[[replica]]\nname=\"a\"\nkind=\"local\"\ncounts=\"yes\"", want: []string{"counts", "true or false"}},
		"table for value":         {file: "[listen]\nx = 1", want: []string{"listen.x"}},
		"value for table":         {file: "event = 3", want: []string{"unknown key"}},
		"number for duration":     {file: "[store]\ntimeout = 5", want: []string{"store.timeout", `"5s"`}},
		"bad duration":            {env: "EVENTSEAL_STORE_TIMEOUT=5 parsecs", want: []string{"EVENTSEAL_STORE_TIMEOUT", "5 parsecs"}},
		"negative duration":       {env: "EVENTSEAL_STORE_TIMEOUT=-5s", want: []string{"store.timeout", "EVENTSEAL_STORE_TIMEOUT", "-5s"}},
		"bad size":                {file: "[read]\ncache = \"lots\"", want: []string{"read.cache", "lots"}},
		"size overflow":           {file: "[read]\ncache = \"99999999999GiB\"", want: []string{"read.cache", "not a size"}},
		"event too large":         {file: "[event]\nmax_bytes = \"5MiB\"", want: []string{"event.max_bytes", "5MiB", "4MiB"}},
		"bad address":             {file: "listen = \"8420\"", want: []string{"listen", `"8420" is not host:port`}},
		"bad port":                {file: "listen = \"127.0.0.1:99999\"", want: []string{"listen", "99999"}},
		"empty data":              {file: "data = \"\"", want: []string{"data", "empty"}},
		"redundancy too high":     {file: "min_redundancy = 3", want: []string{"min_redundancy", "EVENTSEAL_MIN_REDUNDANCY", "between 1 and 2"}},
		"redundancy zero":         {file: "min_redundancy = 0", want: []string{"between 1 and 2"}},
		"caches do not count":     {file: "min_redundancy = 3\n" + redis + "redis.addresses=[\"h:1\"]", want: []string{"between 1 and 2"}},
		"redis without address":   {file: redis, want: []string{`replica "c"`, "redis.addresses"}},
		"replica twice":           {file: "[[replica]]\nname=\"a\"\nkind=\"local\"\n[[replica]]\nname=\"a\"\nkind=\"local\"\nlocal.path=\"/x\"", want: []string{"two of this name"}},
		"one folder for two":      {file: "[[replica]]\nname=\"a\"\nkind=\"local\"\nlocal.path=\"/x\"\n[[replica]]\nname=\"b\"\nkind=\"local\"\nlocal.path=\"/y/../x\"", want: []string{"local.path /x", `that of "a"`}},
		"one bucket for two":      {file: "[[replica]]\nname=\"a\"\nkind=\"s3\"\ns3.bucket=\"x\"\ns3.endpoint=\"http://h:1\"\n[[replica]]\nname=\"b\"\nkind=\"s3\"\ns3.bucket=\"x\"\ns3.endpoint=\"http://H:1/\"", want: []string{`replica "b"`, "s3.bucket x", `that of "a"`}},
		"one node for two":        {file: "[[replica]]\nname=\"a\"\nkind=\"ipfs\"\nipfs.api=\"http://h:1\"\n[[replica]]\nname=\"b\"\nkind=\"ipfs\"\nipfs.api=\"http://h:1/\"", want: []string{"ipfs.api http://h:1", `that of "a"`}},
		"one Redis for two":       {file: "[[replica]]\nname=\"a\"\nkind=\"redis\"\nredis.addresses=[\"h:1\",\"h:2\"]\n[[replica]]\nname=\"b\"\nkind=\"redis\"\nredis.addresses=[\"h:2\",\"h:1\"]", want: []string{"redis.addresses", `that of "a"`}},
		"unknown kind":            {file: "[[replica]]\nname=\"a\"\nkind=\"locale\"", want: []string{"locale", "did you mean local?"}},
		"no kind":                 {env: "EVENTSEAL_REPLICAS=a,b", want: []string{"kind: is missing"}},
		"bad name":                {file: "[[replica]]\nname=\"A b\"\nkind=\"local\"", want: []string{"lower-case letters"}},
		"replica as value":        {file: "replica = 1", want: []string{"[[replica]]"}},
		"secret in the file":      {file: redis + "redis.addresses=[\"h:1\"]\nredis.password=\"hunter2\"", want: []string{"redis.password_file", "does not belong into this file"}},
		"secret file missing":     {file: redis + "redis.addresses=[\"h:1\"]\nredis.password_file=\"/nowhere/at/all\"", want: []string{"/nowhere/at/all"}},
		"half of a credential":    {file: "[[replica]]\nname=\"a\"\nkind=\"s3\"\ns3.bucket=\"b\"\ns3.access_key_id=\"x\"", want: []string{"go together"}},
		"a breaker never closed":  {file: "[[replica]]\nname=\"a\"\nkind=\"local\"\nbreaker.failures=0", want: []string{"breaker.failures"}},
		"user in a url":           {file: "[[replica]]\nname=\"a\"\nkind=\"s3\"\ns3.bucket=\"b\"\ns3.endpoint=\"http://u:hunter2@h\"", want: []string{"s3.endpoint", "without a user"}},
		"unknown name in order":   {file: "read.order = [\"replica-c\"]", want: []string{`no replica "replica-c"`, "replica-"}},
		"name twice in order":     {file: "read.order = [\"replica-a\", \"replica-a\"]", want: []string{"twice"}},
		"second opinion":          {file: "second_opinion = \"1/0\"", want: []string{"second_opinion", "1/0"}},
		"log level":               {file: "log.level = \"loud\"", want: []string{"log.level", "loud", "debug, info, warn, error"}},
		"wildcard origin":         {file: "cors.origins = [\"*\"]", want: []string{"cors.origins", `"*" is not an origin`}},
		"origin with path":        {file: "cors.origins = [\"https://a.example/\"]", want: []string{"is not an origin"}},
		"type twice":              {env: "EVENTSEAL_EVENT_TYPES=NOTE=1,NOTE=2", want: []string{"registered twice"}},
		"code twice":              {env: "EVENTSEAL_EVENT_TYPES=NOTE=1,NOTED=1", want: []string{"same code 1"}},
		"type without code":       {env: "EVENTSEAL_EVENT_TYPES=NOTE", want: []string{"NAME=CODE"}},
		"type with unknown key":   {file: "[[event.types]]\nname=\"NOTE\"\nkode=1", want: []string{"kode", "did you mean code?"}},
		"lower-case type":         {file: "[[event.types]]\nname=\"note\"\ncode=1", want: []string{"note", "type name"}},
		"negative type code":      {file: "[[event.types]]\nname=\"NOTE\"\ncode=-1", want: []string{"event.types"}},
		"zero instances at once":  {file: "http.in_flight = 0", want: []string{"http.in_flight"}},
		"number beyond 32 bits":   {file: "http.in_flight = 99999999999", want: []string{"http.in_flight"}},
		"no replicas named":       {env: "EVENTSEAL_REPLICAS=", want: []string{"names no replica"}},
		"ipfs address not a url":  {file: "[[replica]]\nname=\"a\"\nkind=\"ipfs\"\nipfs.api=\"127.0.0.1:5001\"", want: []string{"ipfs.api"}},
		"negative cache of reads": {file: "read.cache = -1", want: []string{"read.cache"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s Source
			if test.file != "" {
				s.File = write(t, test.file)
			}
			if test.env != "" {
				s.Environ = []string{test.env}
			}
			c, err := Load(s)
			if err == nil {
				t.Fatalf("accepted: %+v", c)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message holds the secret: %v", err)
			}
		})
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	_, err := Load(Source{File: write(t, "lisen = 1\nstore.timeout = \"x\""), Environ: []string{"EVENTSEAL_NONE=1"}})
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 3 {
		t.Errorf("want three messages, have %d: %v", n, err)
	}
	if _, err := Load(Source{File: "/nowhere/eventseal.toml"}); err == nil || !strings.Contains(err.Error(), "/nowhere/eventseal.toml") {
		t.Errorf("a missing file gives %v", err)
	}
}

// The example loads as it stands, gives the defaults, and loads with
// everything uncommented too; so it names every key, and none that is not.
func TestExample(t *testing.T) {
	committed, err := os.ReadFile("../../eventseal.example.toml")
	if err != nil || string(committed) != Example() {
		t.Fatalf("eventseal.example.toml is not what go generate ./host/config writes (%v)", err)
	}
	c, err := Load(Source{File: "../../eventseal.example.toml"})
	if err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("the example loads as %+v, %v; not as the default", c, err)
	}

	secret := write(t, "a-secret-of-20-bytes")
	all := regexp.MustCompile(`(?m)^#(\S)`).ReplaceAllString(Example(), "$1")
	all = regexp.MustCompile(`"/run/secrets/\w+"`).ReplaceAllString(all, fmt.Sprintf("%q", secret))
	all = strings.ReplaceAll(all, `access_key_id = ""`, `access_key_id = "AK"`)
	c, err = Load(Source{File: write(t, all)})
	if err != nil {
		t.Fatalf("uncommented: %v", err)
	}
	if len(c.Replicas) != 5 || len(c.Event.Types) != 1 || c.Replicas[4].IPFS.Token != "a-secret-of-20-bytes" || c.Replicas[2].Redis.Password != "a-secret-of-20-bytes" || c.Admin.Token != "a-secret-of-20-bytes" {
		t.Errorf("uncommented it loads as %+v", c)
	}
	for _, s := range c.settings() {
		if !strings.Contains(Example(), "["+env(s.key)+"]") || s.doc == "" {
			t.Errorf("the example does not explain %s", s.key)
		}
	}
	var r Replica
	for _, s := range r.settings() {
		if !regexp.MustCompile(`(?m)^#?`+regexp.QuoteMeta(s.key)+`(_file)? = `).MatchString(Example()) || s.doc == "" {
			t.Errorf("the example does not name %s of a replica", s.key)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "300": 300, "300B": 300, "256KiB": 256 << 10, "4 MiB": 4 << 20, "1gib": 1 << 30, "2kb": 2000, "3MB": 3e6, " 1GB ": 1e9} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5MiB", "1 TiB", "9223372036854775808", "9007199254740993MiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for size, want := range map[Size]string{0: "0", 1000: "1000", 1024: "1KiB", 256 << 10: "256KiB", 4 << 20: "4MiB", 1<<20 + 1: "1048577"} {
		if got := size.String(); got != want {
			t.Errorf("%d is written %q", size, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(Example(), "EVENTSEAL_LISTEN=127.0.0.1:0")
	f.Add("[[replica]]\nname = 1", "EVENTSEAL_REPLICAS=a,,b")
	f.Fuzz(func(t *testing.T, file, variable string) {
		path := filepath.Join(t.TempDir(), "f.toml")
		if os.WriteFile(path, []byte(file), 0o600) != nil {
			t.Skip()
		}
		if c, err := Load(Source{File: path, Environ: []string{variable}}); err == nil && (c.MinRedundancy < 1 || c.MinRedundancy > c.Counting()) {
			t.Errorf("accepted %+v", c)
		}
	})
}
