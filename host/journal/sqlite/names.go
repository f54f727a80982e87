package sqlite

import (
	"database/sql/driver"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	kindType = 1 + iota
	kindReplica
	kindSet
)

type name struct {
	kind int64
	text string
	code uint32
}

// names are the numbers that rows use for types, replicas and sets of
// replicas. A published value never changes: the writer adds to a copy and
// publishes it after the commit.
//
// A replica's number stands for one place, which has a name as long as it is
// bound to it (places.go). Another place under that name gets another number.
type names struct {
	ids    map[name]int64
	byID   map[int64]name
	sets   map[int64][]int64 // replicas of each set
	places map[int64]place   // by number
	bound  map[string]int64  // by name
}

// loadNames reads the names with a function that runs a query.
func loadNames(query func(text string, args []driver.Value, row func([]driver.Value) error) error) (*names, error) {
	n := &names{ids: map[name]int64{}, byID: map[int64]name{}, sets: map[int64][]int64{}, places: map[int64]place{}, bound: map[string]int64{}}
	err := query(namesText, nil, func(v []driver.Value) error {
		return n.add(v[0].(int64), name{v[1].(int64), v[2].(string), uint32(v[3].(int64))})
	})
	if err != nil {
		return nil, err
	}
	return n, query(placesText, nil, func(v []driver.Value) error {
		n.set(v[0].(int64), place{v[1].(string), v[2].(string), uint64(v[3].(int64)), uint64(v[4].(int64)), v[5].(string), v[6].(int64) != 0})
		return nil
	})
}

// clone returns a copy that can be changed.
func (n *names) clone() *names {
	return &names{maps.Clone(n.ids), maps.Clone(n.byID), maps.Clone(n.sets), maps.Clone(n.places), maps.Clone(n.bound)}
}

func (n *names) add(id int64, x name) error {
	n.ids[x], n.byID[id] = id, x
	if x.kind == kindSet {
		members := []int64{}
		for _, s := range strings.Split(x.text, ",") {
			if s == "" {
				continue // the empty set
			}
			m, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return err
			}
			members = append(members, m)
		}
		n.sets[id] = members
	}
	return nil
}

// typeIDs returns the numbers of a type: more than one when its on-chain code
// was changed in the configuration.
func (n *names) typeIDs(text string) (ids []int64) {
	for x, id := range n.ids {
		if x.kind == kindType && x.text == text {
			ids = append(ids, id)
		}
	}
	return ids
}

// replica returns the number of the place that is bound to a name.
func (n *names) replica(text string) (int64, bool) {
	id, ok := n.bound[text]
	return id, ok
}

// name gives x a number, in the writer's transaction.
func (w *writer) name(x name) (int64, error) {
	if id, ok := w.names.ids[x]; ok {
		return id, nil
	}
	next := int64(1)
	for id := range w.names.byID {
		next = max(next, id+1)
	}
	if err := w.c.exec(`INSERT INTO names (id, kind, name, code) VALUES (?,?,?,?)`, next, x.kind, x.text, int64(x.code)); err != nil {
		return 0, err
	}
	w.names = w.names.clone()
	return next, w.names.add(next, x)
}

// set gives a set of replica names a number.
func (w *writer) set(replicas []string) (int64, error) {
	ids := make([]int64, 0, len(replicas))
	for _, r := range replicas {
		id, err := w.replica(r)
		if err != nil {
			return 0, err
		}
		ids = append(ids, id)
	}
	return w.setOf(ids)
}

// setOf gives a set of places a number.
func (w *writer) setOf(ids []int64) (int64, error) {
	slices.Sort(ids)
	var text []byte
	for i, id := range slices.Compact(ids) {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return w.name(name{kind: kindSet, text: string(text)})
}
