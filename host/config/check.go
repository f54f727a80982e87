package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxEventBytes is the most that event.max_bytes may be: 4 MiB.
const MaxEventBytes Size = 4 << 20

var (
	nameForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)
	typeForm  = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// check returns one error for each setting that cannot be.
func (c *Config) check() (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s (%s): %s", key, env(key), fmt.Sprintf(format, args...)))
	}
	between := func(key string, d, low, high time.Duration) {
		if d < low || d > high {
			fault(key, "%v is not between %v and %v", d, low, high)
		}
	}
	number := func(key string, n, low, high int) {
		if n < low || n > high {
			fault(key, "%d is not between %d and %d", n, low, high)
		}
	}
	oneOf := func(key, v string, of ...string) {
		if !slices.Contains(of, v) {
			fault(key, "%q is none of %s", v, strings.Join(of, ", "))
		}
	}

	if err := address(c.Listen); err != nil {
		fault("listen", "%v", err)
	}
	if c.Data == "" {
		fault("data", "is empty")
	}
	if !secondOpinion(c.SecondOpinion) {
		fault("second_opinion", `%q is none of "off", "all" and "1/N"`, c.SecondOpinion)
	}
	if c.Event.MaxBytes < 1<<10 || c.Event.MaxBytes > MaxEventBytes {
		fault("event.max_bytes", "%v is not between 1KiB and %v", c.Event.MaxBytes, MaxEventBytes)
	}
	for i, t := range c.Event.Types {
		if !typeForm.MatchString(t.Name) {
			fault(eventTypeKey, "%q is not a type name: a capital letter, then capital letters, digits and _, at most 64", t.Name)
		}
		for _, before := range c.Event.Types[:i] {
			if before.Name == t.Name {
				fault(eventTypeKey, "%s is registered twice", t.Name)
			} else if before.Code == t.Code {
				fault(eventTypeKey, "%s and %s have the same code %d", before.Name, t.Name, t.Code)
			}
		}
	}
	number("module.instances", c.Module.Instances, 0, 1024)
	between("module.call_timeout", c.Module.CallTimeout, 10*time.Millisecond, time.Hour)
	between("store.timeout", c.Store.Timeout, time.Millisecond, time.Hour)
	between("read.hedge_after", c.Read.HedgeAfter, time.Millisecond, time.Hour)
	if c.Read.Cache > 1<<40 {
		fault("read.cache", "%v is more than 1024GiB", c.Read.Cache)
	}
	for i, name := range c.Read.Order {
		if !slices.ContainsFunc(c.Replicas, func(r Replica) bool { return r.Name == name }) {
			fault("read.order", "there is no replica %q%s", name, suggest(name, c.names()))
		} else if slices.Contains(c.Read.Order[:i], name) {
			fault("read.order", "%q is named twice", name)
		}
	}
	between("http.header_timeout", c.HTTP.HeaderTimeout, 10*time.Millisecond, time.Hour)
	between("http.body_timeout", c.HTTP.BodyTimeout, 10*time.Millisecond, 24*time.Hour)
	between("http.idle_timeout", c.HTTP.IdleTimeout, 10*time.Millisecond, 24*time.Hour)
	between("http.shutdown_timeout", c.HTTP.ShutdownTimeout, 0, time.Hour)
	number("http.in_flight", c.HTTP.InFlight, 1, 1<<20)
	number("http.batch_events", c.HTTP.BatchEvents, 1, 1<<20)
	for _, o := range c.CORS.Origins {
		if !origin(o) {
			fault("cors.origins", "%q is not an origin such as https://app.example.com", o)
		}
	}
	between("cors.max_age", c.CORS.MaxAge, 0, 24*time.Hour)
	number("limits.author_rate", c.Limits.AuthorRate, 0, 1_000_000)
	number("limits.address_rate", c.Limits.AddressRate, 0, 1_000_000)
	between("limits.burst", c.Limits.Burst, 0, 24*time.Hour)
	for _, p := range c.Limits.Proxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			fault("limits.proxies", "%q is not a network such as 10.0.0.0/8", p)
		}
	}
	if c.Admin.Token != "" && !token(c.Admin.Token) {
		fault("admin.token", "want %d to %d letters, digits and -._~+/=, so that nobody guesses it", minToken, maxToken)
	}
	if c.Scrub.Every != 0 {
		between("scrub.every", c.Scrub.Every, time.Minute, 10*366*24*time.Hour)
	}
	number("scrub.rate", c.Scrub.Rate, 0, 1_000_000)
	faults = append(faults, c.checkTransparency()...)
	faults = append(faults, c.checkAnchor()...)
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "text", "json")

	faults = append(faults, c.checkReplicas()...)
	if counting := c.Counting(); c.MinRedundancy < 1 || c.MinRedundancy > counting {
		fault("min_redundancy", "%d is not between 1 and %d, the number of counting replicas", c.MinRedundancy, counting)
	}
	return faults
}

func (c *Config) checkReplicas() (faults []error) {
	taken := map[string]string{} // places, by whom
	for i, r := range c.Replicas {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("replica %q: %s", r.Name, fmt.Sprintf(format, args...)))
		}
		if !nameForm.MatchString(r.Name) {
			fault("name: want lower-case letters, digits and hyphens, at most 32")
		}
		if slices.Contains(c.names()[:i], r.Name) {
			fault("name: there are two of this name")
		}
		if r.Timeout < time.Millisecond || r.Timeout > time.Hour {
			fault("timeout: %v is not between 1ms and 1h", r.Timeout)
		}
		if r.Breaker.Failures < 1 || r.Breaker.Failures > 1000 {
			fault("breaker.failures: %d is not between 1 and 1000", r.Breaker.Failures)
		}
		if r.Breaker.Cooldown < time.Millisecond || r.Breaker.Cooldown > time.Minute {
			fault("breaker.cooldown: %v is not between 1ms and 1m", r.Breaker.Cooldown)
		}
		if place := r.place(); place != "" {
			if other, is := taken[place]; is {
				fault("%s: that of %q, whose copies would count twice", place, other)
			}
			taken[place] = r.Name
		}
		switch r.Kind {
		case Local: // its folder is made
		case Redis:
			if len(r.Redis.Addresses) == 0 {
				fault("redis.addresses: is missing")
			}
			for _, a := range r.Redis.Addresses {
				if err := address(a); err != nil {
					fault("redis.addresses: %v", err)
				}
			}
			if r.Redis.Cluster && (r.Redis.MasterName != "" || r.Redis.DB != 0) {
				fault("redis.cluster: a Cluster has neither a master_name nor a db")
			}
			if r.Redis.DB < 0 || r.Redis.DB > 1<<16 {
				fault("redis.db: %d is not between 0 and 65536", r.Redis.DB)
			}
			if r.Redis.TTL < time.Second || r.Redis.FillTTL < time.Second {
				fault("redis.ttl and redis.fill_ttl must be at least 1s")
			}
		case S3:
			if r.S3.Bucket == "" {
				fault("s3.bucket: is missing")
			}
			if r.S3.Endpoint != "" && !httpURL(r.S3.Endpoint) {
				fault("s3.endpoint: want a URL such as https://s3.example.com, without a user or a query")
			}
			if (r.S3.AccessKeyID == "") != (r.S3.SecretAccessKey == "") {
				fault("s3: access_key_id and secret_access_key go together")
			}
		case IPFS:
			if !httpURL(r.IPFS.API) {
				fault("ipfs.api: want a URL such as http://127.0.0.1:5001, without a user or a query")
			}
		case "":
			fault("kind: is missing; one of %s", strings.Join(kinds, ", "))
		default:
			fault("kind: %q is none of %s%s", r.Kind, strings.Join(kinds, ", "), suggest(r.Kind, kinds))
		}
	}
	return faults
}

// place names where the replica's copies are, the same for two that would hold
// one copy between them; "" where the settings are wrong, which may be a secret
// in a wrong place. Two names of one server are not seen through; those of a
// folder are when it is locked.
func (r *Replica) place() string {
	base := func(s string) string { return strings.ToLower(strings.TrimRight(s, "/")) }
	switch r.Kind {
	case Local:
		return "local.path " + filepath.Clean(r.Local.Path)
	case Redis:
		if len(r.Redis.Addresses) == 0 || slices.ContainsFunc(r.Redis.Addresses, func(a string) bool { return address(a) != nil }) {
			return ""
		}
		addresses := slices.Sorted(slices.Values(r.Redis.Addresses))
		return fmt.Sprintf("redis.addresses %s, db %d, prefix %q", base(strings.Join(addresses, " ")), r.Redis.DB, r.Redis.Prefix)
	case S3:
		if r.S3.Bucket == "" || r.S3.Endpoint != "" && !httpURL(r.S3.Endpoint) {
			return ""
		}
		return strings.TrimSpace(fmt.Sprintf("s3.bucket %s, prefix %q %s", r.S3.Bucket, r.S3.Prefix, base(r.S3.Endpoint)))
	case IPFS:
		if httpURL(r.IPFS.API) {
			return "ipfs.api " + base(r.IPFS.API)
		}
	}
	return ""
}

func (c *Config) names() []string {
	names := make([]string, len(c.Replicas))
	for i, r := range c.Replicas {
		names[i] = r.Name
	}
	return names
}

// Bounds of the admin token's length.
const (
	minToken = 16
	maxToken = 1024
)

// token reports whether s can be a bearer token (RFC 6750 §2.1) that is not
// soon guessed.
func token(s Secret) bool {
	return len(s) >= minToken && len(s) <= maxToken && tokenForm.MatchString(string(s))
}

// address checks host:port. It does not resolve the host.
func address(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not host:port", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return fmt.Errorf("%q is not a port of %q", port, s)
	}
	return nil
}

func secondOpinion(s string) bool {
	if s == "off" || s == "all" {
		return true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "1/"), 10, 64)
	return strings.HasPrefix(s, "1/") && err == nil && n > 0
}

func httpURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// origin reports whether s is exactly what a browser sends as Origin.
func origin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && httpURL(s) && u.Path == "" && s == u.Scheme+"://"+strings.ToLower(u.Host)
}
