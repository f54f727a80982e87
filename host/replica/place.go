package replica

// A Place is a replica as the host uses it: under the name that stands beside
// its copies in the journal.
type Place struct {
	Name    string
	Kind    string // local, redis, s3, ipfs
	Counts  bool   // towards the minimum redundancy
	Replica Replica
}

// Cache reports whether the place may forget what it was given, so that what it
// lacks is no fault.
func (p Place) Cache() bool {
	_, ok := As[Filler](p.Replica)
	return ok && !p.Counts
}
