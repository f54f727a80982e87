package redis

import (
	"context"
	"errors"
	"fmt"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Identified = (*Replica)(nil)

// identifyScript stores ARGV[1] for good where the key holds ARGV[2], as it was
// read, or no text; else it answers 0.
var identifyScript = client.NewScript(`
local held = ''
if redis.call('TYPE', KEYS[1]).ok == 'string' then held = redis.call('GETRANGE', KEYS[1], 0, ARGV[3]) end
if held ~= ARGV[1] and held ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`)

// maxID is how much of an id is read: more than one has, so that a longer text
// is seen to be none.
const maxID = 64

// place is the key of the place's id. No hash is spelled so.
func (r *Replica) place() string { return r.prefix + "place" }

// Identity implements replica.Identified: the id has a key beside the events',
// which does not expire. A server that keeps nothing on disk is another place
// after a restart, as it holds nothing then.
func (r *Replica) Identity(ctx context.Context, _ []string) (string, error) {
	id, err := await(ctx, func() (string, error) { return r.c.GetRange(ctx, r.place(), 0, maxID).Result() })
	if err != nil {
		if err = permitted(err); errors.Is(err, replica.ErrCorrupt) {
			r.seen.Store(new(string))
		}
		return "", err
	}
	r.seen.Store(&id)
	if id == "" {
		return "", nil
	}
	if err := replica.CheckID(id); err != nil {
		return "", fmt.Errorf("redis: %s: %w", r.place(), err)
	}
	return id, nil
}

// Identify implements replica.Identified, in one step of the server.
func (r *Replica) Identify(ctx context.Context, id string) error {
	if err := replica.CheckID(id); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	if r.seen.Load() == nil {
		if _, err := r.Identity(ctx, nil); err != nil && !errors.Is(err, replica.ErrCorrupt) {
			return err
		}
	}
	done, err := await(ctx, func() (int, error) {
		return identifyScript.Run(ctx, r.c, []string{r.place()}, id, *r.seen.Load(), maxID).Int()
	})
	if err != nil {
		return permitted(err)
	}
	if done != 1 {
		return fmt.Errorf("redis: %s: somebody else gave it another id: %w", r.place(), replica.ErrConflict)
	}
	r.seen.Store(&id)
	return nil
}

// permitted is wrap for what an access list may keep the host from.
func permitted(err error) error {
	if has(err, "NOPERM ") {
		return fmt.Errorf("redis: %w: %w", replica.ErrNoIdentity, err)
	}
	return wrap(err)
}
