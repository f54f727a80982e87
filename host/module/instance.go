package module

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/eventseal/eventseal/wasm/code"
)

// errLimit: the input is more than the module takes in a call.
var errLimit = &code.Error{Code: code.TooLarge}

// An instance runs one call at a time.
type instance struct {
	module    api.Module
	memory    api.Memory
	functions map[string]api.Function
	stack     [4]uint64
}

// operations are the exports that the host calls.
var operations = []string{"abi_version", "version", "input", "erase", "canonicalize", "verify", "verify_batch", "name", "preimage",
	"create", "sign", "private_text", "key_from_random", "public_key", "public_text", "register_types", "types", "inclusion",
	"sign_digest", "verify_digest", "recover", "signature_text", "signature_of", "public_of", "sha256",
	"sign_receipt", "verify_receipt", "verify_proof"}

func (p *Pool) instantiate(ctx context.Context) (*instance, error) {
	m, err := p.runtime.InstantiateModule(withLinear(ctx), p.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return nil, fmt.Errorf("module: instantiate: %w", err)
	}
	in := &instance{module: m, memory: m.Memory(), functions: map[string]api.Function{}}
	for _, name := range operations {
		if in.functions[name] = m.ExportedFunction(name); in.functions[name] == nil {
			in.close()
			return nil, fmt.Errorf("module: the file has no %s", name)
		}
	}
	v, err := in.call(ctx, "abi_version")
	if err == nil && v != abiVersion {
		err = fmt.Errorf("module: the file has ABI version %d, this host speaks %d", v, abiVersion)
	}
	if err == nil {
		err = in.register(ctx, p.config.Types)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *instance) close() { in.module.Close(context.Background()) }

func (in *instance) call(ctx context.Context, name string, params ...uint32) (uint32, error) {
	for i, x := range params {
		in.stack[i] = uint64(x)
	}
	if err := in.functions[name].CallWithStack(ctx, in.stack[:]); err != nil {
		return 0, err
	}
	return uint32(in.stack[0]), nil
}

// put writes the parts, one behind the other, to the input buffer and returns
// how long they are together.
func (in *instance) put(ctx context.Context, parts ...[]byte) (uint32, error) {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	if n > maxInput {
		return 0, errLimit
	}
	at, err := in.call(ctx, "input", uint32(n))
	if err != nil {
		return 0, err
	}
	if at == 0 {
		return 0, errLimit
	}
	for _, part := range parts {
		if !in.memory.Write(at, part) {
			return 0, errOutside
		}
		at += uint32(len(part))
	}
	return uint32(n), nil
}

var (
	errOutside   = errors.New("an address outside of memory")
	errMalformed = errors.New("a malformed answer")
)

// read returns a view of memory, valid until the next call.
func (in *instance) read(at, size uint32) ([]byte, error) {
	b, ok := in.memory.Read(at, size)
	if !ok {
		return nil, errOutside
	}
	return b, nil
}

// ask calls an operation that answers with a result. The data are a view.
func (in *instance) ask(ctx context.Context, name string, input ...[]byte) ([]byte, error) {
	var params []uint32
	if len(input) > 0 {
		n, err := in.put(ctx, input...)
		if err != nil {
			return nil, err
		}
		params = []uint32{n}
	}
	return in.result(ctx, name, params...)
}

// result calls an operation that answers with one. The data are a view; there
// are some beside a refusal, too.
func (in *instance) result(ctx context.Context, name string, params ...uint32) ([]byte, error) {
	at, err := in.call(ctx, name, params...)
	if err != nil {
		return nil, err
	}
	r, err := in.read(at, 12)
	if err != nil {
		return nil, err
	}
	c := binary.LittleEndian.Uint32(r)
	data, err := in.read(binary.LittleEndian.Uint32(r[4:]), binary.LittleEndian.Uint32(r[8:]))
	if err != nil {
		return nil, err
	}
	if c != 0 {
		return data, &code.Error{Code: code.Code(c), Pointer: string(data)}
	}
	return data, nil
}

// length is what stands before b in a field.
func length(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(len(b))) }

// field is b behind its length.
func field[T ~string | ~[]byte](b T) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...)
}

// cut takes a field off the front of an answer.
func cut(b []byte) (field, rest []byte, err error) {
	if len(b) >= 4 {
		if n := binary.LittleEndian.Uint32(b); uint64(n) <= uint64(len(b)-4) {
			return b[4 : 4+n], b[4+n:], nil
		}
	}
	return nil, nil, errMalformed
}

func (in *instance) register(ctx context.Context, types []Type) error {
	known, err := in.listTypes(ctx)
	if err != nil {
		return err
	}
	var b []byte
	for _, t := range types {
		for _, k := range known {
			switch {
			case k.Name == t.Name:
				return fmt.Errorf("module: event type %s is there already, with the code %d", t.Name, k.Code)
			case k.Code == t.Code:
				return fmt.Errorf("module: event types %s and %s would have the same code %d; on a chain nobody could tell them apart", t.Name, k.Name, t.Code)
			}
		}
		known = append(known, t)
		b = append(binary.LittleEndian.AppendUint32(b, t.Code), field(t.Name)...)
	}
	if _, err := in.ask(ctx, "register_types", b); err != nil {
		return fmt.Errorf("module: event types %v: names have 1 to 64 bytes without quotes, backslashes and control characters, at most 256 types: %w", types, err)
	}
	return nil
}

func (in *instance) listTypes(ctx context.Context) (types []Type, err error) {
	b, err := in.ask(ctx, "types")
	for err == nil && len(b) > 0 {
		if len(b) < 4 {
			return nil, errMalformed
		}
		t := Type{Code: binary.LittleEndian.Uint32(b)}
		var name []byte
		if name, b, err = cut(b[4:]); err == nil {
			t.Name = string(name)
			types = append(types, t)
		}
	}
	return types, err
}
