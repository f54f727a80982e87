// Package anchor puts the heads of the host's log, and single events where that
// is wanted, on a chain of Antelope: each once, in order, and calls final only
// what is. What must be done is derived from the journal and one look at the
// chain, again and again; that nothing is there twice is the contract's rule.
package anchor
