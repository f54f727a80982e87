package chain

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An authority is what a permission takes: any one of its keys.
type authority struct {
	parent name // 0: owner's
	keys   []string
}

// authorities are the account's permissions and the links of its actions.
func authorities(keys map[string][]string, links map[string]string) (map[name]authority, map[name]name, error) {
	permissions := map[name]authority{ownerName: {}, activeName: {parent: ownerName}}
	for text, list := range keys {
		p, err := parseName(text)
		if err != nil {
			return nil, nil, err
		}
		a, ok := permissions[p]
		if !ok {
			a.parent = activeName
		}
		for _, key := range list {
			if key, err = parsePublic(key); err != nil {
				return nil, nil, fmt.Errorf("permission %s: %w", text, err)
			}
			a.keys = append(a.keys, key)
		}
		slices.Sort(a.keys)
		permissions[p] = a
	}
	linked := map[name]name{}
	for act, permission := range links {
		a, err := parseName(act)
		p, err2 := parseName(permission)
		if err := errors.Join(err, err2); err != nil {
			return nil, nil, err
		}
		if _, ok := permissions[p]; !ok {
			return nil, nil, fmt.Errorf("chain: action %s is linked to %s, which there is not", act, permission)
		}
		linked[a] = p
	}
	return permissions, linked, nil
}

// strangers are the accounts that are somebody else's.
func strangers(keys map[string]string) (map[name]authority, error) {
	others := map[name]authority{}
	for text, key := range keys {
		n, err := parseName(text)
		if err != nil {
			return nil, err
		}
		if key, err = parsePublic(key); err != nil {
			return nil, fmt.Errorf("account %s: %w", text, err)
		}
		others[n] = authority{keys: []string{key}}
	}
	return others, nil
}

// authority returns what a permission takes, if there is such a one.
func (c *Chain) authority(p permission) (a authority, ok bool) {
	if p.Actor == c.self {
		a, ok = c.permissions[p.Permission]
		return a, ok
	}
	a, ok = c.others[p.Actor]
	return a, ok && (p.Permission == ownerName || p.Permission == activeName)
}

// account reports whether there is such an account.
func (c *Chain) account(n name) bool {
	_, ok := c.others[n]
	return ok || n == c.self
}

// covers reports whether a permission is another one or above it.
func (c *Chain) covers(p, min name) bool {
	for ; min != 0; min = c.permissions[min].parent {
		if p == min {
			return true
		}
	}
	return false
}

// authorize checks that each declared permission is enough for its action and was
// signed for, and that no key signed in vain (authorization_manager.cpp).
func (c *Chain) authorize(actions []action, keys []string) *Error {
	declared := map[permission]bool{}
	for _, a := range actions {
		for _, p := range a.auth {
			min, ok := c.links[a.name]
			if !ok || p.Actor != c.self {
				min = activeName
			}
			if p.Actor == c.self && !c.covers(p.Permission, min) {
				return fault(codeIrrelevantAuth, "action declares irrelevant authority '%v'; minimum authority is %v", p, permission{c.self, min})
			}
			declared[p] = true
		}
	}
	used := map[string]bool{}
	for _, p := range slices.SortedFunc(maps.Keys(declared), permission.compare) {
		// Of several keys that would do, the first is used and no other.
		a, _ := c.authority(p)
		i := slices.IndexFunc(a.keys, func(k string) bool { return slices.Contains(keys, k) })
		if i < 0 {
			return fault(codeUnsatisfied, "transaction declares authority '%v', but does not have signatures for it under a provided delay of 0 ms, provided permissions [], provided keys %s, and a delay max limit of 3888000000 ms",
				p, quoted(keys))
		}
		used[a.keys[i]] = true
	}
	if unused := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return used[k] }); len(unused) > 0 {
		return fault(codeIrrelevantSig, "transaction bears irrelevant signatures from these keys: %s", quoted(unused))
	}
	return nil
}

func quoted(keys []string) string {
	if len(keys) == 0 {
		return "[]"
	}
	return `["` + strings.Join(keys, `","`) + `"]`
}
