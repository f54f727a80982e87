package chain

import "hash/fnv"

// A tree is a sorted map that never changes: with and without return another one,
// which shares what stayed the same. So a state costs what changed since the
// last one, and is kept by keeping its root.
//
// It is a treap whose priorities are hashes of the keys: of one shape for one content.
type tree[V any] struct{ root *branching[V] }

type branching[V any] struct {
	key         string
	value       V
	priority    uint64
	left, right *branching[V]
}

func priority(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	// FNV changes the high bits too little for keys that differ at their end.
	v := h.Sum64()
	v ^= v >> 32
	v *= 0xd6e8feb86659fd93
	v ^= v >> 32
	return v
}

// get returns the value of a key.
func (t tree[V]) get(key string) (v V, ok bool) {
	for n := t.root; n != nil; {
		switch {
		case key < n.key:
			n = n.left
		case key > n.key:
			n = n.right
		default:
			return n.value, true
		}
	}
	return v, false
}

// from returns the least key that is not before key, and its value.
func (t tree[V]) from(key string) (k string, v V, ok bool) {
	for n := t.root; n != nil; {
		if key <= n.key {
			k, v, ok = n.key, n.value, true
			n = n.left
		} else {
			n = n.right
		}
	}
	return k, v, ok
}

// before returns the greatest key that is before key, and its value.
func (t tree[V]) before(key string) (k string, v V, ok bool) {
	for n := t.root; n != nil; {
		if n.key < key {
			k, v, ok = n.key, n.value, true
			n = n.right
		} else {
			n = n.left
		}
	}
	return k, v, ok
}

// with returns the tree with a key's value set.
func (t tree[V]) with(key string, v V) tree[V] {
	less, more := split(t.root, key)
	return tree[V]{merge(merge(less, &branching[V]{key: key, value: v, priority: priority(key)}), more)}
}

// without returns the tree that does not have a key.
func (t tree[V]) without(key string) tree[V] {
	less, more := split(t.root, key)
	return tree[V]{merge(less, more)}
}

// split returns what is before and what is after a key, which is in neither.
func split[V any](n *branching[V], key string) (less, more *branching[V]) {
	if n == nil {
		return nil, nil
	}
	switch {
	case n.key < key:
		c := *n
		c.right, more = split(n.right, key)
		return &c, more
	case n.key > key:
		c := *n
		less, c.left = split(n.left, key)
		return less, &c
	}
	return n.left, n.right
}

// merge joins two trees, all keys of one before all of the other.
func merge[V any](less, more *branching[V]) *branching[V] {
	switch {
	case less == nil:
		return more
	case more == nil:
		return less
	case less.priority > more.priority:
		c := *less
		c.right = merge(less.right, more)
		return &c
	}
	c := *more
	c.left = merge(less, more.left)
	return &c
}
