package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A Source says where the settings are.
type Source struct {
	File    string            // path of a TOML file, "" for none
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // by key ("listen"); they win over everything
}

// Load reads the settings, fills defaults in and checks everything. Relative
// paths stay relative to the working directory. The error joins one message
// for each fault; none of them holds a secret.
func Load(s Source) (Config, error) {
	c := base()
	l := loader{config: &c}
	if s.File != "" {
		l.file(s.File)
	}
	l.environ(s.Environ)
	for _, key := range sorted(s.Flags) {
		l.set("--"+key, c.settings(), key, s.Flags[key], true)
	}
	if len(l.faults) == 0 {
		if len(c.Replicas) == 0 {
			c.Replicas = defaultReplicas()
		}
		c.fill()
		l.faults = c.check()
	}
	if len(l.faults) > 0 {
		return Config{}, errors.Join(l.faults...)
	}
	return c, nil
}

type loader struct {
	config *Config
	faults []error
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

func (l *loader) file(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		l.fault("configuration: %w", err)
		return
	}
	var root map[string]any
	if err := toml.Unmarshal(text, &root); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, column := at.Position()
			l.fault("%s:%d:%d: %s", path, row, column, strings.TrimPrefix(at.Error(), "toml: "))
			return
		}
		l.fault("%s: %w", path, err)
		return
	}
	if tables, ok := root[replicaKey]; ok {
		l.fileReplicas(path, tables)
		delete(root, replicaKey)
	}
	settings := l.config.settings()
	flat := flatten(root)
	for _, key := range sorted(flat) {
		l.set(path+": "+key, settings, key, flat[key], false)
	}
}

func (l *loader) fileReplicas(path string, v any) {
	tables, ok := v.([]any)
	if !ok {
		l.fault("%s: replica: write each replica as [[replica]]", path)
		return
	}
	for i, item := range tables {
		table, ok := item.(map[string]any)
		if !ok {
			l.fault("%s: replica: write each replica as [[replica]]", path)
			return
		}
		name, _ := table["name"].(string)
		kind, _ := table["kind"].(string)
		r := fresh(name, kind)
		where := fmt.Sprintf("%s: replica %q", path, name)
		if name == "" {
			where = fmt.Sprintf("%s: replica %d", path, i+1)
		}
		flat := flatten(table)
		for _, key := range sorted(flat) {
			l.set(where+": "+key, r.settings(), key, flat[key], false)
		}
		l.ofItsKind(where, kind, sorted(flat))
		l.config.Replicas = append(l.config.Replicas, r)
	}
}

// ofItsKind refuses settings of another kind, which would silently do nothing.
func (l *loader) ofItsKind(where, kind string, keys []string) {
	for _, key := range keys {
		if of, _, dotted := strings.Cut(key, "."); dotted && of != kind && slices.Contains(kinds, of) && slices.Contains(kinds, kind) {
			l.fault("%s: %s is a setting of kind %q, and this replica is of kind %q", where, key, of, kind)
		}
	}
}

// environ applies the EVENTSEAL_ variables. Those of replicas come in two
// steps: EVENTSEAL_REPLICAS says which there are, then each one's own.
func (l *loader) environ(environ []string) {
	vars := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, envPrefix) && !foreign[name] {
			vars[name] = value
		}
	}
	if list, ok := vars[replicasEnv]; ok {
		l.named(list, vars)
	} else if len(l.config.Replicas) == 0 {
		l.config.Replicas = defaultReplicas()
	}
	delete(vars, replicasEnv)

	byEnv := map[string]string{}
	known := []string{replicasEnv}
	for _, s := range l.config.settings() {
		for _, key := range spellings(s) {
			byEnv[env(key)] = key
			known = append(known, env(key))
		}
	}
	for _, name := range sorted(vars) {
		if key, ok := byEnv[name]; ok {
			l.set(name, l.config.settings(), key, vars[name], true)
			continue
		}
		if l.replicaVariable(name, vars[name], &known) {
			continue
		}
		l.fault("%s: unknown variable%s", name, suggest(name, known))
	}
}

// named makes the replicas exactly those of EVENTSEAL_REPLICAS, in its order;
// those of the file keep their settings.
func (l *loader) named(list string, vars map[string]string) {
	names, _ := stringList(list, true)
	if len(names) == 0 {
		l.fault("%s: names no replica", replicasEnv)
	}
	var rs []Replica
	for _, name := range names {
		i := slices.IndexFunc(l.config.Replicas, func(r Replica) bool { return r.Name == name })
		if i >= 0 {
			rs = append(rs, l.config.Replicas[i])
			continue
		}
		rs = append(rs, fresh(name, vars[replicaEnv+envName(name)+"_KIND"]))
	}
	l.config.Replicas = rs
}

// replicaVariable applies EVENTSEAL_REPLICA_<NAME>_<KEY> and reports whether
// there is such a setting; it adds the names that there are to known.
func (l *loader) replicaVariable(name, value string, known *[]string) bool {
	for i := range l.config.Replicas {
		r := &l.config.Replicas[i]
		prefix := replicaEnv + envName(r.Name) + "_"
		for _, s := range r.settings() {
			if s.key == "name" {
				continue
			}
			for _, key := range spellings(s) {
				full := prefix + strings.TrimPrefix(env(key), envPrefix)
				*known = append(*known, full)
				if full == name {
					l.set(name, r.settings(), key, value, true)
					l.ofItsKind(name, r.Kind, []string{key})
					return true
				}
			}
		}
	}
	return false
}

func envName(replica string) string {
	return strings.ToUpper(strings.ReplaceAll(replica, "-", "_"))
}

// spellings returns the keys under which a setting can be given: a secret has
// a second one, its file.
func spellings(s setting) []string {
	if _, secret := s.to.(*Secret); secret {
		return []string{s.key, s.key + fileSuffix}
	}
	return []string{s.key}
}

const fileSuffix = "_file"

// set gives key its value. where names the place for messages.
func (l *loader) set(where string, settings []setting, key string, v any, text bool) {
	var known []string
	for _, s := range settings {
		for _, spelling := range spellings(s) {
			known = append(known, spelling)
			if spelling != key {
				continue
			}
			if secret, ok := s.to.(*Secret); ok {
				l.secret(where, secret, spelling == s.key, v, text)
				return
			}
			if err := assign(s.to, v, text); err != nil {
				l.fault("%s: %w", where, err)
			}
			return
		}
	}
	l.fault("%s: unknown key%s", where, suggest(key, known))
}

// secret takes a secret from a variable, or from the file that v names. Its
// messages never hold the value.
func (l *loader) secret(where string, to *Secret, direct bool, v any, text bool) {
	s, ok := v.(string)
	switch {
	case direct && !text:
		l.fault("%s: a secret does not belong into this file; use %s or an EVENTSEAL_ variable", where, where[strings.LastIndexAny(where, ": ")+1:]+fileSuffix)
	case direct:
		*to = Secret(s)
	case !ok:
		l.fault("%s: want the path of a file", where)
	default:
		secret, err := ReadSecret(s)
		if err != nil {
			l.fault("%s: %w", where, err)
			return
		}
		*to = secret
	}
}

// flatten turns nested tables into dotted keys. The list of event types is a
// value although TOML can write it as tables.
func flatten(root map[string]any) map[string]any {
	flat := map[string]any{}
	var walk func(prefix string, table map[string]any)
	walk = func(prefix string, table map[string]any) {
		for key, v := range table {
			if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
				walk(prefix+key+".", sub)
				continue
			}
			flat[prefix+key] = v
		}
	}
	walk("", root)
	for key, v := range flat {
		if sub, ok := v.(map[string]any); ok && len(sub) == 0 {
			delete(flat, key) // an empty table sets nothing
		}
	}
	return flat
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
