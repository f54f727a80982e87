package config

import "strings"

// A setting is one key: where its value goes and what it means. The value's
// type decides how it is written; see values.go.
type setting struct {
	key     string // dotted path in the file
	to      any    // pointer to the field
	doc     string // for the example file
	example string // TOML value shown there where the default says too little
}

// env returns the variable that stands for a key: max_bytes of event is
// EVENTSEAL_EVENT_MAX_BYTES.
func env(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

const (
	envPrefix    = "EVENTSEAL_"
	replicaKey   = "replica"
	replicasEnv  = "EVENTSEAL_REPLICAS"
	replicaEnv   = "EVENTSEAL_REPLICA_"
	eventTypeKey = "event.types"
)

// foreign are the EVENTSEAL_ variables that are not settings: what the
// commands and the tests read themselves.
var foreign = map[string]bool{
	"EVENTSEAL_CONFIG":           true, // file to read, as --config
	"EVENTSEAL_SERVER":           true, // address that commands talk to
	"EVENTSEAL_PRIVATE_KEY":      true, // key that sign uses
	"EVENTSEAL_REQUIRE":          true, // tests that must not skip
	"EVENTSEAL_EXTERNAL_VECTORS": true, // folder of further test vectors
}

// settings lists every key but those of replicas.
func (c *Config) settings() []setting {
	return []setting{
		{key: "listen", to: &c.Listen, doc: "Address to serve HTTP on, host:port. Port 0 takes a free one and logs it."},
		{key: "data", to: &c.Data, doc: "Folder of the journal, of local replicas and of the compilation cache. One process at a time."},
		{key: "min_redundancy", to: &c.MinRedundancy, doc: "How many counting replicas must hold an event before a store is answered as done.\nAt least 1 and at most the number of counting replicas."},
		{key: "second_opinion", to: &c.SecondOpinion, doc: "How many admitted events the independent implementation re-verifies: \"off\", \"all\" or\n\"1/N\" for one of N."},

		{key: "event.max_bytes", to: &c.Event.MaxBytes, doc: "Largest event. At most 4MiB. Sizes: B, KB, MB, GB (1000) and KiB, MiB, GiB (1024)."},
		{key: eventTypeKey, to: &c.Event.Types, doc: "Event types beside the built-in ones, with their on-chain codes.\nAs a variable: \"NOTE=1000,REVIEW=1001\".", example: `[{ name = "NOTE", code = 1000 }]`},

		{key: "module.instances", to: &c.Module.Instances, doc: "Instances of the WebAssembly module; 0 is one per core."},
		{key: "module.call_timeout", to: &c.Module.CallTimeout, doc: "Deadline of one call into the module. Durations: ms, s, m, h."},
		{key: "module.cache", to: &c.Module.Cache, doc: "Folder of the compilation cache; \"off\" compiles at every start. Empty: module-cache in data.", example: `"off"`},

		{key: "store.timeout", to: &c.Store.Timeout, doc: "How long a store waits for min_redundancy before it is answered 503. The event stays\njournaled and goes on to its replicas."},

		{key: "read.order", to: &c.Read.Order, doc: "Names of replicas, the first is asked first. Empty: redis, then local, s3, ipfs. Those that\nare not named come last.", example: `["replica-a", "replica-b"]`},
		{key: "read.hedge_after", to: &c.Read.HedgeAfter, doc: "A source that takes longer than this has the next one asked beside it."},
		{key: "read.cache", to: &c.Read.Cache, doc: "Memory for recently read records; 0 holds none."},

		{key: "http.header_timeout", to: &c.HTTP.HeaderTimeout, doc: "How long the header of a request may take."},
		{key: "http.body_timeout", to: &c.HTTP.BodyTimeout, doc: "How long the body of a request may take; of a batch: each of its lines."},
		{key: "http.idle_timeout", to: &c.HTTP.IdleTimeout, doc: "How long a connection without a request is kept."},
		{key: "http.shutdown_timeout", to: &c.HTTP.ShutdownTimeout, doc: "How long requests in flight may take to finish at shutdown."},
		{key: "http.in_flight", to: &c.HTTP.InFlight, doc: "Requests at once; more are answered 503 overloaded."},
		{key: "http.batch_events", to: &c.HTTP.BatchEvents, doc: "Most hashes of one retrieval."},

		{key: "cors.origins", to: &c.CORS.Origins, doc: "Pages that may call the service from a browser, by exact origin. None by default.", example: `["https://app.example.com"]`},
		{key: "cors.max_age", to: &c.CORS.MaxAge, doc: "How long a browser may remember the answer to its preflight."},

		{key: "limits.allow_authors", to: &c.Limits.AllowAuthors, doc: "Public keys of those whose events alone are stored, in any spelling. Empty: everyone's.", example: `["PUB_K1_8M52gF6B4gy56pYJgWYr8T5Vw7ASrby7LrHX6yKSKRjKVueCUd"]`},
		{key: "limits.deny_authors", to: &c.Limits.DenyAuthors, doc: "Public keys of those whose events are not. What is stored stays, and is served.", example: `["EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"]`},
		{key: "limits.author_rate", to: &c.Limits.AuthorRate, doc: "New events per second of one author; 0 is any number. More are refused as rate_limited."},
		{key: "limits.address_rate", to: &c.Limits.AddressRate, doc: "Events per second from one address (of IPv6, one /64), valid or not; 0 is any number."},
		{key: "limits.burst", to: &c.Limits.Burst, doc: "Who sent nothing for so long may send at once what the rates allow in that time."},
		{key: "limits.proxies", to: &c.Limits.Proxies, doc: "Networks of the reverse proxies before the host: their X-Forwarded-For says who the client is.", example: `["127.0.0.1/32", "10.0.0.0/8"]`},

		{key: "admin.token", to: &c.Admin.Token, doc: "File that holds the bearer token of the calls under /v1/admin, at least 16 characters, or the token\nitself in the variable without _FILE. Without a token there are no such calls."},

		{key: "scrub.every", to: &c.Scrub.Every, doc: "How long after one scrub the running host begins the next: it reads every copy of every event,\ncompares and repairs. 0s: only when it is told to."},
		{key: "scrub.rate", to: &c.Scrub.Rate, doc: "Events per second that a scrub of the running host looks at; 0 is as fast as it can."},

		{key: "transparency.name", to: &c.Transparency.Name, doc: "Public name of the host, which its log's origin begins with: host name and path of its address. Another\nname is another origin, for which witnesses and clients have to be told anew.", example: `"events.example.org"`},
		{key: "transparency.every", to: &c.Transparency.Every, doc: "Time between two signed heads of the log, of which there are none without new events.\nEach one leaves some 250 KB in an IPFS replica to the node's garbage collection: run it with --enable-gc."},
		{key: "transparency.key_file", to: &c.Transparency.KeyFile, doc: "File of the key that signs heads and receipts; eventseal keygen --host makes one. Keep a copy: another\nkey is another log. Empty: host.key in data, made where it is missing.", example: `"/etc/eventseal/host.key"`},
		{key: "transparency.witnesses", to: &c.Transparency.Witnesses, doc: "Witnesses that are asked to cosign each head, as \"URL vkey\".", example: `["https://witness.example.net w1.example.net+d6e6cb72+BEQpkwZQBKoeTEj03QFYGUwCNJvMZkzZbkAOommRio1R"]`},
		{key: "transparency.witness_quorum", to: &c.Transparency.WitnessQuorum, doc: "With fewer cosignatures than that the host warns. Who verifies has a policy of their own."},
		{key: "transparency.witness_timeout", to: &c.Transparency.WitnessTimeout, doc: "How long a head waits for its cosignatures before it is served without."},
		{key: "transparency.receipts", to: &c.Transparency.Receipts, doc: "Whether the answer to a store holds a signed receipt."},

		{key: "anchor.driver", to: &c.Anchor.Driver, doc: "Chain that heads of the log are put on: \"antelope\" (EOS and its like); empty: none. docs/anchor.md says how\nto bring the contract there, and what it costs.", example: `"antelope"`},
		{key: "anchor.endpoints", to: &c.Anchor.Endpoints, doc: "URLs of nodes of the chain, best of several operators; the next one is asked where one fails or is behind.", example: `["https://eos.example.org", "https://eos.example.net"]`},
		{key: "anchor.chain_id", to: &c.Anchor.ChainID, doc: "Id of the chain, so that no node can pass another one off as it.", example: `"aca376f206b8fc25a6ed44dbdc66547c36c6c33e3a119ffbeaef943642f0e906"`},
		{key: "anchor.contract", to: &c.Anchor.Contract, doc: "Account that the contract is deployed to. One host and one log each.", example: `"eventseal"`},
		{key: "anchor.permission", to: &c.Anchor.Permission, doc: "Permission of that account that signs. One of its own, linked to the contract's two actions, can do nothing else.", example: `"anchor"`},
		{key: "anchor.signer", to: &c.Anchor.Signer, doc: "\"key\": the host signs. \"wallet\": the host has no key, and shows what a wallet is to sign (EEP-7) in\neventseal anchor status and on the page."},
		{key: "anchor.key", to: &c.Anchor.Key, doc: "File that holds the private key of the permission, or the key itself in the variable without _FILE."},
		{key: "anchor.every", to: &c.Anchor.Every, doc: "Time between two heads that are put there, of which there are none without new events."},
		{key: "anchor.patience", to: &c.Anchor.Patience, doc: "How long an event that is in too few replicas holds back what is put there; then health names it."},
		{key: "anchor.events", to: &c.Anchor.Events, doc: "Types of which every event is put there on its own, too, by type code and hash; \"*\" is all of them.\nEvents from before it was set are not.", example: `["FINALIZE", "DISTRIBUTE_REWARDS"]`},

		{key: "log.level", to: &c.Log.Level, doc: "debug, info, warn or error."},
		{key: "log.format", to: &c.Log.Format, doc: "text or json."},
	}
}

// settings lists every key of a replica. Those with a dot belong to the kind
// before it.
func (r *Replica) settings() []setting {
	return []setting{
		{key: "name", to: &r.Name, doc: "Lower-case letters, digits and hyphens; it stays with the copies, so do not change it."},
		{key: "kind", to: &r.Kind, doc: "local, redis, s3 or ipfs."},
		{key: "counts", to: &r.Counts, doc: "Whether its copies count towards min_redundancy; by default all but redis do."},
		{key: "timeout", to: &r.Timeout, doc: "Deadline of one operation, beside a second for every 256 KiB that it moves."},
		{key: "breaker.failures", to: &r.Breaker.Failures, doc: "Failures in a row after which it is left alone for a while."},
		{key: "breaker.cooldown", to: &r.Breaker.Cooldown, doc: "How long at first; doubles while it fails, up to a second."},

		{key: "local.path", to: &r.Local.Path, doc: "Its folder. Empty: its name in data."},

		{key: "redis.addresses", to: &r.Redis.Addresses, doc: "host:port of the server; of the Sentinels; or of some nodes of the Cluster.", example: `["127.0.0.1:6379"]`},
		{key: "redis.master_name", to: &r.Redis.MasterName, doc: "Under which the Sentinels know the server; empty: the addresses are no Sentinels."},
		{key: "redis.cluster", to: &r.Redis.Cluster, doc: "Whether the addresses are nodes of a Cluster."},
		{key: "redis.username", to: &r.Redis.Username, doc: "ACL user; empty is the default user."},
		{key: "redis.password", to: &r.Redis.Password, doc: "File that holds the password, or the password itself in the variable without _FILE."},
		{key: "redis.sentinel_username", to: &r.Redis.SentinelUsername, doc: "User at the Sentinels."},
		{key: "redis.sentinel_password", to: &r.Redis.SentinelPassword, doc: "File that holds the password at the Sentinels, or the password itself in the variable without _FILE."},
		{key: "redis.db", to: &r.Redis.DB, doc: "Number of the database."},
		{key: "redis.tls", to: &r.Redis.TLS, doc: "Whether to speak TLS."},
		{key: "redis.prefix", to: &r.Redis.Prefix, doc: "What every key begins with."},
		{key: "redis.ttl", to: &r.Redis.TTL, doc: "How long it keeps an event after a store."},
		{key: "redis.fill_ttl", to: &r.Redis.FillTTL, doc: "How long it keeps an event that a read put there."},

		{key: "s3.endpoint", to: &r.S3.Endpoint, doc: "URL of the service; empty is AWS.", example: `"https://s3.example.com"`},
		{key: "s3.region", to: &r.S3.Region, doc: "Region. Empty: what AWS_REGION or the shared files say, or us-east-1.", example: `"eu-central-1"`},
		{key: "s3.bucket", to: &r.S3.Bucket, doc: "Bucket; it must exist.", example: `"events"`},
		{key: "s3.prefix", to: &r.S3.Prefix, doc: "What every key begins with."},
		{key: "s3.access_key_id", to: &r.S3.AccessKeyID, doc: "Access key. Empty: the default credentials (environment, shared files, web identity, the machine's role)."},
		{key: "s3.secret_access_key", to: &r.S3.SecretAccessKey, doc: "File that holds the secret, or the secret itself in the variable without _FILE."},
		{key: "s3.session_token", to: &r.S3.SessionToken, doc: "The same for the token of temporary credentials."},
		{key: "s3.path_style", to: &r.S3.PathStyle, doc: "Bucket in the path and not in the host name; most servers that are not AWS want it."},

		{key: "ipfs.api", to: &r.IPFS.API, doc: "URL of Kubo's RPC API."},
		{key: "ipfs.token", to: &r.IPFS.Token, doc: "File that holds a bearer token, or the token itself in the variable without _FILE."},
	}
}
