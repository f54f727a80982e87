package redis

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Objects = (*Replica)(nil)

// An object's value is the SHA-256 of its bytes and then they, so that damage is
// told from another object. Its key does not expire.
const maxValue = sha256.Size + replica.MaxObject

func value(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(sum[:], data...)
}

// dataOf returns the bytes of a value; ok is false where it is damaged.
func dataOf(value []byte) (data []byte, ok bool) {
	if len(value) < sha256.Size || len(value) > maxValue {
		return nil, false
	}
	data = value[sha256.Size:]
	return data, sha256.Sum256(data) == [sha256.Size]byte(value[:sha256.Size])
}

// keepScript stores ARGV[1] unless the key holds something else, with which it
// answers then, cut to ARGV[2] bytes and one more.
var keepScript = client.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then return 1 end
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then return '' end
local held = redis.call('GETRANGE', KEYS[1], 0, ARGV[2])
if held ~= ARGV[1] then return held end
redis.call('PERSIST', KEYS[1])
return 1`)

// mendScript stores ARGV[1] where the key holds ARGV[3], which is damaged, or no
// text; else it answers 0.
var mendScript = client.NewScript(`
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`)

// swapScript stores ARGV[1] where the key holds ARGV[3], or nothing where that is
// empty; else it answers 0.
var swapScript = client.NewScript(`
local type = redis.call('TYPE', KEYS[1]).ok
if ARGV[3] == '' and type ~= 'none' or ARGV[3] ~= '' and type ~= 'string' then return 0 end
if type == 'string' and redis.call('GETRANGE', KEYS[1], 0, ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`)

// objectKey is the key of an object. No hash is spelled so.
func (r *Replica) objectKey(name string) string { return r.prefix + "object:" + name }

// PutObjects implements replica.Objects with one pipeline per 8 MiB.
func (r *Replica) PutObjects(ctx context.Context, os []replica.Object) []error {
	return replica.PutObjects(os, func(os []replica.Object) (errs []error) {
		for part := range slices.Chunk(os, putBytes/maxValue) {
			cmds, err := await(ctx, func() ([]*client.Cmd, error) {
				return r.runAll(ctx, keepScript, len(part), func(i int) (string, []any) {
					return r.objectKey(part[i].Name), []any{value(part[i].Data), maxValue}
				})
			})
			for i, o := range part {
				if err != nil {
					errs = append(errs, wrap(err))
				} else {
					errs = append(errs, r.settleObject(ctx, o, cmds[i]))
				}
			}
		}
		return errs
	})
}

// settleObject makes an error of the script's answer; where the key held
// something else, that was another object or is replaced, as it is damaged.
func (r *Replica) settleObject(ctx context.Context, o replica.Object, cmd *client.Cmd) error {
	key := r.objectKey(o.Name)
	answer, err := cmd.Result()
	if err != nil {
		return wrap(err)
	}
	if answer == int64(1) {
		return nil
	}
	held, other := answer.(string)
	if !other {
		return fmt.Errorf("redis: %s: the script answered %v", key, answer)
	}
	if _, whole := dataOf([]byte(held)); whole {
		return fmt.Errorf("redis: %s: %w", key, replica.ErrConflict)
	}
	done, err := await(ctx, func() (int, error) {
		return mendScript.Run(ctx, r.c, []string{key}, value(o.Data), maxValue, held).Int()
	})
	if err == nil && done != 1 {
		return fmt.Errorf("redis: %s keeps changing", key)
	}
	return wrap(err)
}

// GetObject implements replica.Objects.
func (r *Replica) GetObject(ctx context.Context, name string) ([]byte, error) {
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	key := r.objectKey(name)
	held, err := await(ctx, func() ([]byte, error) { return r.c.GetRange(ctx, key, 0, maxValue).Bytes() })
	if err == nil && len(held) == 0 { // GETRANGE of a missing key
		err = client.Nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	data, whole := dataOf(held)
	if !whole {
		return nil, fmt.Errorf("redis: %s: %w", key, replica.ErrCorrupt)
	}
	return data, nil
}

// SwapObject implements replica.Objects, in one step of the server.
func (r *Replica) SwapObject(ctx context.Context, name string, was, now []byte) error {
	if err := (replica.Object{Name: name, Data: now}).Check(); err != nil {
		return err
	}
	key, held := r.objectKey(name), []byte{}
	if was != nil {
		held = value(was)
	}
	done, err := await(ctx, func() (int, error) {
		return swapScript.Run(ctx, r.c, []string{key}, value(now), maxValue, held).Int()
	})
	if err == nil && done != 1 {
		return fmt.Errorf("redis: %s: %w", key, replica.ErrConflict)
	}
	return wrap(err)
}

// DeleteObjects implements replica.Objects.
func (r *Replica) DeleteObjects(ctx context.Context, names []string) error {
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	for part := range slices.Chunk(names, scanCount) {
		errs, err := await(ctx, func() (errs []error, err error) {
			pipe := r.c.Pipeline()
			cmds := make([]*client.IntCmd, len(part))
			for i, name := range part { // each by itself, as in a Cluster they are at several places
				cmds[i] = pipe.Del(ctx, r.objectKey(name))
			}
			if err := exec(ctx, pipe); err != nil {
				return nil, err
			}
			for _, cmd := range cmds {
				errs = append(errs, cmd.Err())
			}
			return errs, nil
		})
		if err = errors.Join(append(errs, err)...); err != nil {
			return wrap(err)
		}
	}
	if len(names) == 0 {
		return wrap(ctx.Err())
	}
	return nil
}

// ListObjects implements replica.Objects as List does, and remembers the names.
func (r *Replica) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		seen := map[string]struct{}{}
		err := r.scan(ctx, r.objectKey(prefix), func(key string) bool {
			name := strings.TrimPrefix(key, r.objectKey(""))
			if _, again := seen[name]; again || replica.CheckObject(name) != nil {
				return true
			}
			seen[name] = struct{}{}
			return yield(name, nil)
		})
		if err != nil {
			yield("", wrap(err))
		}
	}
}
