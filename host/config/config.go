// Package config holds the host's settings: one TOML file, the same settings
// as EVENTSEAL_… variables, and a few flags, later ones winning. What it does
// not know it refuses, with the nearest name that it does know, and everything
// is checked before anything is opened.
package config

import (
	"path/filepath"
	"time"
)

//go:generate go run ./gen ../../eventseal.example.toml

// A Config is a complete, checked set of settings. Every field has a line in
// settings.go with its key and its meaning.
type Config struct {
	Listen        string
	Data          string
	MinRedundancy int
	SecondOpinion string // "off", "all" or "1/N"
	Event         Event
	Module        Module
	Store         Store
	Read          Read
	HTTP          HTTP
	CORS          CORS
	Limits        Limits
	Admin         Admin
	Scrub         Scrub
	Log           Log
	Transparency  Transparency
	Anchor        Anchor
	Replicas      []Replica // in the order of the file; names are distinct
}

// Event says which events are admitted.
type Event struct {
	MaxBytes Size
	Types    []Type // beside the built-in ones
}

// A Type is a registered event type: its name and its on-chain code.
type Type struct {
	Name string
	Code uint32
}

// Module says how the WebAssembly module is run.
type Module struct {
	Instances   int // 0: one per core
	CallTimeout time.Duration
	Cache       string // folder of the compilation cache, "off" for none; Load fills the default in
}

// Store says how an event is stored.
type Store struct {
	Timeout time.Duration // how long an answer waits for min_redundancy
}

// Read says how an event is read.
type Read struct {
	Order      []string // names of replicas, the first is asked first; empty: redis, local, s3, ipfs
	HedgeAfter time.Duration
	Cache      Size // bytes of records held in memory
}

// HTTP holds the limits of the service.
type HTTP struct {
	HeaderTimeout   time.Duration
	BodyTimeout     time.Duration
	IdleTimeout     time.Duration
	ShutdownTimeout time.Duration
	InFlight        int // requests at once
	BatchEvents     int // lines of one batch or hashes of one retrieval
}

// CORS says which pages may call the service from a browser.
type CORS struct {
	Origins []string
	MaxAge  time.Duration
}

// Limits says whose events are taken, and how many. Texts are checked where they
// are used: this package cannot read keys.
type Limits struct {
	AllowAuthors []string // public keys; empty: everyone's
	DenyAuthors  []string
	AuthorRate   int // new events per second; 0: any number
	AddressRate  int
	Burst        time.Duration
	Proxies      []string // networks whose X-Forwarded-For is believed
}

// Admin says who may have the running host look after itself.
type Admin struct {
	Token Secret // bearer token of /v1/admin/…; "": there is no such thing
}

// Scrub says how a running host looks after what it holds.
type Scrub struct {
	Every time.Duration // 0: when it is told to
	Rate  int           // events per second unless a request says otherwise; 0: as fast as it can
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// Transparency says how the host's transparency log is signed and watched.
type Transparency struct {
	Name           string        // the host's public one
	Every          time.Duration // between two heads
	KeyFile        string        // "": host.key in data, made where it is missing
	Witnesses      []string      // "URL vkey"
	WitnessQuorum  int
	WitnessTimeout time.Duration
	Receipts       bool
}

// The ways to put things on a chain, and who signs what is put there.
const (
	Antelope     = "antelope"
	SignerKey    = "key"
	SignerWallet = "wallet"
)

// Anchor says what of the log is put on a chain, where, and by whom.
type Anchor struct {
	Driver     string   // "": nothing is; Antelope
	Endpoints  []string // URLs of nodes, the first is asked first
	ChainID    string   // 64 lower-case hex digits
	Contract   string   // account
	Permission string   // of the account, that signs
	Signer     string   // SignerKey, SignerWallet
	Key        Secret   // of SignerKey
	Every      time.Duration
	Patience   time.Duration
	Events     []string // names of types of which each event is put there, too; "*": of all
}

// The kinds of replica.
const (
	Local = "local"
	Redis = "redis"
	S3    = "s3"
	IPFS  = "ipfs"
)

var kinds = []string{Local, Redis, S3, IPFS}

// A Replica is one place that holds events. Only the settings of its own kind
// mean anything.
type Replica struct {
	Name    string
	Kind    string
	Counts  bool // towards min_redundancy
	Timeout time.Duration
	Breaker Breaker
	Local   LocalReplica
	Redis   RedisReplica
	S3      S3Replica
	IPFS    IPFSReplica
}

// Breaker says when a replica that fails is left alone.
type Breaker struct {
	Failures int           // in a row
	Cooldown time.Duration // before it is tried again; doubles with each failure, up to a second
}

// LocalReplica is a folder of this machine.
type LocalReplica struct {
	Path string // Load fills <data>/<name> in
}

// RedisReplica is a Redis server, a Sentinel group or a Cluster.
type RedisReplica struct {
	Addresses        []string // of the server, of Sentinels, or seeds of a Cluster
	MasterName       string   // the addresses are Sentinels, which know the server under this name
	Cluster          bool
	Username         string
	Password         Secret
	SentinelUsername string
	SentinelPassword Secret
	DB               int
	TLS              bool
	Prefix           string
	TTL              time.Duration // after a store
	FillTTL          time.Duration // after a read that filled it
}

// S3Replica is a bucket.
type S3Replica struct {
	Endpoint        string // "" for AWS
	Region          string // "": what the environment or the SDK's files say, or us-east-1
	Bucket          string
	Prefix          string
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	PathStyle       bool
}

// IPFSReplica is a Kubo node.
type IPFSReplica struct {
	API   string // URL of its RPC API
	Token Secret // bearer token, "" for none
}

// Default returns the settings of a host without a file: two local replicas in
// two folders under ./data.
func Default() Config {
	c := base()
	c.Replicas = defaultReplicas()
	c.fill()
	return c
}

// base is Default without replicas and without what depends on other settings.
func base() Config {
	return Config{
		Listen:        "127.0.0.1:8420",
		Data:          "./data",
		MinRedundancy: 2,
		SecondOpinion: "1/64",
		Event:         Event{MaxBytes: 256 << 10},
		Module:        Module{CallTimeout: 5 * time.Second},
		Store:         Store{Timeout: 10 * time.Second},
		Read:          Read{HedgeAfter: 50 * time.Millisecond, Cache: 64 << 20},
		HTTP: HTTP{
			HeaderTimeout: 10 * time.Second, BodyTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
			ShutdownTimeout: 20 * time.Second, InFlight: 1024, BatchEvents: 10000,
		},
		CORS:         CORS{MaxAge: 10 * time.Minute},
		Scrub:        Scrub{Rate: 500},
		Limits:       Limits{Burst: 10 * time.Second},
		Transparency: Transparency{Name: "localhost", Every: time.Second, WitnessTimeout: 2 * time.Second, Receipts: true},
		Anchor:       Anchor{Permission: "active", Signer: SignerKey, Every: time.Minute, Patience: 10 * time.Minute},
		Log:          Log{Level: "info", Format: "text"},
	}
}

// fresh returns a replica with the defaults of its kind, "" included.
func fresh(name, kind string) Replica {
	r := Replica{
		Name: name, Kind: kind, Counts: true, Timeout: 10 * time.Second,
		Breaker: Breaker{Failures: 5, Cooldown: 200 * time.Millisecond},
		Redis:   RedisReplica{Prefix: "event:", TTL: 7 * 24 * time.Hour, FillTTL: 24 * time.Hour},
		S3:      S3Replica{Prefix: "events/"},
		IPFS:    IPFSReplica{API: "http://127.0.0.1:5001"},
	}
	switch kind {
	case Redis: // a cache: what it holds expires
		r.Counts, r.Timeout = false, time.Second
	case Local:
		r.Timeout = 5 * time.Second
	}
	return r
}

func defaultReplicas() []Replica {
	return []Replica{fresh("replica-a", Local), fresh("replica-b", Local)}
}

// fill puts in what follows from other settings.
func (c *Config) fill() {
	if c.Module.Cache == "" {
		c.Module.Cache = filepath.Join(c.Data, "module-cache")
	}
	for i := range c.Replicas {
		if r := &c.Replicas[i]; r.Kind == Local && r.Local.Path == "" {
			r.Local.Path = filepath.Join(c.Data, r.Name)
		}
	}
}

// Counting returns how many replicas count towards MinRedundancy.
func (c *Config) Counting() (n int) {
	for _, r := range c.Replicas {
		if r.Counts {
			n++
		}
	}
	return n
}
