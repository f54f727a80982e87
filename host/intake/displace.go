package intake

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// displace looks at what a place holds instead of the records that it refused
// as conflicting. A place cannot tell whether a signature is valid, only whether
// the rest is the event: a copy whose signature was damaged, or forged by
// whoever can write there, would stay for ever and keep a good one out. What the
// module refuses for its signature is removed, which loses nothing, and the
// record put there.
func (p *place) displace(jobs []job, outcomes []replica.Outcome) {
	var ctx context.Context
	for i := range outcomes {
		if !errors.Is(outcomes[i].Err, replica.ErrConflict) {
			continue
		}
		if ctx == nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(p.in.base, p.in.o.pace.put)
			defer cancel()
		}
		ref := replica.Ref{Hash: jobs[i].v.Hash()}
		if !p.forged(ctx, ref) {
			continue
		}
		p.in.o.Log.Warn("a replica held an event under an invalid signature, which is replaced", "replica", p.Name, "hash", ref.Hash)
		if err := p.Replica.Delete(ctx, ref); err != nil {
			outcomes[i].Err = err
			continue
		}
		outcomes[i].Location, outcomes[i].Err = p.Replica.Put(ctx, jobs[i].v)
	}
}

// forged reports whether the place's copy is certainly under no valid signature.
func (p *place) forged(ctx context.Context, ref replica.Ref) bool {
	record, err := p.Replica.Get(ctx, ref)
	if err != nil || replica.Damaged(ref.Hash, record) {
		return false // a put replaces damage itself
	}
	_, err = p.in.o.Module.Verify(ctx, record)
	return module.Forged(err)
}
