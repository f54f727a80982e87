package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// putScript stores ARGV[1] for ARGV[2] ms unless the key holds something; then it
// answers with that, cut to one byte more than a record can have, and leaves
// it, but for the lifetime where it is the same.
var putScript = client.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('TYPE', KEYS[1]).ok ~= 'string' then return '' end
local held = redis.call('GETRANGE', KEYS[1], 0, ARGV[3])
if held ~= ARGV[1] then return held end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

// replaceScript stores ARGV[1] for ARGV[2] ms in place of the damaged ARGV[4], and
// answers 0 when the key holds something else by now.
var replaceScript = client.NewScript(`
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, ARGV[3]) ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// The replies of one pipeline are held in memory together, so a batch is cut
// where its records pass this many bytes (written) or this number (read).
const (
	putBytes = 8 << 20
	getCount = 128
)

// Most records are one piece; of a longer one, the next ones are as long as a
// slow link can bring in a second.
const (
	firstPiece = 64 << 10
	nextPiece  = 256 << 10
)

// PutBatch implements replica.BatchPutter with one pipeline per 8 MiB.
func (r *Replica) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	for start := 0; start < len(vs); {
		end, size := start, 0
		for end < len(vs) && (end == start || size+len(vs[end].Record()) <= putBytes) {
			size += len(vs[end].Record())
			end++
		}
		part := vs[start:end]
		cmds, err := await(ctx, func() ([]*client.Cmd, error) { return r.putAll(ctx, part) })
		for i, v := range part {
			o := &out[start+i]
			if err == nil {
				o.Location, o.Err = r.settle(ctx, v, cmds[i])
			} else {
				o.Err = wrap(err)
			}
		}
		start = end
	}
	return out
}

// putAll runs the put script for each of vs; only an error that concerns all
// of them is returned.
func (r *Replica) putAll(ctx context.Context, vs []module.Verified) ([]*client.Cmd, error) {
	return r.runAll(ctx, putScript, len(vs), func(i int) (string, []any) {
		return r.key(vs[i].Hash()), []any{vs[i].Record(), r.ttl.Milliseconds(), module.MaxRecordBytes}
	})
}

// runAll runs a script n times in one pipeline, each time with the key and the
// arguments that call returns. A server that does not know the script yet is
// sent it.
func (r *Replica) runAll(ctx context.Context, script *client.Script, n int, call func(i int) (key string, args []any)) ([]*client.Cmd, error) {
	cmds := make([]*client.Cmd, n)
	send := func(run func(c client.Scripter, keys []string, args []any) *client.Cmd, which []int) error {
		pipe := r.c.Pipeline()
		for _, i := range which {
			key, args := call(i)
			cmds[i] = run(pipe, []string{key}, args)
		}
		return exec(ctx, pipe)
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if err := send(func(c client.Scripter, keys []string, args []any) *client.Cmd {
		return script.EvalSha(ctx, c, keys, args...)
	}, all); err != nil {
		return nil, err
	}
	var unknown []int
	for i, cmd := range cmds {
		if client.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) == 0 {
		return cmds, nil
	}
	return cmds, send(func(c client.Scripter, keys []string, args []any) *client.Cmd {
		return script.Eval(ctx, c, keys, args...)
	}, unknown)
}

// exec sends a pipeline. It returns an error that concerns the whole of it;
// one command's own is in the command. go-redis leaves the commands without
// one when a server refuses the connection's first words (a wrong password):
// taken at face value, everything would count as answered.
func exec(ctx context.Context, pipe client.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil && !errors.Is(err, client.ErrClosed) && ctx.Err() == nil {
			return nil
		}
	}
	return err
}

// settle makes an outcome of the put script's answer; where the key held other
// bytes, it decides whether they are another record of the event or damage.
func (r *Replica) settle(ctx context.Context, v module.Verified, cmd *client.Cmd) (string, error) {
	key := r.key(v.Hash())
	for range 3 { // each time, somebody else repaired it in between
		answer, err := cmd.Result()
		if err != nil {
			return "", wrap(err)
		}
		held, other := answer.(string)
		if answer == int64(1) {
			return key, nil
		}
		if !other {
			return "", fmt.Errorf("redis: %s: the script answered %v", key, answer)
		}
		if !replica.Damaged(v.Hash(), []byte(held)) {
			return "", fmt.Errorf("redis: %s: %w", key, replica.ErrConflict)
		}
		done, err := await(ctx, func() (int, error) {
			return replaceScript.Run(ctx, r.c, []string{key}, v.Record(), r.ttl.Milliseconds(), module.MaxRecordBytes, held).Int()
		})
		if err != nil {
			return "", wrap(err)
		}
		if done == 1 {
			return key, nil
		}
		cmd, err = await(ctx, func() (*client.Cmd, error) {
			return putScript.Run(ctx, r.c, []string{key}, v.Record(), r.ttl.Milliseconds(), module.MaxRecordBytes), nil
		})
		if err != nil {
			return "", wrap(err)
		}
	}
	return "", fmt.Errorf("redis: %s keeps changing", key)
}

// GetBatch implements replica.BatchGetter with one pipeline per 128 events. Long
// records come in pieces, each with the timeout, so that a slow link is told
// from a silent server. No more of a value is fetched than a record can have.
func (r *Replica) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	todo := make([]int, len(refs))
	for i := range todo {
		todo[i] = i
	}
	for from, piece := 0, firstPiece; len(todo) > 0; from, piece = from+piece, nextPiece {
		var longer []int
		for part := range slices.Chunk(todo, getCount) {
			cmds, err := r.ranges(ctx, refs, part, from, piece)
			moved := 0
			for k, i := range part {
				f := &out[i]
				if err != nil {
					*f = replica.Fetched{Err: wrap(err)}
					continue
				}
				b, err := cmds[k].Bytes()
				moved += len(b)
				switch {
				case err != nil:
					*f = replica.Fetched{Err: wrap(err)}
				case len(b) == 0 && from == 0: // GETRANGE of a missing key
					f.Err = wrap(client.Nil)
				case from+len(b) > module.MaxRecordBytes:
					*f = replica.Fetched{Err: fmt.Errorf("redis: %w: it is longer than any record", replica.ErrCorrupt)}
				default:
					f.Record = append(f.Record, b...)
					if len(b) == piece {
						longer = append(longer, i)
					}
				}
			}
			replica.Moved(ctx, moved)
		}
		todo = longer
	}
	return out
}

// ranges reads one piece of each of the refs whose numbers are in which.
func (r *Replica) ranges(ctx context.Context, refs []replica.Ref, which []int, from, piece int) ([]*client.StringCmd, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return await(ctx, func() ([]*client.StringCmd, error) {
		pipe := r.c.Pipeline()
		cmds := make([]*client.StringCmd, len(which))
		for k, i := range which {
			cmds[k] = pipe.GetRange(ctx, r.key(refs[i].Hash), int64(from), int64(from+piece-1))
		}
		return cmds, exec(ctx, pipe)
	})
}

// TTL returns how long the copy will live, ErrNotFound where there is none.
func (r *Replica) TTL(ctx context.Context, ref replica.Ref) (time.Duration, error) {
	left, err := await(ctx, func() (time.Duration, error) { return r.c.PTTL(ctx, r.key(ref.Hash)).Result() })
	if err == nil && left == -2 {
		err = client.Nil
	}
	return left, wrap(err)
}
